"""Work that may have to wait for the store, done beside the event loop: on threads of its own, with a deadline. Used by the gate.

INVARIANT: the loop never waits for the store, so a store that does not answer keeps no other session waiting; and of the two who could
answer one question, the thread that asks the store and the loop that waits no longer, exactly one does (`Turn`).
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from gateway.errors import StoreUnavailable

T = TypeVar("T")

THREADS = 8
"""As many as there are connections to the store: more would wait for one another."""
PATIENCE_SECONDS = 5.0
"""How long a question waits for the store before it is denied."""


class TooLate(StoreUnavailable):
    """Nobody waits for the answer any more: it is neither recorded nor given."""

    code = "TOO_LATE"


class Turn:
    """Whose it is to answer one question. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_taken = self._is_over = False

    def take(self) -> bool:
        """Be the one who answers, from now on; whether that is so. Asked again by the same one it stays so."""
        with self._lock:
            self._is_taken = not self._is_over
            return self._is_taken

    def give_up(self) -> bool:
        """Let nobody answer who has not begun to; whether that is so."""
        with self._lock:
            self._is_over = not self._is_taken
            return self._is_over

    @property
    def is_over(self) -> bool:
        """Whether nobody waits for an answer any more."""
        return self._is_over

    def check(self) -> None:
        """Raise TooLate when nobody waits any more."""
        if self._is_over:
            raise TooLate("nobody waits for this any more")

    def must_take(self) -> None:
        """As `take`; raises TooLate where somebody else has answered."""
        if not self.take():
            raise TooLate("nobody waits for this any more")


MINE = Turn()
"""The turn of who waits as long as it takes; nobody gives it up."""
MINE.take()


def is_on_loop() -> bool:
    """Whether an event loop runs on this thread, and would wait for whatever is done here."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class Aside:
    """The threads of one gate. Its methods are for event loops, apart from `close`."""

    def __init__(self, seconds: float = PATIENCE_SECONDS) -> None:
        """`seconds`: how long a question waits."""
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="store")

    async def ask(self, work: Callable[[Turn], T], late: Callable[[], T], unwanted: Callable[[T], None]) -> T:
        """What `work` says; what `late` says when that takes too long. Both may have to record what they say; `late` does not wait.

        `work` runs on a thread and takes its turn before it records an answer; it raises TooLate when it cannot. `unwanted` is given,
        on the loop, an answer whose asker broke off after it was recorded.
        """
        turn, loop = Turn(), asyncio.get_running_loop()
        context = contextvars.copy_context()

        def begin() -> T:
            # WHY: behind a store that hangs many may wait for a thread; who is not waited for makes place at once.
            turn.check()
            return context.run(work, turn)

        answer = loop.run_in_executor(self._threads, begin)
        try:
            done, _ = await asyncio.wait((answer,), timeout=self._seconds)
            if not done and turn.give_up():
                answer.add_done_callback(_forget)
                return late()
            # WHY without an end: what took its turn only records what it found, and that does not wait for the store.
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            is_nobodys = turn.give_up()
            answer.add_done_callback(_forget if is_nobodys else lambda one: _undo(one, unwanted))
            raise

    def do(self, work: Callable[[], None]) -> None:
        """Do something that nobody waits for. On a thread where an event loop runs here, else now."""
        if is_on_loop():
            try:
                self._threads.submit(work)
            except (
                RuntimeError
            ):  # WHY: it is closed; what is left of sessions then is done as long as there is somebody to do it
                work()
        else:
            work()

    def close(self) -> None:
        """Wait for what was begun, and begin nothing more."""
        self._threads.shutdown(wait=True)


def _forget(answer: asyncio.Future[T]) -> None:
    """Look at what nobody waits for, so that nobody is told it was not looked at."""
    if not answer.cancelled():
        answer.exception()


def _undo(answer: asyncio.Future[T], unwanted: Callable[[T], None]) -> None:
    if not answer.cancelled() and answer.exception() is None:
        unwanted(answer.result())
