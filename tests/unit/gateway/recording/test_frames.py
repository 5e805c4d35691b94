"""A recording's file: what was written is read, and nothing else is."""

from __future__ import annotations

import io
import secrets

import pytest

from gateway.errors import RecordingBroken
from gateway.recording.frames import (
    MAX_HEAD,
    MAX_PLAIN,
    Head,
    Sealer,
    chained,
    digest_of,
    open_chunk,
    read_chunks,
    read_head,
    write_head,
)

KEY = b"k" * 32


def head(**changes: object) -> Head:
    said: dict[str, object] = {
        "id": "r-1",
        "shape": "command",
        "started": 5,
        "session": "s",
        "principal": "ana",
        "resource": "box",
        "decision_id": "d",
        "key": "n",
        "wrapped": b"w",
    }
    return Head(**{**said, **changes})  # type: ignore[arg-type]  # fields of a test


def written(pieces: list[bytes], *, ends: bool = True) -> bytes:
    start = write_head(head())
    sealer = Sealer(KEY, digest_of(start))
    chunks = [sealer.seal(one, at * 10, 5, is_last=ends and at == len(pieces) - 1) for at, one in enumerate(pieces)]
    return start + b"".join(chunks)


def read(raw: bytes, key: bytes = KEY) -> tuple[bytes, str]:
    """What can be read, and how it ended."""
    file, out = io.BytesIO(raw), b""
    try:
        opened = read_head(file)
        for chunk in read_chunks(file, opened):
            out += open_chunk(chunk, opened, key)
    except RecordingBroken as error:
        return out, error.code
    return out, ""


def test_what_was_written_is_read() -> None:
    assert read(written([b"a", b"b" * 1000, b""])) == (b"a" + b"b" * 1000, "")
    assert b"b" * 20 not in written([b"b" * 1000])


def test_heads_are_read_without_the_key() -> None:
    opened = read_head(io.BytesIO(written([b"a"])))
    assert opened.head == head()


def test_the_chain_is_of_all_bytes() -> None:
    raw = written([b"a", b"b"])
    file = io.BytesIO(raw)
    opened = read_head(file)
    begins = file.tell()
    (first, second) = read_chunks(file, opened)
    assert opened.digest == digest_of(raw[:begins])
    assert first.digest == chained(opened.digest, first.frame + first.sealed)
    assert second.digest == chained(first.digest, second.frame + second.sealed)


def test_a_torn_end_is_named_as_one_wherever_it_is_torn() -> None:
    raw = written([b"a" * 50, b"b" * 50])
    file = io.BytesIO(raw)
    opened = read_head(file)
    whole = [file.tell()]
    for chunk in read_chunks(file, opened):
        whole.append(whole[-1] + len(chunk.frame) + len(chunk.sealed))
    for end in range(whole[0], len(raw)):
        got, code = read(raw[:end])
        assert code == ("UNFINISHED" if end in whole else "TORN")
        assert got == (b"" if end < whole[1] else b"a" * 50)


def test_every_changed_byte_behind_the_head_is_found() -> None:
    raw = written([b"one", b"two"])
    start = len(write_head(head()))
    for place in range(start, len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 0x41
        assert read(bytes(changed))[1] in ("ALTERED", "TORN"), place


def test_a_changed_head_opens_nothing() -> None:
    raw = written([b"one"])
    assert read(raw.replace(b'"ana"', b'"eve"'))[1] == "ALTERED"


def test_chunks_fit_nowhere_else() -> None:
    start = write_head(head())
    sealer = Sealer(KEY, digest_of(start))
    first, second = sealer.seal(b"1", 0, 0, is_last=False), sealer.seal(b"2", 0, 0, is_last=True)
    assert read(start + first + second)[1] == ""
    assert read(start + second + first)[1] == "ALTERED"
    assert read(start + second)[1] == "ALTERED"
    assert read(write_head(head(id="r-2")) + first + second)[1] == "ALTERED"
    assert read(start + first + second + b"x")[1] == "ALTERED"


def test_another_key_opens_nothing() -> None:
    assert read(written([b"a"]), secrets.token_bytes(32)) == (b"", "ALTERED")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nothing",
        b"sallyport recording 1\n",
        b"sallyport recording 1\n\xff\xff\xff\xff",
        b"sallyport recording 1\n\0\0\0\2[]",
    ],
)
def test_what_is_no_recording_is_said_to_be_none(raw: bytes) -> None:
    assert read(raw)[1] == "NO_RECORDING"


def test_a_torn_head_is_torn() -> None:
    assert read(write_head(head())[:-3])[1] == "TORN"


def test_limits_hold() -> None:
    with pytest.raises(RecordingBroken):
        Sealer(KEY, b"").seal(bytes(MAX_PLAIN + 1), 0, 0, is_last=False)
    with pytest.raises(RecordingBroken):
        write_head(head(principal="x" * MAX_HEAD))
    assert read(written([secrets.token_bytes(MAX_PLAIN)]))[1] == ""


def test_a_disk_that_fails_is_one_error() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(RecordingBroken, match="cannot be read"):
        read_head(Broken())
