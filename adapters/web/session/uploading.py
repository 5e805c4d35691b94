"""A body too long to be read, on its way to the target: as it comes, framed anew. Pure; used by `conversation`."""

from __future__ import annotations

from adapters.core import effects as do
from adapters.core.events import Side
from adapters.web.bodies import LAST_CHUNK, chunk
from adapters.web.requests import CONTINUE, HeadReader
from adapters.web.session.doing import Doing
from adapters.web.session.exchange import Exchange


def begin_upload(doing: Doing, heads: HeadReader, exchange: Exchange) -> None:
    """Send on what was read already, and what is behind the head."""
    if exchange.head.values("expect") and not exchange.read and not len(heads):
        doing.send(CONTINUE)
    _send_up(doing, exchange, b"".join(exchange.read))
    exchange.read.clear()
    rest = heads.take_rest()
    doing.resume()
    if rest and not exchange.body.is_done:
        upload(doing, heads, exchange, rest)


def upload(doing: Doing, heads: HeadReader, exchange: Exchange, data: bytes) -> None:
    """Send on more of the body; what stands behind it is the next request's."""
    doing.wait(exchange.patience)
    _send_up(doing, exchange, exchange.body.feed(data))
    if exchange.body.is_done:
        if exchange.length is None:
            doing.add(do.Send(Side.UPSTREAM, LAST_CHUNK))
        heads.feed(exchange.body.rest)


def _send_up(doing: Doing, exchange: Exchange, data: bytes) -> None:
    data = chunk(data) if exchange.length is None else data
    if data:
        doing.add(do.Send(Side.UPSTREAM, data))
