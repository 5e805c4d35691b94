"""The MCP listener: an address where `session` is spoken. Built by the program's composition root."""

from __future__ import annotations

from adapters.core.listening import Address, RelayListener
from adapters.core.ports import Doorkeeper
from adapters.mcp.session import mcp_session
from adapters.mcp.sessions import Book
from adapters.web.session.settings import Settings


def mcp_listener(address: Address, doorkeeper: Doorkeeper, resource: str | None) -> RelayListener:
    """A listener for one resource, or (None) for those that the Host header names. Its connections share one book."""
    settings, book = Settings(resource=resource, tls=address.tls is not None), Book()
    return RelayListener(address, doorkeeper, lambda: mcp_session(settings, book))
