"""A listening address: accepts clients, gives each a session and a relay, drains. Which session is for the protocol to say.

Used by the listeners of protocols whose sessions are pure and need nothing but the gate. Not here: what is spoken.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import structlog

from adapters.core import events as saw
from adapters.core.carried import Carriage
from adapters.core.carrying import Carrier
from adapters.core.driven import Session
from adapters.core.kept import KeptConnections
from adapters.core.ports import Cause, Doorkeeper
from adapters.core.relay import Relay
from adapters.core.shared import SharedConnections
from adapters.core.surroundings import Surroundings
from adapters.core.watching import CUT_SECONDS

SHUTDOWN = "the gateway is shutting down"
MAX_CONNECTIONS = 20_000
"""Connections of one listener; above, new ones are closed at once."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a listener listens. Without `tls`, clients are served in clear (loopback only: the configuration sees to it)."""

    host: str = "127.0.0.1"
    port: int = 0
    tls: ssl.SSLContext | None = None
    max_connections: int = MAX_CONNECTIONS


class RelayListener:
    """One listening address; `open_session` makes the session of each client, or of each stream that a client carries."""

    def __init__(
        self,
        address: Address,
        doorkeeper: Doorkeeper,
        open_session: Callable[[], Session],
        carriage: Carriage | None = None,
        kept: KeptConnections | None = None,
        shared: SharedConnections | None = None,
    ) -> None:
        """`kept` keeps connections to targets between requests; without it each request has one of its own. `shared` has those that carry
        many requests at once."""
        self._settings = address
        self._surroundings = Surroundings(doorkeeper=doorkeeper, client_tls=address.tls, kept=kept, shared=shared)
        self._open_session = open_session
        may_carry = carriage is not None and (carriage.in_clear or address.tls is not None)
        self._carriage = carriage if may_carry else None
        if address.tls is not None and carriage is not None:
            address.tls.set_alpn_protocols([carriage.name, "http/1.1"])
        self._relays: set[Relay | Carrier] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port really bound."""
        if self._server is None:
            raise RuntimeError("the listener was not started")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def connections(self) -> int:
        return len(self._relays)

    async def start(self) -> None:
        """Bind and accept."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Door(self), self._settings.host, self._settings.port, backlog=512
        )

    async def drain(self, seconds: float, reason: str = SHUTDOWN) -> None:
        """Accept no more; let what runs finish, end idle connections; after `seconds` end the rest, and cut who does not leave then."""
        if self._server is not None:
            self._server.close()
        relays = list(self._relays)
        for relay in relays:
            relay.stop(reason)
        await _all_closed(relays, seconds)
        left = list(self._relays)
        for relay in left:
            # WHY not cut at once: what still runs has words for its end, and its outcome is that it was ended, not that its client left.
            relay.stop(reason, Cause.KILLED)
        await _all_closed(left, CUT_SECONDS)
        for relay in list(self._relays):
            relay.cut(reason)
        await asyncio.gather(*(relay.closed.wait() for relay in relays))
        for pool in (self._surroundings.kept, self._surroundings.shared):
            if pool is not None:
                pool.close()

    def admit(self, transport: asyncio.Transport) -> asyncio.Protocol | None:
        """A relay's client end for a new connection; None when there are too many."""
        if len(self._relays) >= self._settings.max_connections:
            log.warning("too many connections", most=self._settings.max_connections)
            return None
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if isinstance(peer, tuple) else None
        relay = self._driver(address)
        self._relays.add(relay)
        relay.client.connection_made(transport)
        relay.take(saw.TimePassed())
        return relay.client

    def _driver(self, address: str | None) -> Relay | Carrier:
        done = self._relays.discard
        if self._carriage is None:
            return Relay(self._open_session(), self._surroundings, client_address=address, finished=done)
        return Carrier(self._carriage, self._open_session, self._surroundings, client_address=address, finished=done)


async def _all_closed(relays: Sequence[Relay | Carrier], seconds: float) -> None:
    """Wait until these are over, or for so long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.gather(*(relay.closed.wait() for relay in relays))


class _Door(asyncio.Protocol):
    """The first moment of a connection; everything after goes to the relay's client end."""

    def __init__(self, listener: RelayListener) -> None:
        self._listener = listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        socket_transport = cast(asyncio.Transport, transport)
        protocol = self._listener.admit(socket_transport)
        if protocol is None:
            socket_transport.abort()
        else:
            socket_transport.set_protocol(protocol)
