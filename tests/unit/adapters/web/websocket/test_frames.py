"""Frames of WebSocket, piece by piece."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import PeerProtocolError
from adapters.web.websocket.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PIECE,
    PING,
    TEXT,
    Frame,
    FrameReader,
    accept_of,
    closing,
    frame,
    goodbye,
    is_key,
    written,
)
from tests.strategies.web_sockets import KEY, MASK, client_frame, server_frame

LONGEST = 64 * 1024


def test_a_key_is_answered_as_the_rfc_has_it() -> None:
    assert accept_of(KEY) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert is_key(KEY)
    assert not is_key("abc")
    assert not is_key("YWJj")


@given(
    st.lists(st.tuples(st.sampled_from([BINARY, PING, CLOSE]), st.binary(max_size=120)), max_size=5),
    st.integers(1, 9),
    st.booleans(),
)
def test_where_pieces_end_does_not_matter(frames: list[tuple[int, bytes]], size: int, is_client: bool) -> None:
    write = client_frame if is_client else server_frame
    wire = b"".join(write(opcode, payload) for opcode, payload in frames)
    reader, got = FrameReader(is_client=is_client), []
    for at in range(0, len(wire), size):
        got += reader.feed(wire[at : at + size])
    assert [(one.opcode, one.payload) for one in got] == frames
    assert b"".join(written(one) for one in got) + reader.rest == wire
    assert reader.rest == b""


def test_a_frame_that_is_not_whole_is_kept_as_it_is() -> None:
    wire = client_frame(BINARY, b"x" * 300)
    reader = FrameReader(is_client=True, longest=LONGEST)
    assert list(reader.feed(wire[:-1])) == []
    assert reader.rest == wire[:-1]


@pytest.mark.parametrize("extra", [0, 1, PIECE // 2])
def test_a_long_frame_comes_in_fragments_as_it_arrives(extra: int) -> None:
    payload = bytes(range(256)) * (2 * PIECE // 256) + b"z" * extra
    reader, got = FrameReader(is_client=True), []
    wire = client_frame(TEXT, payload)
    for at in range(0, len(wire), 10_000):
        got += reader.feed(wire[at : at + 10_000])
        assert len(reader.rest) <= PIECE + 10_000
    assert b"".join(one.payload for one in got) == payload
    assert [one.opcode for one in got] == [TEXT] + [CONTINUATION] * (len(got) - 1)
    assert [one.is_final for one in got] == [False] * (len(got) - 1) + [True]
    assert {one.key for one in got} == {MASK}


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"\x82\x01a", id="a client's frame without a mask"),
        pytest.param(b"\xc2\x81" + bytes(5), id="a compressed frame"),
        pytest.param(b"\x82\xff" + (LONGEST + 1).to_bytes(8, "big"), id="too long"),
        pytest.param(b"\x89\xfe\x00\x7e", id="a long ping"),
        pytest.param(b"\x09\x80" + bytes(4), id="a fragment of a ping"),
        pytest.param(b"\x83\x80" + bytes(4), id="a kind that nobody knows"),
        pytest.param(b"\x82\xfe\x00\x7d" + bytes(4), id="a length of two bytes that fits one"),
        pytest.param(b"\x82\xff" + (65535).to_bytes(8, "big"), id="a length of eight bytes that fits two"),
        pytest.param(b"\x82\xff" + b"\xff" * 8, id="a length below nothing"),
    ],
)
def test_what_no_client_sends_is_refused(wire: bytes) -> None:
    with pytest.raises(PeerProtocolError):
        list(FrameReader(is_client=True, longest=LONGEST).feed(wire))


def test_a_server_masks_nothing() -> None:
    with pytest.raises(PeerProtocolError):
        list(FrameReader(is_client=False).feed(client_frame(TEXT, b"a")))


def test_frames_before_a_bad_one_are_read() -> None:
    got = FrameReader(is_client=False).feed(server_frame(TEXT, b"a") + b"\xff\xff")
    assert next(got) == Frame(TEXT, b"a")
    with pytest.raises(PeerProtocolError):
        next(got)


@given(st.binary(max_size=200), st.booleans())
def test_garbage_is_frames_or_one_error(data: bytes, is_client: bool) -> None:
    codes = set()
    try:
        list(FrameReader(is_client=is_client).feed(data))
    except PeerProtocolError as error:
        codes.add(error.code)
    assert codes <= {"websocket"}


def test_frames_of_the_server_have_the_length_they_say() -> None:
    assert frame(BINARY, b"ab") == b"\x82\x02ab"
    assert frame(BINARY, b"a" * 200)[:4] == b"\x82\x7e\x00\xc8"
    assert frame(BINARY, b"a" * 70_000)[:10] == b"\x82\x7f" + (70_000).to_bytes(8, "big")
    assert goodbye() == b"\x88\x02\x03\xe8"


def test_a_reason_is_cut_between_letters() -> None:
    assert closing(1008, "no") == b"\x03\xf0no"
    assert closing(1008, "\u00e4" * 100)[2:].decode() == "\u00e4" * 61
