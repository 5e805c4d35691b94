"""Frames of WebSocket, piece by piece."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import PeerProtocolError
from adapters.kubernetes.websockets import (
    BINARY,
    CLOSE,
    MAX_PAYLOAD,
    PING,
    FrameReader,
    accept_of,
    frame,
    goodbye,
    is_key,
)
from tests.strategies.kubernetes_frames import KEY, web_frame


def test_a_key_is_answered_as_the_rfc_has_it() -> None:
    assert accept_of(KEY) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert is_key(KEY)
    assert not is_key("abc")
    assert not is_key("YWJj")


@given(
    st.lists(st.tuples(st.sampled_from([BINARY, PING, CLOSE]), st.binary(max_size=120)), max_size=5), st.integers(1, 9)
)
def test_where_pieces_end_does_not_matter(frames: list[tuple[int, bytes]], size: int) -> None:
    wire = b"".join(web_frame(opcode, payload) for opcode, payload in frames)
    reader, got = FrameReader(), []
    for at in range(0, len(wire), size):
        got += reader.feed(wire[at : at + size])
    assert [(one.opcode, one.payload) for one in got] == frames
    assert b"".join(one.raw for one in got) + reader.rest == wire
    assert reader.rest == b""


def test_a_frame_that_is_not_whole_is_kept_as_it_is() -> None:
    wire = web_frame(BINARY, b"x" * 300)
    reader = FrameReader()
    assert reader.feed(wire[:-1]) == []
    assert reader.rest == wire[:-1]


@pytest.mark.parametrize(
    "wire",
    [
        b"\x82\x01a",
        b"\xc2\x81" + bytes(5),
        b"\x82\xff" + (MAX_PAYLOAD + 1).to_bytes(8, "big"),
        b"\x89\xfe\x00\x7e",
    ],
)
def test_what_no_client_sends_is_refused(wire: bytes) -> None:
    with pytest.raises(PeerProtocolError):
        FrameReader().feed(wire)


@given(st.binary(max_size=200))
def test_garbage_is_frames_or_one_error(data: bytes) -> None:
    codes = set()
    try:
        FrameReader().feed(data)
    except PeerProtocolError as error:
        codes.add(error.code)
    assert codes <= {"websocket"}


def test_frames_of_the_server_have_the_length_they_say() -> None:
    assert frame(BINARY, b"ab") == b"\x82\x02ab"
    assert frame(BINARY, b"a" * 200)[:4] == b"\x82\x7e\x00\xc8"
    assert frame(BINARY, b"a" * 70_000)[:10] == b"\x82\x7f" + (70_000).to_bytes(8, "big")
    assert goodbye() == b"\x88\x02\x03\xe8"
