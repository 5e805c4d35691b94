"""Recordings of a folder: found, described, put away."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import RecordingBroken
from gateway.recording.keys import WrappingKeys
from gateway.recording.recorder import About, Recordings
from gateway.recording.shelf import Wanted, digest_after, events, files, find, heads, lines, put_away, state_of

KEYS = WrappingKeys([b"k" * 32])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = Recordings(tmp_path, KEYS, lambda: 10**18, lambda progress: None)
    for who, job in (("ana", "7"), ("bo", None)):
        one = made.begin(About("s", who, "box", "d", job), None, lambda: None)
        one.output(f"{who} was here\n".encode())
        one.end(0)
    made.close()
    return tmp_path


def test_filters_find_what_they_name(folder: Path) -> None:
    def who(**wanted: object) -> set[str]:
        return {head.principal for _, head in heads(folder, Wanted(**wanted))}  # type: ignore[arg-type]  # fields

    assert who() == {"ana", "bo"}
    assert who(principal="ana") == who(job="7") == {"ana"}
    assert who(resource="other") == who(session="x") == who(since=10**18 + 1) == who(until=10**18) == set()


def test_one_is_found_by_its_name_and_no_path_is_a_name(folder: Path) -> None:
    path = files(folder)[0]
    assert find(folder, path.stem) == path
    for name in ("r-0123456789abcdef", "../../etc/passwd", "*", ""):
        with pytest.raises(RecordingBroken):
            find(folder, name)


def test_strange_files_are_left_out(folder: Path) -> None:
    day = files(folder)[0].parent
    (day / "r-0000000000000000.srec").write_bytes(b"nothing")
    (day / "r-0000000000000001.srec").write_bytes(files(folder)[0].read_bytes())
    (day / "x.srec").write_bytes(b"")
    assert len(list(heads(folder, Wanted()))) == 2


def test_what_was_cut_off_is_read_as_far_as_it_goes(folder: Path) -> None:
    path = files(folder)[0]
    whole = list(lines(path, KEYS))
    assert len(whole) == 2
    raw = path.read_bytes()
    path.write_bytes(raw[:-1])
    assert state_of(path).trouble == "TORN"
    with pytest.raises(RecordingBroken) as found:
        list(events(path, KEYS))
    assert found.value.code == "TORN"


def test_digests_are_those_of_so_many_chunks(folder: Path) -> None:
    path = files(folder)[0]
    assert digest_after(path, 1) == state_of(path).digest
    assert digest_after(path, 0) != digest_after(path, 1)
    assert digest_after(path, 2) is None
    path.write_bytes(b"")
    assert digest_after(path, 0) is None


def test_what_is_put_away_is_gone_key_first(folder: Path) -> None:
    path = files(folder)[0]
    copy = folder / "copy"
    copy.hardlink_to(path)
    put_away(path)
    assert not path.exists()
    assert b"wrapped" not in copy.read_bytes()
    assert len(files(folder)) == 1
