"""Bodies on the wire, whole and in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import PeerProtocolError
from adapters.web.bodies import LAST_CHUNK, MAX_TRAILERS, Body, Chunked, Endless, Sized, chunk, last_chunk


def fed(body: Body, data: bytes, size: int) -> bytes:
    return b"".join(body.feed(data[at : at + size]) for at in range(0, len(data), size))


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.integers(1, 30), st.binary(max_size=10))
def test_chunks_are_what_they_were_wherever_pieces_end(pieces: list[bytes], size: int, behind: bytes) -> None:
    for is_strict in (True, False):
        body = Chunked(is_strict=is_strict)
        wire = b"".join(map(chunk, pieces)) + LAST_CHUNK + behind
        assert fed(body, wire, size) == b"".join(pieces)
        assert body.is_done
        assert body.rest == behind


def test_a_sized_body_ends_where_it_says() -> None:
    body = Sized(5)
    assert body.feed(b"abc") == b"abc"
    assert not body.is_done
    assert body.feed(b"defg") == b"de"
    assert body.is_done
    assert body.rest == b"fg"
    assert Sized(0).is_done


def test_an_endless_body_has_no_end() -> None:
    body = Endless()
    assert body.feed(b"abc") == b"abc"
    assert not body.is_done


@pytest.mark.parametrize(
    "wire",
    [
        b"5;ext=1\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"+5\r\nhello\r\n0\r\n\r\n",
        b"5 \r\nhello\r\n0\r\n\r\n",
        b" 5\r\nhello\r\n0\r\n\r\n",
        b"5\nhello\r\n0\r\n\r\n",
        b"5\r\nhelloX\r\n0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"\r\n5\r\nhello\r\n0\r\n\r\n",
        b"-1\r\n\r\n",
        b"123456789\r\n",
        b"0\r\nContent-Length: 5\r\n\r\n",
        b"g\r\n",
        b"1" * 5000,
        b"5\r\nhello\r\n0\r\n\n",
    ],
)
def test_a_request_in_other_chunks_is_refused(wire: bytes) -> None:
    for size in (1, len(wire)):
        with pytest.raises(PeerProtocolError) as caught:
            fed(Chunked(is_strict=True), wire, size)
        assert caught.value.code == ("trailer" if b"Length" in wire else "chunk")


def test_of_an_answer_extensions_and_trailers_are_left_out() -> None:
    body = Chunked(is_strict=False)
    assert body.feed(b"5;a=b\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\nmore") == b"hello"
    assert body.is_done
    assert body.rest == b"more"
    assert body.feed(b"!") == b""
    assert body.rest == b"more!"


@pytest.mark.parametrize("tail", [b"X: 1\r\n" * (MAX_TRAILERS + 1), b"no trailer\r\n"])
def test_of_an_answer_trailers_have_a_limit_and_a_form(tail: bytes) -> None:
    with pytest.raises(PeerProtocolError) as caught:
        Chunked(is_strict=False).feed(b"0\r\n" + tail)
    assert caught.value.code == "bad_answer"


def test_an_empty_chunk_is_never_written() -> None:
    assert chunk(b"") == b""


@pytest.mark.parametrize("size", [1, 100])
def test_of_a_request_trailers_are_read_where_somebody_wants_them(size: int) -> None:
    body = Chunked(is_strict=True, reads_trailers=True)
    assert fed(body, b"1\r\na\r\n0\r\nX: 1\r\nY:2\r\n\r\nGET", size) == b"a"
    assert (body.trailers, body.rest) == ([b"X: 1", b"Y:2"], b"GET")
    for tail in (b"X: 1\r\n" * (MAX_TRAILERS + 1), b"no trailer\r\n", b"X : 1\r\n", b"X: 1\nY: 2\r\n"):
        with pytest.raises(PeerProtocolError) as caught:
            fed(Chunked(is_strict=True, reads_trailers=True), b"0\r\n" + tail, size)
        assert caught.value.code == "chunk"


def test_fields_are_written_behind_the_last_chunk() -> None:
    assert last_chunk(()) == LAST_CHUNK
    assert last_chunk([("x", "\xe4"), ("y", "")]) == b"0\r\nx: \xe4\r\ny: \r\n\r\n"
