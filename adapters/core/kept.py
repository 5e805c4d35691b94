"""Connections to targets that may serve once more: kept open between two requests of those they may serve, for a short while.

A connection comes here when its session says that the answer on it ended exactly where it said it would. INVARIANT: one on which
anything came unasked, or which its target ended, serves nobody any more; it is looked at once more in the moment it is taken.
Who may share one is the session's to say (`kept_for`); here a key is a key. Called by `relay`.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable, Hashable

from adapters.core.ends import End, Hearer
from adapters.core.events import Event, Side

MAX_KEPT = 256
"""Connections that are kept at once; the one that waits longest goes first."""
MAX_EACH = 64
"""Of them for the same target and the same people."""
MAX_AGE = 300.0
"""Seconds from when it was kept first, after which a connection serves no more: names lead elsewhere, authorities change."""
MAX_USES = 1_000

REUSED, KEPT, DROPPED = "reused", "kept", "dropped"


class _Waiting:
    """One connection that waits. Satisfies `ends.Hearer`: whatever is heard of it ends it."""

    def __init__(self, end: End, key: Hashable, over: Callable[[_Waiting], None]) -> None:
        self.end = end
        self.key = key
        self._over = over
        self.timer: asyncio.TimerHandle | None = None

    def take(self, event: Event) -> None:
        self._over(self)

    def hear(self, side: Side, data: bytes) -> None:
        """Bytes that nobody asked for."""
        self._over(self)

    def lost(self, side: Side) -> None:
        """The target ended it."""
        self._over(self)

    def is_full(self, side: Side, full: bool) -> None:
        """Nothing is sent on it."""

    def tls_failed(self, side: Side, error: Exception) -> None:
        """It is not what it was."""
        self._over(self)


class KeptConnections:
    """Those of one listener. `count` is told of each that is kept, serves again, or ends here."""

    def __init__(self, count: Callable[[str], None] = lambda what: None) -> None:
        self._count = count
        self._waiting: dict[Hashable, list[_Waiting]] = {}
        self._in_order: dict[_Waiting, None] = {}
        self._is_over = False

    def __len__(self) -> int:
        return len(self._in_order)

    def take(self, key: Hashable, hearer: Hearer) -> End | None:
        """One that may serve now, told to somebody else from now on; None when there is none. The newest first: it is the least likely to be
        ended by its target just now."""
        while (waiting := self._waiting.get(key)) is not None:
            one = waiting[-1]
            self._forget(one)
            if is_quiet(one.end):
                one.end.tell(hearer)
                self._count(REUSED)
                return one.end
            self._end(one.end)
        return None

    def put(self, key: Hashable, end: End, seconds: float) -> None:
        """Keep a connection for so long, where it may be kept."""
        loop = asyncio.get_running_loop()
        end.since = end.since if end.uses else loop.time()
        end.uses += 1
        is_young = loop.time() - end.since < MAX_AGE and end.uses < MAX_USES
        if self._is_over or seconds <= 0 or not is_young or end.out or end.unsent or not is_quiet(end):
            self._end(end)
            return
        end.until = loop.time() + seconds
        one = _Waiting(end, key, self._dropped)
        end.tell(one)
        one.timer = loop.call_later(seconds, self._dropped, one)
        waiting = self._waiting.setdefault(key, [])
        waiting.append(one)
        self._in_order[one] = None
        self._count(KEPT)
        if len(waiting) > MAX_EACH:
            self._dropped(waiting[0])
        if len(self._in_order) > MAX_KEPT:
            self._dropped(next(iter(self._in_order)))

    def close(self) -> None:
        """End them all, and keep none from now on."""
        self._is_over = True
        for one in list(self._in_order):
            self._dropped(one)

    def _dropped(self, one: _Waiting) -> None:
        if one in self._in_order:
            self._forget(one)
            self._end(one.end)

    def _forget(self, one: _Waiting) -> None:
        del self._in_order[one]
        waiting = self._waiting[one.key]
        waiting.remove(one)
        if not waiting:
            del self._waiting[one.key]
        if one.timer is not None:
            one.timer.cancel()
            one.timer = None

    def _end(self, end: End) -> None:
        self._count(DROPPED)
        end.forget()


def is_quiet(end: End) -> bool:
    """Whether nothing waits to be read of a connection, its end neither. WHY asked of the kernel: what came since the loop last looked is a
    byte that belongs to nobody's answer."""
    transport = end.transport
    if end.is_gone or transport is None or transport.is_closing():
        return False
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    return not poll.poll(0)
