"""The gateway's own way to a target: its credential, the target's pinned key, connections of one client alone.

The first is opened when something was granted for the first time; another where the target takes no more channels on it. A
target without a known key is never connected to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TypeVar

import asyncssh

from adapters.core.ports import Target
from adapters.errors import AdapterError
from adapters.ssh.client_end import Terminal
from adapters.ssh.pressing import press_back
from adapters.ssh.sparing import spare_padding

T = TypeVar("T")

CONNECT_SECONDS = 10.0
KEEPALIVE_SECONDS = 15.0
KEEPALIVE_MOST = 4
CIPHERS = "^aes256-gcm@openssh.com,aes128-gcm@openssh.com"
"""Ahead of the others. WHY: processors help with these, and a packet costs a fifth of what it does with ChaCha20."""
MAX_CONNECTIONS = 8
"""Connections for one client. OpenSSH takes ten channels on each (MaxSessions)."""
_FULL = frozenset(
    {asyncssh.OPEN_CONNECT_FAILED, asyncssh.OPEN_RESOURCE_SHORTAGE, asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED}
)
"""How a target says that it opens no channel. Nothing was asked of it by then, so trying elsewhere runs nothing twice."""


class TargetUnusable(AdapterError):
    """The target cannot be reached, is not who it should be, or its configuration is of no use."""


def check_target(target: Target) -> None:
    """Refuse a target that could not be reached safely. Raises TargetUnusable."""
    _client_keys(target)
    known = _known_hosts(target)
    keys, authorities, *_ = known.match(target.host, "", target.port)
    if not keys and not authorities:
        raise TargetUnusable(f"no key of `{target.host}` port {target.port} is known", code="NO_HOST_KEY")


def _client_key(target: Target) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(target.private_key or "")
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
        # WHY no word of the library's: it may quote what it was given.
        raise TargetUnusable("the credential is no private key without a passphrase", code="NO_CREDENTIAL") from None


def _client_keys(target: Target) -> list[object]:
    key = _client_key(target)
    if target.certificate is None:
        return [key]
    try:
        return [(key, asyncssh.import_certificate(target.certificate))]
    except (asyncssh.KeyImportError, ValueError):
        raise TargetUnusable("the certificate of the credential cannot be read", code="NO_CREDENTIAL") from None


def _known_hosts(target: Target) -> asyncssh.SSHKnownHosts:
    try:
        return asyncssh.import_known_hosts(target.known_hosts)
    except ValueError:
        raise TargetUnusable("the known hosts cannot be read", code="NO_HOST_KEY") from None


class Upstream:
    """The connections for one client. Not there until they are needed; made again when they were lost."""

    def __init__(self, target: Target, told: Callable[[float, bool], None] = lambda seconds, is_reached: None) -> None:
        """`told` of each try to connect: how long it took, whether it came about."""
        self._target = target
        self._told = told
        self._connections: list[asyncssh.SSHClientConnection] = []
        self._connecting = asyncio.Lock()
        self._is_closed = False

    async def connection(self, full: Collection[asyncssh.SSHClientConnection] = ()) -> asyncssh.SSHClientConnection:
        """A connection, not one of those that are full. Raises TargetUnusable."""
        async with self._connecting:
            self._check_open()
            self._connections = [one for one in self._connections if not one.is_closed()]
            for one in self._connections:
                if one not in full:
                    return one
            if len(self._connections) >= MAX_CONNECTIONS:
                raise TargetUnusable("it takes no more channels", code="TARGET_FULL")
            now, made = asyncio.get_running_loop().time, None
            began = now()
            try:
                made = await self._connect()
            finally:
                self._told(now() - began, made is not None)
            # WHY before anything else: whoever asked for it may have left meanwhile, and what is not here nobody ends.
            self._connections.append(made)
            self._check_open()
            return made

    def _check_open(self) -> None:
        """Raise TargetUnusable after the end, and leave nothing open then."""
        if self._is_closed:
            self.close()
            raise TargetUnusable("the session is over", code="CLOSED")

    async def run(
        self,
        factory: Callable[[], asyncssh.SSHClientSession[bytes]],
        line: str | None,
        environment: Mapping[str, str],
        terminal: Terminal | None = None,
    ) -> asyncssh.SSHClientChannel[bytes]:
        """Run a line on the target, or without one its login shell; on a terminal there, if one is given. Raises TargetUnusable."""
        variables: dict[bytes | str, bytes | str] = dict(environment.items())
        channel, _ = await self._opened(
            lambda connection: connection.create_session(
                factory,
                line,
                env=variables,
                send_env=(),
                encoding=None,
                request_pty="force" if terminal is not None else False,
                term_type=terminal.screen.type if terminal is not None else None,
                term_size=(terminal.screen.columns, terminal.screen.rows) if terminal is not None else (80, 24),
                term_modes=terminal.modes if terminal is not None else {},
            ),
            "it does not run commands now",
        )
        return channel

    async def files(self) -> asyncssh.SFTPClient:
        """The target's SFTP. Raises TargetUnusable."""
        return await self._opened(lambda connection: connection.start_sftp_client(), "it has no SFTP")

    async def _opened(self, opening: Callable[[asyncssh.SSHClientConnection], Awaitable[T]], refused: str) -> T:
        """What opens on a connection that has room for one more channel."""
        full: list[asyncssh.SSHClientConnection] = []
        while True:
            connection = await self.connection(full)
            try:
                return await opening(connection)
            except (asyncssh.Error, OSError) as error:
                if not (isinstance(error, asyncssh.ChannelOpenError) and error.code in _FULL):
                    raise TargetUnusable(f"{refused} ({_reason(error)})", code="TARGET_REFUSED") from error
                full.append(connection)

    async def _connect(self) -> asyncssh.SSHClientConnection:
        try:
            target = self._target if self._target.fresh is None else await self._target.fresh()
        except ConnectionError as error:
            raise TargetUnusable("its credential cannot be had", code="CREDENTIAL_UNAVAILABLE") from error
        check_target(target)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                made = await asyncssh.connect(
                    target.host,
                    target.port,
                    username=target.user,
                    client_keys=_client_keys(target),
                    known_hosts=_known_hosts(target),
                    config=None,
                    agent_path=None,
                    preferred_auth="publickey",
                    disable_trivial_auth=True,
                    x509_trusted_certs=None,
                    gss_kex=False,
                    gss_auth=False,
                    compression_algs=["none"],
                    login_timeout=CONNECT_SECONDS,
                    keepalive_interval=KEEPALIVE_SECONDS,
                    keepalive_count_max=KEEPALIVE_MOST,
                    encryption_algs=CIPHERS,
                )
        except asyncssh.HostKeyNotVerifiable as error:
            raise TargetUnusable("its key is not the one that is known", code="WRONG_HOST_KEY") from error
        except TimeoutError as error:
            raise TargetUnusable("it does not answer", code="TARGET_TIMEOUT") from error
        except (asyncssh.Error, OSError) as error:
            raise TargetUnusable(f"it cannot be reached ({_reason(error)})", code="TARGET_UNREACHABLE") from error
        spare_padding(made)
        press_back(made, is_client=False)
        return made

    def close(self) -> None:
        """End every connection; no other is made."""
        self._is_closed = True
        for connection in self._connections:
            connection.abort()


def _reason(error: Exception) -> str:
    """What may be told of an error to people who do not know the target: its sort alone."""
    return type(error).__name__
