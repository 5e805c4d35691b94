"""The times at which a relay does something by itself: when its session asked to be woken, and when what it began is late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Alarms:
    """Those of one relay. Times are the loop's."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
        self._loop = loop
        self._wake = wake
        self._waking: asyncio.TimerHandle | None = None
        self._others: list[asyncio.TimerHandle] = []

    def wake_at(self, moment: float | None) -> None:
        """Wake the session at that time, and at none that was asked for before."""
        if self._waking is not None:
            self._waking.cancel()
            self._waking = None
        if moment is not None:
            self._waking = self._loop.call_at(moment, self._wake)

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Do something then, unless this is over before."""
        now = self._loop.time()
        self._others = [handle for handle in self._others if handle.when() > now]
        self._others.append(self._loop.call_later(seconds, do))

    def end(self) -> None:
        """Nothing is done any more."""
        self.wake_at(None)
        for handle in self._others:
            handle.cancel()
        self._others.clear()
