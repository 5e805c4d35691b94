"""The SSH listener: accepts clients, lets each have a connection of its own, drains. Built by the composition root."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncssh
import structlog

from adapters.core.ports import Doorkeeper
from adapters.errors import AdapterError
from adapters.ssh.connection import ClientConnection, ConnectionSettings

SHUTDOWN = "the gateway is shutting down"
MAX_CONNECTIONS = 2_000
"""Connections of one listener; above, new ones are closed at once."""
MAX_STRANGERS = 200
"""Connections that have not signed in yet."""

log = structlog.get_logger(__name__)


class HostKeyUnusable(AdapterError):
    """A host key that cannot be offered."""


@dataclass(frozen=True, slots=True)
class ListenerSettings:
    """Where a listener listens, and the private keys it proves itself with (PEM or OpenSSH's form, no passphrase)."""

    host_keys: Sequence[str] = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 0
    resource: str | None = None
    notice_seconds: float = 5.0
    login_seconds: float = 20.0
    idle_seconds: float = 0.0
    max_connections: int = MAX_CONNECTIONS


class SshListener:
    """One listening address."""

    def __init__(self, settings: ListenerSettings, doorkeeper: Doorkeeper) -> None:
        """Raises HostKeyUnusable."""
        self._settings = settings
        self._doorkeeper = doorkeeper
        self._keys = _host_keys(settings.host_keys)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connections: set[ClientConnection] = set()
        self._acceptor: asyncssh.SSHAcceptor | None = None
        # WHY: the library tells its log of commands, which ours never holds.
        logging.getLogger("asyncssh").setLevel(logging.WARNING)

    @property
    def port(self) -> int:
        """The port really bound."""
        if self._acceptor is None:
            raise RuntimeError("the listener was not started")
        return self._acceptor.get_port()

    @property
    def connections(self) -> int:
        return len(self._connections)

    async def start(self) -> None:
        """Bind and accept."""
        settings = self._settings
        self._loop = asyncio.get_running_loop()
        common = ConnectionSettings(settings.resource, settings.notice_seconds, settings.idle_seconds)
        self._acceptor = await asyncssh.listen(
            settings.host,
            settings.port,
            server_factory=lambda: ClientConnection(common, self._doorkeeper, self._came, self._connections.discard),
            server_host_keys=self._keys,
            config=None,
            encoding=None,
            line_editor=False,
            allow_pty=True,
            allow_scp=False,
            agent_forwarding=False,
            x11_forwarding=False,
            gss_kex=False,
            gss_auth=False,
            compression_algs=["none"],
            host_based_auth=False,
            login_timeout=settings.login_seconds,
            keepalive_interval=30,
            keepalive_count_max=4,
            backlog=512,
        )

    def use_host_keys(self, texts: Sequence[str]) -> bool:
        """Prove what listens with other keys from the next connection on; whether they are others. From any thread.

        Connections that are open go on with theirs, also when they agree on new session keys. Raises HostKeyUnusable, with nothing changed.
        """
        keys = _host_keys(texts)
        if [key.public_data for key in keys] == [key.public_data for key in self._keys]:
            return False
        self._keys = keys
        if self._loop is not None and self._acceptor is not None:
            # WHY there: the options are rebuilt piece by piece, and a connection must not come in between.
            self._loop.call_soon_threadsafe(lambda: self._update(keys))
        return True

    def _update(self, keys: Sequence[asyncssh.SSHKey]) -> None:
        if self._acceptor is not None:
            self._acceptor.update(server_host_keys=keys)

    def _came(self, connection: ClientConnection) -> bool:
        """Whether there is room for one more; if so it is counted."""
        strangers = sum(one.visit is None for one in self._connections)
        if len(self._connections) >= self._settings.max_connections or strangers >= MAX_STRANGERS:
            log.warning("too many connections", connections=len(self._connections), strangers=strangers)
            return False
        self._connections.add(connection)
        return True

    async def drain(self, seconds: float, reason: str = SHUTDOWN) -> None:
        """Accept no more; let what runs finish for `seconds`, then end every connection."""
        if self._acceptor is not None:
            self._acceptor.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                visits = [one.visit for one in self._connections if one.visit is not None]
                await asyncio.gather(*(visit.quiet.wait() for visit in visits))
        for connection in list(self._connections):
            connection.cut(reason)
        if self._acceptor is not None:
            await self._acceptor.wait_closed()


def _host_keys(texts: Sequence[str]) -> list[asyncssh.SSHKey]:
    keys = [_host_key(text) for text in texts]
    if not keys:
        raise HostKeyUnusable("a listener needs a host key", code="NO_HOST_KEY")
    if len({key.get_algorithm() for key in keys}) < len(keys):
        # WHY: a client chooses a kind, and is shown one key of it.
        raise HostKeyUnusable("two host keys are of one kind", code="HOST_KEYS_ALIKE")
    return keys


def _host_key(text: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(text)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
        raise HostKeyUnusable("a host key is no private key without a passphrase", code="NO_HOST_KEY") from None
