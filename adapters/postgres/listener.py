"""The PostgreSQL listener: accepts clients, gives each a session and a relay, keeps the cancel keys, drains.

The only file of this adapter that touches sockets, chance and the loop. Built by the program's composition root.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import structlog

from adapters.core import events as saw
from adapters.core.core_tls import ServedTls
from adapters.core.ports import Doorkeeper, Target
from adapters.core.relay import Relay
from adapters.core.surroundings import Surroundings
from adapters.core.tls import upstream_context
from adapters.postgres.catalog import CatalogService
from adapters.postgres.messages import startup
from adapters.postgres.pool import Pools
from adapters.postgres.session import ClientProof, PostgresSession, Settings
from adapters.postgres.session.meanings import Meanings

SHUTDOWN = "the gateway is shutting down"
SECRET_BYTES = 32
MAX_CONNECTIONS = 5_000
"""Connections of one listener; above, new ones are closed at once."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ListenerSettings:
    """Where a listener listens and whom it lets try. Without `tls`, clients are served in clear (loopback, tests)."""

    host: str = "127.0.0.1"
    port: int = 0
    tls: ServedTls | None = None
    tls_required: bool = True
    proof: ClientProof = ClientProof.SCRAM
    resource: str | None = None
    notice_seconds: float = 5.0
    login_seconds: float = 20.0
    max_connections: int = MAX_CONNECTIONS


class PostgresListener:
    """One listening address."""

    def __init__(
        self,
        settings: ListenerSettings,
        doorkeeper: Doorkeeper,
        catalogs: CatalogService | None = None,
        pools: Pools | None = None,
    ) -> None:
        """Without `catalogs` nothing about names can be proven: commands that would be masked are denied. Without `pools` each session
        has a connection of its own."""
        self._settings = settings
        if settings.tls is not None:
            settings.tls.set_alpn_protocols([startup.ALPN])
        self._catalogs = catalogs
        self._surroundings = Surroundings(
            doorkeeper=doorkeeper,
            client_tls=settings.tls,
            interrupt=self._interrupt,
            errand=_run_errand,
            refresh=None if catalogs is None else catalogs.refresh,
            pool=pools,
        )
        self._relays: dict[bytes, Relay] = {}
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
            lambda: _Door(self._admit_connection), self._settings.host, self._settings.port, backlog=512
        )

    async def drain(self, seconds: float, reason: str = SHUTDOWN) -> None:
        """Accept no more; let what runs finish, end sessions as they fall quiet, cut the rest after `seconds`."""
        if self._server is not None:
            self._server.close()
        relays = list(self._relays.values())
        for relay in relays:
            relay.stop(reason)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(relay.closed.wait() for relay in relays))
        for relay in list(self._relays.values()):
            relay.cut(reason)
        await asyncio.gather(*(relay.closed.wait() for relay in relays))

    def _admit_connection(self, transport: asyncio.Transport) -> asyncio.Protocol | None:
        """A relay's client end for a new connection; None when there are too many."""
        if len(self._relays) >= self._settings.max_connections:
            log.warning("too many connections", most=self._settings.max_connections)
            return None
        key = self._fresh_key()
        settings = self._settings
        session = PostgresSession(
            Settings(
                proof=settings.proof,
                cancel_key=key,
                server_nonce=base64.b64encode(secrets.token_bytes(18)),
                client_nonce=base64.b64encode(secrets.token_bytes(18)),
                own_name=b"sallyport_" + secrets.token_hex(16).encode(),
                tls_offered=settings.tls is not None,
                tls_required=settings.tls is not None and settings.tls_required,
                resource=settings.resource,
                login_seconds=settings.login_seconds,
                notice_seconds=settings.notice_seconds,
            ),
            self._names_at,
        )
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if isinstance(peer, tuple) else None
        relay = Relay(session, self._surroundings, client_address=address, finished=lambda _: self._forget(key))
        self._relays[key] = relay
        relay.client.connection_made(transport)
        relay.take(saw.TimePassed())
        return relay.client

    def _names_at(self, target: Target) -> Meanings | None:
        return None if self._catalogs is None else self._catalogs.names(target)

    def _fresh_key(self) -> bytes:
        # WHY distinct first eight bytes: that is all that clients of protocol 3.0 are told.
        taken = {key[:8] for key in self._relays} if len(self._relays) else set()
        while True:
            key = secrets.token_bytes(4 + SECRET_BYTES)
            if key[:8] not in taken:
                return key

    def _forget(self, key: bytes) -> None:
        self._relays.pop(key, None)

    async def _interrupt(self, key: bytes) -> None:
        """A CancelRequest: stop what the session with this key runs. An unknown key changes nothing."""
        for own, relay in self._relays.items():
            if secrets.compare_digest(own[: len(key)], key):
                await relay.interrupt()
                return


class _Door(asyncio.Protocol):
    """The first moment of a connection; everything after goes to the relay's client end."""

    def __init__(self, admit: Callable[[asyncio.Transport], asyncio.Protocol | None]) -> None:
        self._admit = admit

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        socket_transport = cast(asyncio.Transport, transport)
        protocol = self._admit(socket_transport)
        if protocol is None:
            socket_transport.abort()
        else:
            socket_transport.set_protocol(protocol)


async def _run_errand(target: Target, data: bytes) -> None:
    """Hand a cancel to the target over a connection of its own, inside TLS where the target has it, and see it end."""
    if target.host.startswith("/"):
        reader, writer = await asyncio.open_unix_connection(f"{target.host}/.s.PGSQL.{target.port}")
    else:
        reader, writer = await asyncio.open_connection(target.host, target.port)
    try:
        if target.tls:
            writer.write(startup.SSL_REQUEST)
            if await reader.readexactly(1) != startup.GRANTED:
                raise ConnectionError("the target does not offer TLS")
            await writer.start_tls(upstream_context(target), server_hostname=target.host)
        writer.write(data)
        await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(OSError, ssl.SSLError):
            await writer.wait_closed()
