"""The listener is one of `core`, whose sessions speak MCP and share what is remembered."""

from __future__ import annotations

from adapters.core.listening import Address, RelayListener
from adapters.mcp.listener import mcp_listener
from tests.strategies.mcp_sessions import call, post
from tests.unit.adapters.core.test_listening import Keeper, ask


async def test_it_speaks_mcp() -> None:
    listener = mcp_listener(Address(), Keeper(), "shop")
    assert isinstance(listener, RelayListener)
    await listener.start()
    assert (await ask(listener.port, post(call(), token="nobody"))).startswith(b"HTTP/1.1 401 ")
    await listener.drain(1)
