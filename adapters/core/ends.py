"""One side of a relayed connection: its socket, what goes out to it at the end of a turn, why it is not read at the moment.

Turns the loop's callbacks into what its `Hearer` (the relay) is told. No protocol, no session.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import Callable
from typing import Protocol, cast

import structlog

from adapters.core import events as saw
from adapters.core.core_tls import ServedTls, TargetTls, reason
from adapters.core.driven import WayOut
from adapters.core.events import Event, Side
from adapters.core.tls import Connection, Stacked, Tls
from engine._native import NativeError, TlsConnection

WRITE_HIGH_WATER = 1024 * 1024
"""Above this much unsent to one side, the other side is not read any more."""
MAX_UNSENT = 4 * 1024 * 1024
"""Above this much unsent to a client, it is not read any more itself. WHY so much: only what we say ourselves comes to that, without end if
it goes on asking (denials, words of TLS), while what targets say stops by itself; and who sends much before they read goes on."""
MAX_WORDS = 256 * 1024
"""Bytes that TLS itself says to a target that takes nothing of what was written before; then it is cut."""
CLOSE_TIMEOUT = 2.0
"""Seconds to get the last bytes out after `Close`; then the connection is cut, unless they are getting fewer."""
MAX_LOOKS = 60
"""How often it may be found that they do."""
_BROKEN = (ssl.SSLError, NativeError)
"""What TLS raises that cannot go on: OpenSSL's, the core's."""
_Way = ssl.SSLContext | ServedTls | TargetTls
"""How TLS is done."""

log = structlog.get_logger(__name__)


class Hearer(Protocol):
    """Who is told what happens on a socket."""

    def take(self, event: Event) -> None: ...

    def hear(self, side: Side, data: bytes) -> None:
        """Bytes came, in clear."""

    def lost(self, side: Side) -> None:
        """The socket is gone for good."""

    def is_full(self, side: Side, full: bool) -> None:
        """The socket cannot take more for now, or can again."""

    def tls_failed(self, side: Side, error: Exception) -> None:
        """TLS was asked for and does not come about."""


class _Nobody:
    """Who hears of a socket that nobody wants any more."""

    def take(self, event: Event) -> None:
        pass

    def hear(self, side: Side, data: bytes) -> None:
        pass

    def lost(self, side: Side) -> None:
        pass

    def is_full(self, side: Side, full: bool) -> None:
        pass

    def tls_failed(self, side: Side, error: Exception) -> None:
        pass


_NOBODY = _Nobody()


def _nothing() -> None:
    """What is done where nobody waits for an end."""


class End(asyncio.Protocol):
    """One side's socket, and the TLS over it once that was asked for."""

    def __init__(self, hearer: Hearer, side: Side) -> None:
        self._hearer: Hearer = hearer
        self._side = side
        self._unread_because: set[str] = set()
        self._tls: Connection | None = None
        self._is_secured = False
        """That TLS stands was told."""
        self._is_lost = self._is_full = False
        self._words = 0
        """Bytes that TLS itself said since the socket could take no more."""
        self.since = 0.0
        """When it was kept for the first time, by the loop's clock."""
        self.poll: select.poll | None = None
        """Where it is asked of the kernel whether something waits to be read; made when that is asked first."""
        self.until = 0.0
        """Until when it waits, by that clock."""
        self.uses = 0
        """How often it was kept for another request."""
        self.through: Callable[[bytes], bytes | None] | None = None
        """Where what comes is carried on at once (`joint`): gives None, or the clear text that is to be heard."""
        self._leave_joint: Callable[[], None] = _nothing
        self.transport: asyncio.Transport | None = None
        self.out: list[bytes] = []
        """What this turn sends, not written yet."""

    # --- from the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=WRITE_HIGH_WATER)

    def data_received(self, data: bytes) -> None:
        tls = self._tls
        try:
            if self.through is not None:
                heard = self.through(data)
                if heard is None:
                    return
                data = heard
            elif tls is not None:
                data = tls.take(data)
        except _BROKEN as error:
            self.broken(error)
            return
        self.hear(data)

    def hear(self, data: bytes) -> None:
        """What was read of it, in clear."""
        tls = self._tls
        if tls is not None and not tls.is_plain:
            self._hear_more(tls, data)
        else:
            self._hearer.hear(self._side, data)

    def _hear_more(self, tls: Connection, data: bytes) -> None:
        """Clear text beside which something else may have happened to the connection."""
        if tls.has_words:
            self._say(tls.to_send())
        if not self._is_secured and tls.is_secure:
            self._is_secured = True
            self._hearer.take(saw.TlsStarted(self._side, tls.peer_name, tls.chosen_protocol, tls.end_point))
        if data:
            self._hearer.hear(self._side, data)
        if tls.is_over:
            self._hearer.take(saw.EndReceived(self._side))

    def eof_received(self) -> bool:
        if self._tls is not None and not self._tls.is_secure:
            self._hearer.tls_failed(self._side, ConnectionResetError("the peer left"))
        else:
            self._hearer.take(saw.EndReceived(self._side))
        # Half-open is for the session to end; TLS knows no half-open connection.
        return self.transport is not None and self._tls is None

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        self._leave_joint()
        # WHY forgotten here: a TLS connection is large, and nobody should have to look for circles to be rid of it.
        self._tls = None
        hearer, self._hearer = self._hearer, _NOBODY
        hearer.lost(self._side)

    def pause_writing(self) -> None:
        self._is_full = True
        self._hearer.is_full(self._side, True)

    def resume_writing(self) -> None:
        self._is_full, self._words = False, 0
        self.read_while("it takes nothing", True)
        self._hearer.is_full(self._side, False)

    def unserved(self) -> None:
        """The target did nothing of what was sent to it here."""
        self._hearer.take(saw.UpstreamUnserved())

    # --- from the relay

    def flush(self) -> None:
        """Write what this turn sends, in one piece."""
        out = self.out
        if not out:
            return
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        self.send(data)

    def send(self, data: bytes) -> None:
        """Write now, behind what was written; what this turn gathered comes later."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if self.through is not None:
            self._leave_joint()
        if self._tls is not None:
            try:
                data = self._tls.seal(data)
            except _BROKEN as error:
                self.broken(error)
                return
        transport.write(data)
        if self._is_full:
            self._look_at_unsent()

    @property
    def way_out(self) -> WayOut | None:
        """Where bytes go out at once, and what seals them, for `joint`. None: not at the moment, or they have to be sealed here."""
        transport, tls = self.transport, self._tls
        if transport is None or transport.is_closing() or self._is_full or self.out:
            return None
        if tls is None:
            return transport.write, None
        if not isinstance(tls, TlsConnection) or not self._is_secured or tls.is_over:
            return None
        return transport.write, tls

    @property
    def idle_socket(self) -> int | None:
        """The number of its socket, where that is read and nothing waits to be written. None: there is none, or not now."""
        transport = self.transport
        if transport is None or transport.is_closing() or self._unread_because or transport.get_write_buffer_size():
            return None
        found = transport.get_extra_info("socket")
        return None if found is None else int(found.fileno())

    def join(self, through: Callable[[bytes], bytes | None], leave: Callable[[], None]) -> None:
        """What comes goes `through` there at once, until `part`. `leave` is called before anything else is done to the socket here."""
        self.through, self._leave_joint = through, leave

    def part(self) -> None:
        """What comes is heard here again."""
        self.through, self._leave_joint = None, _nothing

    def start_tls(self, way: _Way, *, server_side: bool, server_hostname: str | None, begun: bytes = b"") -> None:
        """From the next byte on, or from what has `begun`, the other side speaks TLS. Said as `TlsStarted` when it stands, or `tls_failed`."""
        if self.transport is None:
            raise RuntimeError("TLS was asked for where there is no connection")
        self._is_secured = False
        try:
            if isinstance(way, ssl.SSLContext):
                tls: Connection = Tls(way, server_side=server_side, server_hostname=server_hostname)
            else:
                tls = way.connection(server_hostname)
        except NativeError as error:
            self._told_why(error)
            self._hearer.tls_failed(self._side, error)
            return
        self._tls = tls if self._tls is None else Stacked(self._tls, tls)
        try:
            self._tls.start()
        except _BROKEN as error:
            self.broken(error)
            return
        self._write(self._tls.to_send())
        if begun:
            self.data_received(begun)

    def tell(self, hearer: Hearer) -> None:
        """Tell somebody else from now on."""
        self._hearer = hearer

    @property
    def chosen_protocol(self) -> str | None:
        """What the peer chose in TLS of what we offered (ALPN); None when it did not choose."""
        return None if self._tls is None else self._tls.chosen_protocol

    @property
    def is_shaking_hands(self) -> bool:
        """Whether TLS was asked for and does not stand yet."""
        return self._tls is not None and not self._tls.is_secure

    def _told_why(self, error: Exception) -> None:
        if isinstance(error, NativeError):
            log.warning("TLS failed", side=self._side.name, why=reason(error))

    def broken(self, error: Exception) -> None:
        """TLS cannot go on, or what carries bytes on failed in itself."""
        tls = self._tls
        if tls is None or not isinstance(error, _BROKEN):
            self.abort()
            return
        self._told_why(error)
        self._write(tls.to_send())
        if tls.is_secure:
            # WHY no word to the session but the end: what cannot be read was never said.
            self.abort()
        else:
            self._hearer.tls_failed(self._side, error)

    def _write(self, data: bytes) -> None:
        if data and self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)
            if self._is_full:
                self._look_at_unsent()

    def _say(self, words: bytes) -> None:
        """Words of TLS itself, such as answers to a peer that wants other keys."""
        self._write(words)
        if self._is_full and self._side is Side.UPSTREAM:
            # WHY cut and not left unread: a target may wait until we read before it does.
            self._words += len(words)
            if self._words > MAX_WORDS:
                self.abort()

    def _look_at_unsent(self) -> None:
        # WHY never a target: it may wait until we read before it does, and what goes to it stops with its client.
        if self._side is Side.CLIENT and self.unsent > MAX_UNSENT:
            self.read_while("it takes nothing", False)

    def read_while(self, why: str, wanted: bool) -> None:
        """Stop reading because of `why`, or drop that reason; reading goes on when none is left."""
        reasons = self._unread_because
        was_reading = not reasons
        if wanted:
            reasons.discard(why)
        else:
            reasons.add(why)
        transport = self.transport
        if transport is None or transport.is_closing() or was_reading == (not reasons):
            return
        if reasons:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def read_again(self) -> None:
        """Read, whatever stood against it: who heard this end hears it no more."""
        for why in list(self._unread_because):
            self.read_while(why, True)

    @property
    def is_gone(self) -> bool:
        """Whether there is no socket, or none any more. WHY asked: a timer for its end would keep all of a relay for seconds."""
        return self.transport is None or self._is_lost

    @property
    def unsent(self) -> int:
        """Bytes that were written and are still here."""
        return 0 if self.transport is None or self._is_lost else self.transport.get_write_buffer_size()

    def drop(self) -> None:
        """Close the socket once what was written has gone out."""
        self._leave_joint()
        if self.transport is not None and not self.transport.is_closing():
            if self._tls is not None:
                self._write(self._tls.farewell())
            self.transport.close()

    def leave(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close the socket once what was written has gone out, and cut it when that does not get on; nobody is told."""
        self.drop()
        if self.unsent:
            loop.call_later(CLOSE_TIMEOUT, self._cut, float("inf"), MAX_LOOKS, loop, _nothing, _nothing)

    def depart(
        self, loop: asyncio.AbstractEventLoop, over: Callable[[], None], *, late: Callable[[], None] = lambda: None
    ) -> None:
        """Close the socket once what was written has gone out, and cut it when that does not get on; then `over` is told.
        Before that `late`, if the socket was not gone at once."""
        self.drop()
        if self.is_gone:
            over()
        else:
            loop.call_later(CLOSE_TIMEOUT, self._cut, float("inf"), MAX_LOOKS, loop, over, late)

    def _cut(
        self,
        unsent: float,
        looks: int,
        loop: asyncio.AbstractEventLoop,
        over: Callable[[], None],
        late: Callable[[], None],
    ) -> None:
        # WHY not at once: a client that reads slowly gets its last bytes as long as it gets on.
        if 0 < self.unsent < unsent and looks > 0:
            loop.call_later(CLOSE_TIMEOUT, self._cut, self.unsent, looks - 1, loop, over, late)
            return
        self.abort()
        late()
        over()

    def forget(self) -> None:
        """Close the socket now and say nothing more of it."""
        self._hearer = _NOBODY
        self.out.clear()
        self.abort()

    def abort(self) -> None:
        """Close the socket now."""
        self._leave_joint()
        if self.transport is not None:
            self.transport.abort()
