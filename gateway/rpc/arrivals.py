"""Waiting for the message of a call, with an end to patience.

A caller may begin a call and never send its message; a synchronous server holds a thread for it. So whoever has not sent
a whole message after `SECONDS` is cancelled, and those threads serve others again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Protocol

SECONDS = 10.0
LOOK_EVERY = 1.0


class Cancellable(Protocol):
    """What of a call's context is needed to end it."""

    def cancel(self) -> object: ...


class Arrivals:
    """The calls of one server whose message is awaited. Safe from any thread."""

    def __init__(self, clock: Callable[[], float], seconds: float = SECONDS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._awaited: dict[int, tuple[float, Cancellable]] = {}
        self._stopped = threading.Event()
        self._watcher: threading.Thread | None = None

    def message(self, messages: Iterator[bytes], context: Cancellable) -> bytes | None:
        """The one message of a call; None when it ended without one. Raises what gRPC raises when it was broken off."""
        # WHY no lock: each of these is one step of the interpreter, and every call takes them.
        key = id(context)
        self._awaited[key] = (self._clock(), context)
        try:
            return next(messages, None)
        finally:
            del self._awaited[key]

    def count(self) -> int:
        """How many messages are awaited."""
        return len(self._awaited)

    def cancel_overdue(self) -> int:
        """Cancel the calls that were waited for too long; how many."""
        latest = self._clock() - self._seconds
        overdue = [context for since, context in self._awaited.copy().values() if since <= latest]
        for context in overdue:
            context.cancel()
        return len(overdue)

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
