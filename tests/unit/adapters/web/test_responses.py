"""Answers of a target, read strictly."""

from __future__ import annotations

import pytest

from adapters.errors import PeerProtocolError
from adapters.web.responses import MAX_INTERIM, MAX_LASTS, AnswerData, AnswerEnd, AnswerHead, AnswerReader


def read(
    wire: bytes, method: str = "GET", size: int = 1 << 20, *, ends: bool = False
) -> tuple[AnswerHead, bytes, bool]:
    reader = AnswerReader(method)
    parts = [part for at in range(0, len(wire), size) for part in reader.feed(wire[at : at + size])]
    if ends:
        parts += reader.end()
    head = parts[0]
    assert isinstance(head, AnswerHead)
    data = b"".join(part.data for part in parts if isinstance(part, AnswerData))
    return head, data, isinstance(parts[-1], AnswerEnd)


@pytest.mark.parametrize("size", [1, 3, 1 << 20])
def test_answers_of_each_framing_are_read(size: int) -> None:
    sized = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-A:  b \r\n\r\nabc"
    head, data, is_whole = read(sized, size=size)
    assert (head.status, head.length, data, is_whole) == (200, 3, b"abc", True)
    assert head.values(b"x-a") == [b"b"]
    chunked = b"HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    assert read(chunked, size=size)[1:] == (b"abc", True)
    assert read(b"HTTP/1.0 200 OK\r\n\r\nabc", size=size)[1:] == (b"abc", False)
    assert read(b"HTTP/1.0 200 OK\r\n\r\nabc", size=size, ends=True)[1:] == (b"abc", True)


def test_what_has_no_body_ends_with_its_head() -> None:
    for wire, method in (
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HEAD"),
        (b"HTTP/1.1 204 No\r\n\r\n", "GET"),
        (b"HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", "GET"),
    ):
        assert read(wire, method)[1:] == (b"", True)


def test_interim_answers_are_left_out_up_to_a_limit() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    assert read(interim * MAX_INTERIM + b"HTTP/1.1 204 OK\r\n\r\n")[0].status == 204
    with pytest.raises(PeerProtocolError):
        read(interim * (MAX_INTERIM + 1))


@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\nSet-Cookie: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: y\r\n" * 1 + b"A: b\r\n" * 300 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000,
    ],
)
def test_an_answer_that_is_none_is_an_error(wire: bytes) -> None:
    with pytest.raises(PeerProtocolError):
        read(wire)


def test_an_answer_that_ends_too_early_is_an_error() -> None:
    for wire in (b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"):
        reader = AnswerReader("GET")
        reader.feed(wire)
        with pytest.raises(PeerProtocolError):
            reader.end()
    done = AnswerReader("GET")
    done.feed(b"HTTP/1.1 204 OK\r\n\r\n")
    assert done.end() == []


def lasts(data: bytes, method: str = "GET") -> float:
    reader = AnswerReader(method)
    reader.feed(data)
    return reader.lasts


def plain(*lines: bytes, first: bytes = b"HTTP/1.1 200 OK", body: bytes = b"ok") -> bytes:
    return b"\r\n".join((first, b"Content-Length: %d" % len(body), *lines, b"", body))


def test_a_connection_lasts_behind_an_answer_that_ends_where_it_says() -> None:
    assert lasts(plain()) == MAX_LASTS
    assert lasts(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n") == MAX_LASTS
    assert lasts(b"HTTP/1.1 204 No Content\r\n\r\n") == MAX_LASTS
    assert lasts(plain(b"Connection: Keep-Alive", b"Keep-Alive: max=9, timeout=5")) == 4.0
    assert lasts(plain(b"Keep-Alive: timeout=600")) == MAX_LASTS


@pytest.mark.parametrize(
    ("data", "method"),
    [
        (plain()[:-1], "GET"),
        (plain() + b"x", "GET"),
        (plain() + plain(), "GET"),
        (plain(b"Connection: close"), "GET"),
        (plain(b"Connection: keep-alive, close"), "GET"),
        (plain(b"Connection: upgrade", b"Upgrade: h2c"), "GET"),
        (plain(b"Upgrade: h2c"), "GET"),
        (plain(b"Keep-Alive: timeout=0"), "GET"),
        (plain(b"Keep-Alive: timeout=1"), "GET"),
        (plain(b"Content-Length: 2"), "GET"),
        (plain(first=b"HTTP/1.0 200 OK"), "GET"),
        (plain(first=b"HTTP/1.1 304 Not Modified"), "GET"),
        (plain(first=b"HTTP/1.1 204 No Content"), "GET"),
        (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "GET"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + plain(), "GET"),
        (b"HTTP/1.1 200 OK\r\n\r\nok", "GET"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "HEAD"),
        (plain(), "POST"),
    ],
)
def test_a_connection_does_not_last_behind_one_that_leaves_a_doubt(data: bytes, method: str) -> None:
    assert lasts(data, method) == 0.0


def test_one_that_ended_with_its_connection_leaves_none() -> None:
    reader = AnswerReader("GET")
    assert not reader.is_heard
    reader.feed(b"HTTP/1.1 200 OK\r\n\r\nok")
    reader.end()
    assert (reader.is_done, reader.is_heard, reader.lasts) == (True, True, 0.0)


def test_a_byte_behind_the_end_that_comes_later_counts_too() -> None:
    reader = AnswerReader("GET")
    reader.feed(plain())
    assert reader.lasts == MAX_LASTS
    reader.feed(b"x")
    assert reader.lasts == 0.0
