"""Frames and header blocks of SPDY/3.1, piece by piece."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import PeerProtocolError
from adapters.kubernetes.spdy import (
    DICTIONARY,
    FIN,
    PING,
    SYN_STREAM,
    FrameReader,
    HeaderReader,
    HeaderWriter,
    control,
    data_frame,
)

NAMES = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=9)
BLOCKS = st.lists(st.dictionaries(NAMES, st.text("abc \x00", max_size=9), max_size=4), max_size=4)


def test_the_dictionary_is_the_one_of_the_protocol() -> None:
    assert len(DICTIONARY) == 1423
    assert zlib.adler32(DICTIONARY) == 0xE3C6A7C2


@given(BLOCKS)
def test_header_blocks_are_read_as_they_were_written_in_order(blocks: list[dict[str, str]]) -> None:
    writer, reader = HeaderWriter(), HeaderReader()
    assert [reader.read(writer.write(one)) for one in blocks] == blocks


@given(st.integers(1, 9))
def test_where_pieces_end_does_not_matter(size: int) -> None:
    wire = (
        control(PING, bytes(4))
        + data_frame(5, b"hello", is_last=True)
        + control(SYN_STREAM, bytes(3) + b"\x07" + bytes(8))
    )
    reader, got = FrameReader(), []
    for at in range(0, len(wire), size):
        got += reader.feed(wire[at : at + size])
    assert [(one.kind, one.stream) for one in got] == [(PING, 0), (None, 5), (SYN_STREAM, 7)]
    assert got[1].flags & FIN
    assert b"".join(one.raw for one in got) == wire


@pytest.mark.parametrize(
    "wire",
    [
        b"\x80\x02\x00\x01" + bytes(4),
        b"\x80\x03\x00\x05" + bytes(4),
        b"\x80\x03\x00\x01\x00\x00\x00\x04" + bytes(4),
        bytes(5) + b"\xff\xff\xff",
    ],
)
def test_what_is_no_frame_of_this_protocol_is_refused(wire: bytes) -> None:
    with pytest.raises(PeerProtocolError):
        FrameReader().feed(wire)


def test_headers_that_unpack_without_end_or_come_twice_are_refused() -> None:
    packer = zlib.compressobj(zdict=DICTIONARY)
    with pytest.raises(PeerProtocolError):
        HeaderReader().read(packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_SYNC_FLUSH))
    packer = zlib.compressobj(zdict=DICTIONARY)
    pair = b"\x00\x00\x00\x01a\x00\x00\x00\x01b"
    with pytest.raises(PeerProtocolError):
        HeaderReader().read(packer.compress(b"\x00\x00\x00\x02" + pair + pair) + packer.flush(zlib.Z_SYNC_FLUSH))


@given(st.binary(max_size=120))
def test_garbage_is_one_documented_error(data: bytes) -> None:
    codes = set()
    for read in (FrameReader().feed, HeaderReader().read):
        try:
            read(data)
        except PeerProtocolError as error:
            codes.add(error.code)
    assert codes <= {"spdy"}
