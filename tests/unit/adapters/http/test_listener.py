"""The listener is one of `core`, whose sessions speak HTTP."""

from __future__ import annotations

from adapters.core.listening import Address, RelayListener
from adapters.http.listener import http_listener
from tests.unit.adapters.core.test_listening import Keeper, ask


async def test_it_speaks_http() -> None:
    listener = http_listener(Address(), Keeper(), "shop")
    assert isinstance(listener, RelayListener)
    await listener.start()
    assert (await ask(listener.port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")).startswith(b"HTTP/1.1 401 ")
    await listener.drain(1)
