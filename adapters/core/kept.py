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

    __slots__ = ("_over", "end", "key", "others")

    def __init__(self, end: End, key: Hashable, others: list[_Waiting], over: Callable[[_Waiting], None]) -> None:
        """`others` are those that wait for the same, this one among them."""
        self.end = end
        self.key = key
        self.others = others
        self._over = over

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
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._is_over = False

    def __len__(self) -> int:
        return len(self._in_order)

    def take(self, key: Hashable, hearer: Hearer) -> End | None:
        """One that may serve now, told to somebody else from now on; None when there is none. The newest first: it is the least likely to be
        ended by its target just now."""
        waiting = self._waiting.get(key)
        while waiting:
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
        now = asyncio.get_running_loop().time()
        end.since = end.since if end.uses else now
        end.uses += 1
        end.until = now + seconds
        is_young = now - end.since < MAX_AGE and end.uses < MAX_USES
        # WHY not asked here too whether something waits to be read: it would serve nobody, whoever hears of it first.
        if self._is_over or seconds <= 0 or not is_young or not _is_open(end) or end.out or end.unsent:
            self._end(end)
            return
        waiting = self._waiting.setdefault(key, [])
        one = _Waiting(end, key, waiting, self._dropped)
        end.tell(one)
        waiting.append(one)
        self._in_order[one] = None
        self._count(KEPT)
        if len(waiting) > MAX_EACH:
            self._dropped(waiting[0])
        if len(self._in_order) > MAX_KEPT:
            self._dropped(next(iter(self._in_order)))
        self._look_at(end.until)

    def close(self) -> None:
        """End them all, and keep none from now on."""
        self._is_over = True
        for one in list(self._in_order):
            self._dropped(one)
        if self._timer is not None:
            self._timer.cancel()

    def _look_at(self, until: float) -> None:
        """Look at that time whether one has waited long enough. WHY one timer for all: each that serves again would cost one."""
        if self._timer is None or until < self._due:
            if self._timer is not None:
                self._timer.cancel()
            self._due = until
            self._timer = asyncio.get_running_loop().call_at(until, self._looked)

    def _looked(self) -> None:
        self._timer = None
        # WHY a little more than now: a loop may be early by what its clock does not tell.
        now = asyncio.get_running_loop().time() + 0.001
        for one in [one for one in self._in_order if one.end.until <= now]:
            self._dropped(one)
        if self._in_order:
            self._look_at(min(one.end.until for one in self._in_order))

    def _dropped(self, one: _Waiting) -> None:
        if one in self._in_order:
            self._forget(one)
            self._end(one.end)

    def _forget(self, one: _Waiting) -> None:
        del self._in_order[one]
        one.others.remove(one)
        if not one.others:
            del self._waiting[one.key]

    def _end(self, end: End) -> None:
        self._count(DROPPED)
        end.forget()


def is_quiet(end: End) -> bool:
    """Whether nothing waits to be read of a connection, its end neither. WHY asked of the kernel: what came since the loop last looked is a
    byte that belongs to nobody's answer."""
    transport = end.transport
    if transport is None or not _is_open(end):
        return False
    if end.poll is None:
        end.poll = select.poll()
        end.poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    return not end.poll.poll(0)


def _is_open(end: End) -> bool:
    return end.transport is not None and not end.is_gone and not end.transport.is_closing()
