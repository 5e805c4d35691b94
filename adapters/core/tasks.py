"""What runs beside the events of one connection, and is over with it. Called by `relay`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine


class Tasks:
    """Tasks of one connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop, failed: Callable[[BaseException], None]) -> None:
        """`failed` is told of each error that a task ends with."""
        self._loop = loop
        self._failed = failed
        self._tasks: set[asyncio.Task[None]] = set()
        self._errands: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run this beside the others."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def run_errand(self, work: Coroutine[None, None, None]) -> None:
        """Run this to its end, whatever becomes of the connection."""
        self._errands.add(self.spawn(work))

    def running(self) -> frozenset[asyncio.Task[None]]:
        """All that run now."""
        return frozenset(self._tasks)

    def cancel(self) -> None:
        """Cancel them, but for whoever calls this."""
        current = asyncio.current_task(self._loop)
        # WHY not the errands: a cancel of what runs at the target has to get there, most of all when the session is over.
        for task in self._tasks - self._errands:
            if task is not current:
                task.cancel()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._errands.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._failed(error)
