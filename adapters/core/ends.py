"""One side of a relayed connection: its socket, what goes out to it at the end of a turn, why it is not read at the moment.

Turns the loop's callbacks into what its `Hearer` (the relay) is told. No protocol, no session.
"""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from adapters.core import events as saw
from adapters.core.events import Event, Side

WRITE_HIGH_WATER = 1024 * 1024
"""Above this much unsent to one side, the other side is not read any more."""


class Hearer(Protocol):
    """Who is told what happens on a socket."""

    def take(self, event: Event) -> None: ...

    def lost(self, side: Side) -> None:
        """The socket is gone for good."""

    def is_full(self, side: Side, full: bool) -> None:
        """The socket cannot take more for now, or can again."""


class End(asyncio.Protocol):
    """One side's socket. Several lives: TLS gives it a new transport."""

    def __init__(self, hearer: Hearer, side: Side) -> None:
        self._hearer = hearer
        self._side = side
        self._unread_because: set[str] = set()
        self.transport: asyncio.Transport | None = None
        self.out: list[bytes] = []
        """What this turn sends, not written yet."""

    # --- from the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=WRITE_HIGH_WATER)

    def data_received(self, data: bytes) -> None:
        self._hearer.take(saw.BytesReceived(self._side, data))

    def eof_received(self) -> bool:
        self._hearer.take(saw.EndReceived(self._side))
        # Half-open is for the session to end; TLS knows no half-open connection.
        return self.transport is not None and self.transport.get_extra_info("ssl_object") is None

    def connection_lost(self, exc: Exception | None) -> None:
        self._hearer.lost(self._side)

    def pause_writing(self) -> None:
        self._hearer.is_full(self._side, True)

    def resume_writing(self) -> None:
        self._hearer.is_full(self._side, False)

    # --- from the relay

    def flush(self) -> None:
        """Write what this turn sends, in one piece."""
        out = self.out
        transport = self.transport
        if out and transport is not None and not transport.is_closing():
            transport.write(out[0] if len(out) == 1 else b"".join(out))
        out.clear()

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

    def forget(self, why: str) -> None:
        """Drop a reason without touching the socket: a new transport reads already."""
        self._unread_because.discard(why)

    def drop(self) -> None:
        """Close the socket once what was written has gone out."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()

    def abort(self) -> None:
        """Close the socket now."""
        if self.transport is not None:
            self.transport.abort()
