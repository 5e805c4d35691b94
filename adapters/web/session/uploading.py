"""A request on its way to the target, and a body too long to be read: as it comes, framed anew. Pure; used by `conversation`."""

from __future__ import annotations

from adapters.core import effects as do
from adapters.core.events import Side
from adapters.core.ports import Target
from adapters.web import facts
from adapters.web.bodies import chunk, last_chunk
from adapters.web.requests import CONTINUE, HeadReader
from adapters.web.session.doing import Doing
from adapters.web.session.exchange import Exchange
from adapters.web.session.manners import Caller, Manners


def send_up(
    doing: Doing, manners: Manners, exchange: Exchange, target: Target, caller: Caller, *, closes: bool, is_reused: bool
) -> None:
    """Send a request that was granted to its target, which is connected; its answer is waited for from now on. `is_reused`: by a connection
    that was kept."""
    assert exchange.forward is not None
    body = b"" if exchange.is_unread else b"".join(exchange.read)
    sent = facts.bytes_sent(
        exchange.forward,
        body,
        exchange.length,
        manners.sent_beside(target, caller),
        is_unread=exchange.is_unread,
        is_last=exchange.kept_for is None,
        behind=() if exchange.is_unread else exchange.behind(),
    )
    exchange.is_reused = is_reused
    exchange.up = sent if exchange.length == 0 else b""
    exchange.expect_reply(manners.reply(exchange, target, caller, closes=closes))
    doing.add(do.Send(Side.UPSTREAM, sent))


def begin_upload(doing: Doing, heads: HeadReader, exchange: Exchange) -> None:
    """Send on what was read already, and what is behind the head."""
    if exchange.head.values("expect") and not exchange.read and not len(heads):
        doing.send(CONTINUE)
    _send_up(doing, exchange, b"".join(exchange.read))
    exchange.read.clear()
    rest = heads.take_rest()
    doing.resume()
    if exchange.body.is_done:
        _end(doing, exchange)
        heads.feed(rest)
    elif rest:
        upload(doing, heads, exchange, rest)


def upload(doing: Doing, heads: HeadReader, exchange: Exchange, data: bytes) -> None:
    """Send on more of the body; what stands behind it is the next request's."""
    doing.wait(exchange.patience)
    _send_up(doing, exchange, exchange.body.feed(data))
    if exchange.body.is_done:
        _end(doing, exchange)
        heads.feed(exchange.body.rest)


def _end(doing: Doing, exchange: Exchange) -> None:
    if exchange.length is None:
        doing.add(do.Send(Side.UPSTREAM, last_chunk(exchange.behind())))


def _send_up(doing: Doing, exchange: Exchange, data: bytes) -> None:
    data = chunk(data) if exchange.length is None else data
    if data:
        doing.add(do.Send(Side.UPSTREAM, data))
