"""A body too long to be read is sent on as it comes; the rest is the next request's."""

from __future__ import annotations

import pytest

from adapters.core import effects as do
from adapters.core.events import Side
from adapters.web.bodies import Chunked, Sized
from adapters.web.requests import HeadReader
from adapters.web.session.doing import Doing
from adapters.web.session.exchange import Exchange
from adapters.web.session.uploading import begin_upload, upload
from engine.command.http.wire import read_head


def sent(doing: Doing, side: Side) -> list[bytes]:
    return [one.data for one in doing.effects if isinstance(one, do.Send) and one.side is side]


@pytest.mark.parametrize("is_chunked", [False, True])
def test_what_was_read_goes_first_and_what_stands_behind_is_kept(is_chunked: bool) -> None:
    doing, heads = Doing(), HeadReader()
    body = Chunked(is_strict=True) if is_chunked else Sized(6)
    exchange = Exchange(read_head(b"POST / HTTP/1.1"), body, None if is_chunked else 6, 0.0, is_unread=True)
    exchange.read.append(body.feed(b"3\r\nabc\r\n" if is_chunked else b"abc"))
    heads.feed(b"3\r\ndef\r\n0\r\n\r\nGET" if is_chunked else b"defGET")
    begin_upload(doing, heads, exchange)
    wanted = [b"3\r\nabc\r\n", b"3\r\ndef\r\n", b"0\r\n\r\n"] if is_chunked else [b"abc", b"def"]
    assert sent(doing, Side.UPSTREAM) == wanted
    assert heads.rest == b"GET"
    assert exchange.body.is_done


def test_a_client_that_asks_first_is_told_to_go_on() -> None:
    doing, heads = Doing(), HeadReader()
    exchange = Exchange(read_head(b"POST / HTTP/1.1\r\nexpect: 100-continue"), Sized(3), 3, 0.0, is_unread=True)
    begin_upload(doing, heads, exchange)
    assert sent(doing, Side.CLIENT) == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    upload(doing, heads, exchange, b"ab")
    assert not exchange.body.is_done
    upload(doing, heads, exchange, b"c")
    assert sent(doing, Side.UPSTREAM) == [b"ab", b"c"]


def test_a_body_whose_end_was_read_already_is_ended_for_the_target_too() -> None:
    """It was found to be too long in the very piece that ended it."""
    doing, heads, body = Doing(), HeadReader(), Chunked(is_strict=True)
    exchange = Exchange(read_head(b"POST / HTTP/1.1"), body, None, 0.0, is_unread=True)
    exchange.read.append(body.feed(b"3\r\nabc\r\n0\r\n\r\n"))
    heads.feed(b"GET")
    begin_upload(doing, heads, exchange)
    assert sent(doing, Side.UPSTREAM) == [b"3\r\nabc\r\n", b"0\r\n\r\n"]
    assert heads.rest == b"GET", "the next request is not lost"
