"""Numbers over a sliding time: sums, and how many different things. Pure: times are arguments, in nanoseconds.

Time is cut into buckets; a window is the bucket that runs and as many whole ones before it as its length has. So it looks back
over its length and at most one bucket more: it may count what is just over, never miss what is not. Used by `ledger`.

INVARIANT: time never runs backwards here. What comes with an earlier time than was seen counts for the latest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Span:
    """How long a window is: `buckets` whole ones of `width` nanoseconds."""

    width: int
    buckets: int


MINUTE = Span(5 * SECOND, 12)
HOUR = Span(60 * SECOND, 60)


class Sums:
    """Several numbers that are added up over one window."""

    __slots__ = ("_buckets", "_latest", "_span", "_totals")

    def __init__(self, span: Span, numbers: int) -> None:
        self._span = span
        self._totals = [0] * numbers
        self._buckets: deque[tuple[int, list[int]]] = deque()
        self._latest = 0

    def add(self, now: int, amounts: Iterable[tuple[int, int]]) -> None:
        """Add to numbers, each by its place."""
        self._pass_to(now)
        if not self._buckets or self._buckets[-1][0] != self._latest:
            self._buckets.append((self._latest, [0] * len(self._totals)))
        bucket = self._buckets[-1][1]
        for place, amount in amounts:
            bucket[place] += amount
            self._totals[place] += amount

    def read(self, now: int) -> list[int]:
        """The numbers as they stand. The list is the window's own: to be read, not kept."""
        self._pass_to(now)
        return self._totals

    def is_idle(self, now: int) -> bool:
        """Whether nothing was added within the window."""
        self._pass_to(now)
        return not self._buckets

    def _pass_to(self, now: int) -> None:
        bucket = now // self._span.width
        if bucket <= self._latest:
            return
        self._latest = bucket
        oldest = bucket - self._span.buckets
        while self._buckets and self._buckets[0][0] < oldest:
            for place, amount in enumerate(self._buckets.popleft()[1]):
                self._totals[place] -= amount


class Budget:
    """How many things all windows together may keep; or some of them, of a `whole` that is everybody's."""

    __slots__ = ("_left", "_whole")

    def __init__(self, most: int, whole: Budget | None = None) -> None:
        self._left = most
        self._whole = whole

    def take(self) -> bool:
        """Take one place, if there is any left."""
        if self._left <= 0 or (self._whole is not None and not self._whole.take()):
            return False
        self._left -= 1
        return True

    def give_back(self) -> None:
        """One place is free again."""
        self._left += 1
        if self._whole is not None:
            self._whole.give_back()


class Different:
    """How many different things there were over one window.

    At most `most` are known one by one, and no more than the common budget allows. What finds no place is counted each time it
    comes: then the number may be too high, never too low, and `is_exact` says so until the window has passed.
    """

    __slots__ = ("_budget", "_known", "_latest", "_most", "_rest", "_span")

    def __init__(self, span: Span, most: int, budget: Budget) -> None:
        self._span = span
        self._most = most
        self._budget = budget
        # The bucket in which each was seen last; those that were seen last stand last.
        self._known: dict[int, int] = {}
        self._rest = Sums(span, 1)
        self._latest = 0

    def add(self, now: int, things: Iterable[int], unnamed: int = 0) -> None:
        """These things were there, and `unnamed` others of which nobody knows which."""
        self._pass_to(now)
        rest = unnamed
        for thing in things:
            if self._known.pop(thing, None) is None and (len(self._known) >= self._most or not self._budget.take()):
                rest += 1
                continue
            self._known[thing] = self._latest
        if rest:
            self._rest.add(max(now, self._latest * self._span.width), ((0, rest),))

    def read(self, now: int, things: Iterable[int] = (), unnamed: int = 0) -> int:
        """How many there were, together with these."""
        self._pass_to(now)
        return len(self._known) + self._rest.read(now)[0] + unnamed + sum(thing not in self._known for thing in things)

    def is_exact(self, now: int) -> bool:
        """Whether the number is not higher than it should be."""
        return self._rest.is_idle(now)

    def clear(self) -> None:
        """Forget everything, and give the places back."""
        for _ in self._known:
            self._budget.give_back()
        self._known.clear()

    def _pass_to(self, now: int) -> None:
        bucket = now // self._span.width
        if bucket <= self._latest:
            return
        self._latest = bucket
        oldest = bucket - self._span.buckets
        while self._known:
            first = next(iter(self._known))
            if self._known[first] >= oldest:
                break
            del self._known[first]
            self._budget.give_back()
