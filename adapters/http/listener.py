"""The HTTP listener: an address where `session` is spoken. Built by the program's composition root."""

from __future__ import annotations

from adapters.core.kept import KeptConnections
from adapters.core.listening import Address, RelayListener
from adapters.core.ports import Doorkeeper
from adapters.core.shared import SharedConnections
from adapters.http.proxy import proxy_session
from adapters.http.session import HttpManners, http_session
from adapters.web.http2.offer import http2_carriage
from adapters.web.session.settings import Settings


def http_listener(
    address: Address,
    doorkeeper: Doorkeeper,
    resource: str | None,
    *,
    http2: bool = True,
    in_clear: bool = False,
    kept: KeptConnections | None = None,
    shared: SharedConnections | None = None,
) -> RelayListener:
    """A listener for one resource, or (None) for those that the Host header names.

    `http2`: clients that choose it in TLS may speak it; `in_clear`: without TLS too, those that know it beforehand. `kept`: where connections to
    targets wait for another request; `shared`: where those are that carry many at once.
    """
    settings = Settings(resource=resource, tls=address.tls is not None)
    carriage = http2_carriage(HttpManners(), settings, in_clear=in_clear, takes_websockets=True) if http2 else None
    return RelayListener(address, doorkeeper, lambda: http_session(settings), carriage, kept, shared)


def proxy_listener(address: Address, doorkeeper: Doorkeeper, resource: str) -> RelayListener:
    """A listener of a forward proxy: its clients name the hosts."""
    settings = Settings(resource=resource, tls=address.tls is not None)
    return RelayListener(address, doorkeeper, lambda: proxy_session(settings))
