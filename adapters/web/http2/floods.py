"""How much of what costs us more than the client one connection may do: it comes back with time. Pure.

Named after what was found: rapid resets (CVE-2023-44487), floods of pings, settings, priorities, empty frames (CVE-2019-9511 and on).
"""

from __future__ import annotations


class Allowance:
    """So much at once, and so much a second."""

    __slots__ = ("_left", "_most", "_per_second", "_when")

    def __init__(self, most: float, per_second: float, now: float) -> None:
        self._most, self._per_second = most, per_second
        self._left, self._when = most, now

    def spend(self, cost: float, now: float) -> bool:
        """Whether there is that much left; it is not any more then."""
        self._left = min(self._most, self._left + max(now - self._when, 0.0) * self._per_second)
        self._when = now
        if cost > self._left:
            return False
        self._left -= cost
        return True

    def earn(self, amount: float) -> None:
        """Give some back, for work that was wanted."""
        self._left = min(self._most, self._left + amount)
