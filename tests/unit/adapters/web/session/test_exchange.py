"""What is known of one request."""

from __future__ import annotations

from adapters.web.bodies import Sized
from adapters.web.session.exchange import Exchange
from engine.command.http.wire import read_head


def test_a_body_that_is_not_read_is_uploaded_until_it_ends() -> None:
    exchange = Exchange(read_head(b"HEAD / HTTP/1.1"), Sized(2), 2, 0.0)
    assert exchange.is_head
    assert not exchange.is_uploading
    exchange.is_unread = True
    assert exchange.is_uploading
    exchange.body.feed(b"ab")
    assert not exchange.is_uploading
