"""The bell: whoever waits for a ticket is woken the moment it changes, in this process. No polling.

Waiters are event loops (`wait`) and threads (`wait_blocking`, for gRPC). A waiter subscribes first and looks second, so
a change in between is never missed. What a ticket says is the store's word, not the bell's.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor


class Bell:
    """Wakes those who wait for a ticket. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, list[Callable[[], None]]] = {}
        self._everything: list[Callable[[str], None]] = []

    def ring(self, ticket: str) -> None:
        """Say that a ticket changed."""
        with self._lock:
            called = list(self._waiting.get(ticket, ()))
            heard = list(self._everything)
        for wake in called:
            wake()
        for listen in heard:
            listen(ticket)

    def ring_all(self) -> None:
        """Say that any ticket may have changed; who listens to all is told of none by name (an empty id)."""
        with self._lock:
            called = [wake for waiting in self._waiting.values() for wake in waiting]
            heard = list(self._everything)
        for wake in called:
            wake()
        for listen in heard:
            listen("")

    def subscribe(self, ticket: str, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` (quick, from any thread) at each change until the returned function is called."""
        with self._lock:
            self._waiting.setdefault(ticket, []).append(wake)

        def leave() -> None:
            with self._lock:
                waiting = self._waiting.get(ticket, [])
                if wake in waiting:
                    waiting.remove(wake)
                if not waiting:
                    self._waiting.pop(ticket, None)

        return leave

    def subscribe_all(self, listen: Callable[[str], None]) -> Callable[[], None]:
        """Call `listen` with the id of every ticket that changes; for lists that are watched and for other replicas."""
        with self._lock:
            self._everything.append(listen)

        def leave() -> None:
            with self._lock:
                if listen in self._everything:
                    self._everything.remove(listen)

        return leave

    def waited(self) -> list[str]:
        """The tickets that somebody waits for here."""
        with self._lock:
            return list(self._waiting)

    def waiters(self, ticket: str) -> int:
        """How many wait for a ticket here."""
        with self._lock:
            return len(self._waiting.get(ticket, ()))

    async def wait(
        self, ticket: str, is_over: Callable[[], bool], seconds: float, threads: Executor | None = None
    ) -> bool:
        """Wait in an event loop until `is_over()`; False when the time is up first. `is_over` is called in another thread, one of
        `threads`: it may have to ask the store, and the loop does not wait for that."""
        loop = asyncio.get_running_loop()
        rung = asyncio.Event()
        leave = self.subscribe(ticket, lambda: _wake(loop, rung))
        try:
            async with asyncio.timeout(max(seconds, 0)):
                while not await loop.run_in_executor(threads, is_over):
                    await rung.wait()
                    rung.clear()
                return True
        except TimeoutError:
            return await loop.run_in_executor(threads, is_over)
        finally:
            leave()

    def wait_blocking(self, ticket: str, is_over: Callable[[], bool], seconds: float) -> bool:
        """Wait in a thread until `is_over()`; False when the time is up first."""
        condition = threading.Condition()

        def wake() -> None:
            with condition:
                condition.notify_all()

        leave = self.subscribe(ticket, wake)
        try:
            with condition:
                return condition.wait_for(is_over, timeout=max(seconds, 0))
        finally:
            leave()


def _wake(loop: asyncio.AbstractEventLoop, rung: asyncio.Event) -> None:
    try:
        loop.call_soon_threadsafe(rung.set)
    except RuntimeError:
        return  # WHY: the loop closed while somebody still waited in it; there is nobody to wake
