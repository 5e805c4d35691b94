"""Whole frames, and what no honest client sends."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hpack import Encoder
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import PeerProtocolError
from adapters.web.http2.frames import (
    MAX_CONTINUATIONS,
    MAX_FIELDS,
    MAX_FRAME,
    PREFACE,
    Frame,
    FrameReader,
    Kind,
    bounded,
    check_block,
    goaway,
    read_goaway,
    settings,
)


def frame(kind: int, payload: bytes = b"", *, flags: int = 0, stream: int = 0) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


START = PREFACE + frame(Kind.SETTINGS)
HEAD = Encoder().encode([(":method", "GET"), (":path", "/")])


def read(data: bytes, size: int = 0) -> list[Frame]:
    reader, found = FrameReader(), []
    for at in range(0, len(data), size or max(len(data), 1)):
        reader.feed(data[at : at + (size or len(data))])
        while (one := reader.take()) is not None:
            found.append(one)
    return found


def refused(data: bytes) -> str:
    with pytest.raises(PeerProtocolError) as caught:
        read(data)
    return caught.value.code


@given(st.integers(1, 60), st.lists(st.binary(max_size=40), max_size=5))
def test_where_pieces_end_does_not_matter(size: int, payloads: list[bytes]) -> None:
    data = START + b"".join(frame(Kind.PING, one) for one in payloads)
    assert read(data, size) == read(data)
    assert [one.whole for one in read(data)] == [frame(Kind.SETTINGS), *(frame(Kind.PING, one) for one in payloads)]


def test_a_connection_begins_with_the_preface_and_settings() -> None:
    assert refused(b"GET / HTTP/1.1\r\n") == "PROTOCOL_ERROR"
    assert refused(PREFACE + frame(Kind.PING, b"12345678")) == "PROTOCOL_ERROR"
    assert refused(PREFACE + frame(Kind.SETTINGS, flags=1)) == "PROTOCOL_ERROR"
    assert read(PREFACE[:-1]) == []


def test_a_frame_is_no_longer_than_everybody_has_to_take() -> None:
    assert len(read(START + frame(Kind.DATA, bytes(MAX_FRAME), stream=1))) == 2
    assert refused(START + frame(Kind.DATA, bytes(MAX_FRAME + 1), stream=1)) == "FRAME_SIZE_ERROR"


def test_a_head_goes_on_in_its_own_frames_alone() -> None:
    first, rest = frame(Kind.HEADERS, HEAD[:1], stream=1), frame(Kind.CONTINUATION, HEAD[1:], flags=4, stream=1)
    assert [one.kind for one in read(START + first + rest)] == [Kind.SETTINGS, Kind.HEADERS, Kind.CONTINUATION]
    assert refused(START + first + frame(Kind.PING, bytes(8))) == "PROTOCOL_ERROR"
    assert refused(START + rest) == "PROTOCOL_ERROR"
    assert refused(START + first + frame(Kind.HEADERS, HEAD, flags=4, stream=3)) == "PROTOCOL_ERROR"


def test_a_head_in_very_many_frames_or_bytes_is_refused() -> None:
    first, more = frame(Kind.HEADERS, HEAD, stream=1), frame(Kind.CONTINUATION, b"", stream=1)
    read(START + first + more * MAX_CONTINUATIONS)
    assert refused(START + first + more * (MAX_CONTINUATIONS + 1)) == "ENHANCE_YOUR_CALM"
    long = frame(Kind.CONTINUATION, bytes(MAX_FRAME), stream=1)
    assert refused(START + first + long * 4) == "ENHANCE_YOUR_CALM"


def test_numbers_in_a_head_are_short_and_its_fields_are_few() -> None:
    check_block(HEAD)
    check_block(Encoder().encode([("cookie", "a" * 3000), (":path", "/x"), ("y", "")]))
    for block in (
        b"\xff" + b"\xff" * 5 + b"\x01",
        b"\x40\x7f" + b"\xff" * 9,
        b"\x3f" + b"\x80" * 6,
        b"\x40\x05ab",
        b"\x40",
        b"\x7f",
    ):
        with pytest.raises(PeerProtocolError) as caught:
            check_block(block)
        assert caught.value.code == "COMPRESSION_ERROR", block
    check_block(b"\x82" * MAX_FIELDS)
    for block in (b"\x82" * (MAX_FIELDS + 1), b"\x20" * 3):
        with pytest.raises(PeerProtocolError) as caught:
            check_block(block)
        assert caught.value.code == "ENHANCE_YOUR_CALM"


@given(st.binary(max_size=200))
def test_no_head_makes_anything_but_a_refusal(block: bytes) -> None:
    with contextlib.suppress(PeerProtocolError):
        check_block(block)


def test_the_content_of_a_frame_has_no_padding_and_no_priority() -> None:
    padded = read(START + frame(Kind.DATA, b"\x02abc\0\0", flags=8, stream=1))[1]
    assert padded.content == b"abc"
    assert padded.size == 6
    first = read(START + frame(Kind.HEADERS, b"\x01" + bytes(5) + HEAD + b"\0", flags=0x2C, stream=1))[1]
    assert first.content == HEAD
    assert not first.is_last
    for payload in (b"", b"\x05abc"):
        with pytest.raises(PeerProtocolError):
            _ = read(START + frame(Kind.DATA, payload, flags=8, stream=1))[1].content


def test_our_own_frames_are_frames() -> None:
    assert settings({3: 100}) == frame(Kind.SETTINGS, b"\0\x03\0\0\0\x64")
    assert goaway(7, 0) == frame(Kind.GOAWAY, b"\0\0\0\x07\0\0\0\0")
    assert read(START + frame(Kind.SETTINGS, flags=1))[1].is_ack


def test_a_large_table_that_a_client_allows_is_not_taken() -> None:
    said = read(START + frame(Kind.SETTINGS, b"\0\x01\x7f\0\0\0" + b"\0\x04\x7f\0\0\0"))[1]
    assert bounded(said) == frame(Kind.SETTINGS, b"\0\x01\0\0\x10\0" + b"\0\x04\x7f\0\0\0")
    for other in (frame(Kind.SETTINGS, b"\0"), frame(Kind.PING, bytes(8))):
        assert bounded(read(START + other)[1]) == other


def test_from_a_target_no_preface_comes() -> None:
    reader = FrameReader(is_greeted=True)
    reader.feed(frame(Kind.SETTINGS) + frame(Kind.GOAWAY, struct.pack(">II", 0x80000005, 7)))
    assert reader.take() is not None
    goodbye = reader.take()
    assert goodbye is not None
    assert read_goaway(goodbye) == (5, 7)


@pytest.mark.parametrize("said", [frame(Kind.GOAWAY, bytes(7)), frame(Kind.GOAWAY, bytes(8), stream=1)])
def test_a_goodbye_names_a_last_stream_and_is_for_the_connection(said: bytes) -> None:
    reader = FrameReader(is_greeted=True)
    reader.feed(frame(Kind.SETTINGS) + said)
    reader.take()
    goodbye = reader.take()
    assert goodbye is not None
    with pytest.raises(PeerProtocolError):
        read_goaway(goodbye)
