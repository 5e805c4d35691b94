"""Waiting for the message of a call, with an end to patience.

A caller may begin a call and never send its message; a synchronous server holds a thread for it. So whoever has not sent
a whole message after `SECONDS` is cancelled, and those threads serve others again. There are few of them: of one caller only a few calls
may be slow at once, and for a while behind that only one may be awaited.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

SECONDS = 10.0
LOOK_EVERY = 1.0
SLOW_SECONDS = 1.0
"""A message that has not come after so long is slow."""
MOST_SLOW = 2
"""Calls of one caller that may be slow at once: the others are cancelled, and more are refused."""
REMEMBERED_SECONDS = 60.0
"""For so long nobody who had more of them has more than one message awaited."""


class Cancellable(Protocol):
    """What of a call's context is needed to end it."""

    def cancel(self) -> object: ...


@dataclass(frozen=True, slots=True)
class _Awaited:
    since: float
    context: Cancellable
    caller: str


class Arrivals:
    """The calls of one server whose message is awaited. Safe from any thread."""

    def __init__(self, clock: Callable[[], float], seconds: float = SECONDS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._awaited: dict[int, _Awaited] = {}
        self._slow: dict[str, float] = {}
        """Callers that had too many slow calls, and since when."""
        self._stopped = threading.Event()
        self._watcher: threading.Thread | None = None

    def message(self, messages: Iterator[bytes], context: Cancellable, caller: str = "") -> bytes | None:
        """The one message of a call; None when it ended without one. Raises what gRPC raises when it was broken off. `caller`: whose call it
        is; "" for those whose calls are not counted."""
        # WHY no lock: each of these is one step of the interpreter, and every call takes them.
        key = id(context)
        self._awaited[key] = _Awaited(self._clock(), context, caller)
        try:
            return next(messages, None)
        finally:
            del self._awaited[key]

    def is_crowded(self, caller: str) -> bool:
        """Whether a caller keeps us waiting already, and has to wait itself."""
        if len(self._awaited) < MOST_SLOW and not self._slow:
            return False
        now = self._clock()
        theirs = [one.since for one in self._awaited.copy().values() if one.caller == caller]
        if now - self._slow.get(caller, -REMEMBERED_SECONDS) < REMEMBERED_SECONDS:
            return bool(theirs)
        return sum(now - since >= SLOW_SECONDS for since in theirs) >= MOST_SLOW

    def count(self) -> int:
        """How many messages are awaited."""
        return len(self._awaited)

    def cancel_overdue(self) -> int:
        """Cancel the calls that were waited for too long, and of each caller those that are slow beside others; how many."""
        now = self._clock()
        overdue = [one for one in self._awaited.copy().values() if now - one.since >= self._seconds]
        overdue += self._crowding(now)
        for one in overdue:
            one.context.cancel()
        return len(overdue)

    def _crowding(self, now: float) -> list[_Awaited]:
        """What is slow beside other slow calls of its caller, the first ones left."""
        self._slow = {caller: since for caller, since in self._slow.items() if now - since < REMEMBERED_SECONDS}
        theirs: dict[str, list[_Awaited]] = {}
        for one in self._awaited.copy().values():
            if one.caller and SLOW_SECONDS <= now - one.since < self._seconds:
                theirs.setdefault(one.caller, []).append(one)
        crowding = {caller: calls[MOST_SLOW:] for caller, calls in theirs.items() if len(calls) > MOST_SLOW}
        self._slow.update(dict.fromkeys(crowding, now))
        return [one for calls in crowding.values() for one in calls]

    def start(self) -> None:
        """Look every so often, until `stop`."""
        self._watcher = threading.Thread(target=self._watch, name="rpc-arrivals", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        if self._watcher is not None:
            self._watcher.join()

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK_EVERY):
            self.cancel_overdue()
