"""One client's connection: who they are, by which key, and which channels they may open.

A client is who signed, for the name it gave last, with a key of theirs or one that an authority certified for that name, or who has
a signed token of theirs, sent as a password. An offer of a key is no proof: what counts is asyncssh's word that a signature was
verified, for the name that was asked about. No other password is ever taken. Sockets, listeners and tunnels are refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import asyncssh
import structlog

from adapters.core.ports import Doorkeeper, GateSession, Proof, Refusal
from adapters.core.watching import Watched
from adapters.ssh.channel import ClientSession, GuardedChannel, window_beside
from adapters.ssh.facts import authority_lines, who_and_where
from adapters.ssh.forwarding import open_forward
from adapters.ssh.pressing import press_back
from adapters.ssh.sparing import spare_padding
from adapters.ssh.upstream import Upstream
from adapters.ssh.visit import Visit

MAX_OFFERS = 40
"""Keys one connection may try."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """What connections of one listener have in common. `resource`: it serves this one alone."""

    resource: str | None = None
    notice_seconds: float = 5.0
    idle_seconds: float = 0.0


class ClientConnection(asyncssh.SSHServer):
    """One client, from the first byte to the last."""

    def __init__(
        self,
        settings: ConnectionSettings,
        doorkeeper: Doorkeeper,
        came: Callable[[ClientConnection], bool],
        left: Callable[[ClientConnection], None],
    ) -> None:
        """`came` says whether there is room for one more."""
        self._settings = settings
        self._doorkeeper = doorkeeper
        self._came = came
        self._left = left
        self._connection: asyncssh.SSHServerConnection | None = None
        self._asked_for = ""
        self._offers = 0
        self._proof: Proof | None = None
        self._failure: Proof | None = None
        self.visit: Visit | None = None
        self.reason = "the client left"

    # --- coming in

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        spare_padding(conn)
        press_back(conn, is_client=True)
        if not self._came(self):
            conn.abort()

    def begin_auth(self, username: str) -> bool:
        # INVARIANT: always true; false would let everybody in without a proof.
        self._asked_for = username
        self._proof = self._failure = None
        if self._connection is not None:
            lines = authority_lines(who_and_where(username).user, self._doorkeeper.key_authorities())
            self._connection.set_authorized_keys(asyncssh.import_authorized_keys(lines))
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return self._doorkeeper.takes_tokens

    async def validate_password(self, username: str, password: str) -> bool:
        self._offers += 1
        if self._offers > MAX_OFFERS:
            self.cut("too many keys")
            return False
        if not self._doorkeeper.is_signed(password):
            return False
        user = who_and_where(username).user
        proof = await self._doorkeeper.examine(password, user, self._resource(username))
        # WHY looked at again: another name may have been asked about while we waited.
        if username != self._asked_for:
            return False
        is_theirs = proof.user == user and user != ""
        # WHY apart: whoever fails with a token may still have a key.
        self._proof, self._failure = (proof, None) if is_theirs else (None, proof)
        return is_theirs

    def change_password(self, username: str, old_password: str, new_password: str) -> bool:
        return False

    def kbdint_auth_supported(self) -> bool:
        return False

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        self._offers += 1
        if self._offers > MAX_OFFERS:
            self.cut("too many keys")
            return False
        return self._doorkeeper.is_key_of(who_and_where(username).user, key.public_data)

    def auth_completed(self) -> None:
        connection = self._connection
        if connection is None:
            return
        username = connection.get_extra_info("username")
        # WHY compared: what was proven is the name that was asked about, not another one that came meanwhile.
        found = self._admit(self._asked_for, proven=isinstance(username, str) and username == self._asked_for)
        if isinstance(found, Refusal):
            self._asked_for = ""
            connection.disconnect(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, f"{found.message} ({found.code})")
            return
        target = self._doorkeeper.target(self._resource(self._asked_for))
        if target is None:
            found.close("the resource is gone")
            connection.disconnect(asyncssh.DISC_BY_APPLICATION, "there is no such resource")
            return
        upstream = Upstream(target, partial(self._doorkeeper.reached, found.id))
        self.visit = Visit(
            found, target, upstream, self.cut, self._settings.notice_seconds, self._settings.idle_seconds
        )
        found.watch(Watched(self.visit, asyncio.get_running_loop()))

    def _admit(self, username: str, *, proven: bool) -> GateSession | Refusal:
        connection = self._connection
        peer = None if connection is None else connection.get_extra_info("peername")
        version = "" if connection is None else str(connection.get_extra_info("client_version", ""))
        return self._doorkeeper.admit(
            user=who_and_where(username).user,
            resource=self._resource(username),
            protocol="ssh",
            proven=proven,
            client_address=str(peer[0]) if isinstance(peer, tuple) and peer else None,
            application=version.removeprefix("SSH-2.0-") or None,
            proof=self._proof if proven else self._failure,
        )

    def _resource(self, username: str) -> str:
        """The resource a client wants; a listener with one of its own serves no other."""
        named, bound = who_and_where(username).resource, self._settings.resource
        if bound is None:
            return named or ""
        return bound if named in (None, bound) else ""

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None and not isinstance(exc, asyncssh.Error | OSError):
            # The library ends a connection whose callbacks fail, and tells nobody.
            log.error("a connection failed closed", error=type(exc).__name__)
        if self.visit is not None:
            self.visit.close(self.reason)
        elif self._asked_for:
            # Nobody who gave a name leaves without an entry.
            self._admit(self._asked_for, proven=False)
        self._connection = None
        self._left(self)

    def cut(self, reason: str) -> None:
        """End the connection at once, and say why.

        WHY not by the library's `disconnect`: it closes the channels first, and ssh leaves with its last channel, whatever comes behind that.
        """
        self.reason = reason
        connection = self._connection
        if connection is not None:
            connection._send_disconnect(asyncssh.DISC_BY_APPLICATION, reason, asyncssh.DEFAULT_LANG)
            connection.abort()

    # --- channels

    def session_requested(self) -> tuple[asyncssh.SSHServerChannel[bytes], asyncssh.SSHServerSession[bytes]] | bool:
        visit, connection = self.visit, self._connection
        if visit is None or connection is None or not visit.has_room:
            return False
        channel = GuardedChannel(connection, visit, window_beside(visit.channels))
        return channel, ClientSession(visit, channel.variables, channel.wishes)

    def connection_requested(
        self, dest_host: str, dest_port: int, orig_host: str, orig_port: int
    ) -> Awaitable[asyncssh.SSHTCPSession[bytes]] | bool:
        visit = self.visit
        if visit is None or not visit.has_room:
            return False
        # WHY counted here: what waits for an approval is as much as what is open, and many may come at once.
        visit.opened()
        return open_forward(visit, dest_host, dest_port)

    def unix_connection_requested(self, dest_path: str) -> bool:
        return self._refuse("connect-socket", dest_path)

    def server_requested(self, listen_host: str, listen_port: int) -> bool:
        return self._refuse("listen", listen_host, str(listen_port))

    def unix_server_requested(self, listen_path: str) -> bool:
        return self._refuse("listen-socket", listen_path)

    def tun_requested(self, unit: int | None) -> bool:
        return self._refuse("tunnel")

    def tap_requested(self, unit: int | None) -> bool:
        return self._refuse("tunnel")

    def _refuse(self, word: str, *values: str) -> bool:
        if self.visit is not None:
            self.visit.refuse(word, *values)
        return False
