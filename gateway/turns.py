"""Letting threads that decide go first while one that loads policies, sends the audit on or makes a page computes.

Python lets a thread compute for 5 ms before another that wants to go on may: that would be seen in the slowest decisions.
Called by `policy_store.current`, `audit.export.exporter` and `console.exchange`.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SHORT_TURN = 0.00005
"""Seconds after which a thread lets others go on."""


class _Turns:
    """How many want short turns, and what was set before the first of them came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._before = 0.0

    def shorten(self) -> None:
        with self._lock:
            if self._count == 0:
                self._before = sys.getswitchinterval()
                sys.setswitchinterval(min(self._before, SHORT_TURN))
            self._count += 1

    def restore(self) -> None:
        with self._lock:
            self._count -= 1
            if self._count == 0:
                sys.setswitchinterval(self._before)


_TURNS = _Turns()


@contextmanager
def short_turns() -> Iterator[None]:
    """Let other threads go on sooner until this ends; several at once end with the last of them."""
    _TURNS.shorten()
    try:
        yield
    finally:
        _TURNS.restore()
