"""The HTTP listener: an address where `session` is spoken. Built by the program's composition root."""

from __future__ import annotations

from adapters.core.listening import Address, RelayListener
from adapters.core.ports import Doorkeeper
from adapters.http.session import http_session
from adapters.web.session.settings import Settings


def http_listener(address: Address, doorkeeper: Doorkeeper, resource: str | None) -> RelayListener:
    """A listener for one resource, or (None) for those that the Host header names."""
    settings = Settings(resource=resource, tls=address.tls is not None)
    return RelayListener(address, doorkeeper, lambda: http_session(settings))
