"""Patience with wrong logins: who fails too often waits, whatever they then know. The time is an argument.

Two counts: for a name from one address (guessing a password) and for an address alone (guessing names). Never for a name
alone: then anybody could lock anybody out. A token that comes without a name cannot be guessed; those that are wrong are
counted apart, so that a client with an old one locks out nobody beside it. Called by the doorkeeper.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

WINDOW = 60.0
"""Seconds after which failures are forgotten."""
MAX_FOR_NAME = 10
MAX_FOR_ADDRESS = 50
MAX_REMEMBERED = 10_000
"""Counters kept; beyond it the oldest is forgotten, so that an attacker with many addresses fills no memory."""


class Throttle:
    """Counts failures. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: OrderedDict[tuple[str, str], list[float]] = OrderedDict()

    def failed(self, name: str, address: str | None, now: float) -> None:
        """Remember a failed login."""
        with self._lock:
            for key, most in _counters(name, address):
                times = self._failures.setdefault(key, [])
                times.append(now)
                del times[: -most - 1]
                self._failures.move_to_end(key)
            while len(self._failures) > MAX_REMEMBERED:
                self._failures.popitem(last=False)

    def must_wait(self, name: str, address: str | None, now: float) -> bool:
        """Whether this address failed too often of late, with this name or at all."""
        with self._lock:
            return any(self._recent(key, now) >= most for key, most in _counters(name, address))

    def _recent(self, key: tuple[str, str], now: float) -> int:
        return sum(1 for moment in self._failures.get(key, ()) if now - moment < WINDOW)


def _counters(name: str, address: str | None) -> list[tuple[tuple[str, str], int]]:
    """What counts for a login, and how many failures are too many. `name` is empty where a token came alone."""
    where = address or "local"
    if not name:
        return [(("\0token", where), MAX_FOR_ADDRESS)]
    return [((name[:64], where), MAX_FOR_NAME), (("", where), MAX_FOR_ADDRESS)]
