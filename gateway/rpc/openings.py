"""Open streams: how many there may be, and ending them when the service stops.

A stream of the synchronous server holds a thread as long as it lives. So their number is bounded, for everybody and for
each caller, below the number of threads: single questions always find one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from gateway.rpc.refusals import CallRefused, Cause

MAX_STREAMS = 96
MAX_STREAMS_OF_CALLER = 64
# Streams of questions of a caller that speaks only for itself: each may hold a message that never becomes whole.
MAX_EXCHANGES_OF_CALLER = 8


class Openings:
    """The open streams of one server. Safe from any thread."""

    def __init__(self, limit: int = MAX_STREAMS, limit_of_caller: int = MAX_STREAMS_OF_CALLER) -> None:
        self._lock = Lock()
        self._limit = limit
        self._limit_of_caller = limit_of_caller
        self._callers: Counter[str] = Counter()
        self._ends: dict[int, Callable[[], None]] = {}
        self._next = 0
        self._stopping = False

    @property
    def is_stopping(self) -> bool:
        return self._stopping

    def count(self) -> int:
        """How many streams are open."""
        with self._lock:
            return len(self._ends)

    @contextmanager
    def opened(self, caller: str, end: Callable[[], None]) -> Iterator[None]:
        """Hold a stream open. `end` is called, from any thread, when the service stops. Raises CallRefused when full."""
        with self._lock:
            if self._stopping:
                raise stopping()
            if len(self._ends) >= self._limit or self._callers[caller] >= self._limit_of_caller:
                raise CallRefused(Cause.TOO_LARGE, "TOO_MANY_STREAMS", "too many open streams; close some")
            self._callers[caller] += 1
            number, self._next = self._next, self._next + 1
            self._ends[number] = end
        try:
            yield
        finally:
            with self._lock:
                del self._ends[number]
                self._callers[caller] -= 1
                if not self._callers[caller]:
                    del self._callers[caller]

    def stop(self) -> None:
        """End all, and admit none from now on."""
        with self._lock:
            self._stopping = True
            ends = [*self._ends.values()]
        for end in ends:
            end()


def stopping() -> CallRefused:
    """What a stream is told when the service stops."""
    return CallRefused(Cause.NOT_NOW, "STOPPING", "the service stops; come again")
