"""What each principal and each job of theirs did in the last minute and the last hour. Pure: times are arguments.

A job is one of a principal's; what a principal does without a job is counted like one. Only so many are counted one by one; who
finds no place is counted together with all others who found none, so a number may be too high, never too low, and is not `exact`.
One principal's jobs take a quarter of the places at most, and the rest of them are counted together: who names ever new jobs takes
nobody else's place.
Safe from any thread. Called by `gateway.counting`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.activity.windows import HOUR, MINUTE, Budget, Different, Sums

MAX_COUNTED = 8_000
"""Principals and jobs that are counted one by one. WHY: each needs 2 to 20 kB."""
SHARE = 4
"""One principal has one place in so many, at most, and knows one in so many objects."""
MAX_OBJECTS = 2_000
"""Objects that are known one by one, of one of them in one window;"""
MAX_ALL_OBJECTS = 400_000
"""and of all of them together: 50 MB."""

Counts: TypeAlias = "dict[str, int]"

_NAMES = ("commands", "rows", "bytes", "denials", "holds", "first_uses")
_COMMANDS, _ROWS, _BYTES, _DENIALS, _HOLDS, _FIRST_USES = range(6)
_REST = ("",)
"""Those who are not counted one by one. No principal has an empty name."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one decision adds. `objects` are what the command uses, `unnamed` how many more of which nobody knows which they are.

    `first_uses`: how much of what it does its kind of job never did.
    """

    commands: int = 0
    denials: int = 0
    holds: int = 0
    first_uses: int = 0
    objects: tuple[int, ...] = ()
    unnamed: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """How a principal and one of their jobs stand. Not `exact`: a number may be higher than it should be."""

    principal: Counts
    job: Counts
    exact: bool


class Ledger:
    """The numbers of everybody."""

    def __init__(
        self, *, counted: int = MAX_COUNTED, objects: int = MAX_OBJECTS, all_objects: int = MAX_ALL_OBJECTS
    ) -> None:
        self._most = counted
        self._objects = objects
        self._budget = Budget(all_objects)
        self._lock = threading.Lock()
        self._most_of_one = max(1, counted // SHARE)
        self._objects_of_one = max(1, all_objects // SHARE)
        self._of: OrderedDict[tuple[str, ...], _Counted] = OrderedDict()
        self._theirs: dict[str, _Theirs] = {}
        self._rest = _Counted(objects, self._budget, is_shared=True)
        self._now = 0

    @property
    def counted(self) -> int:
        """How many are counted one by one."""
        with self._lock:
            return len(self._of)

    def decided(self, principal: str, job: str | None, now: int, step: Step) -> None:
        """Count one decision."""
        amounts = (
            *((_COMMANDS, step.commands), (_DENIALS, step.denials)),
            *((_HOLDS, step.holds), (_FIRST_USES, step.first_uses)),
        )
        with self._lock:
            now = self._at(now)
            for key in _keys(principal, job):
                self._find(key, now).add(now, amounts, step)

    def finished(self, principal: str, job: str | None, now: int, rows: int, size: int) -> None:
        """Count what a command gave back."""
        amounts = ((_ROWS, rows), (_BYTES, size))
        with self._lock:
            now = self._at(now)
            for key in _keys(principal, job):
                self._find(key, now).add(now, amounts, None)

    def read(
        self, principal: str, job: str | None, now: int, objects: tuple[int, ...] = (), unnamed: int = 0
    ) -> Standing:
        """How they stand; of objects, together with these."""
        with self._lock:
            now = self._at(now)
            whole, part = (self._seen(key, now) for key in _keys(principal, job))
            return Standing(
                whole.read(now, objects, unnamed),
                part.read(now, objects, unnamed),
                unnamed == 0 and whole.is_exact(now) and part.is_exact(now),
            )

    def _at(self, now: int) -> int:
        # INVARIANT: a clock that is set back makes nobody's windows pass faster.
        self._now = max(self._now, now)
        return self._now

    def _seen(self, key: tuple[str, ...], now: int) -> _Counted:
        """Where somebody's numbers stand; of somebody new, where they would."""
        found = self._of.get(key) or self._others(key, now)
        if found is None:
            found = _NOBODY if self._rest.is_idle(now) else self._rest
        return found

    def _others(self, key: tuple[str, ...], now: int) -> _Counted | None:
        """Where those jobs of a principal are counted that have no place of their own, as long as any was within the hour."""
        theirs = self._theirs.get(key[0]) if len(key) > 1 else None
        others = None if theirs is None else theirs.others
        return None if others is None or others.is_idle(now) else others

    def _find(self, key: tuple[str, ...], now: int) -> _Counted:
        """Where somebody is counted."""
        is_job = len(key) > 1
        found = self._of.get(key)
        if found is not None:
            self._of.move_to_end(key)
            if is_job:
                self._theirs[key[0]].jobs.move_to_end(key)
            return found
        # INVARIANT: who may have been counted among the rest, or among others, gets no place of their own before that has passed.
        others = self._others(key, now)
        if others is not None:
            return others
        if not self._rest.is_idle(now):
            return self._rest
        theirs = self._theirs.get(key[0])
        is_crowded = is_job and theirs is not None and len(theirs.jobs) >= self._most_of_one
        if theirs is not None and is_crowded and not self._forget_idle(next(iter(theirs.jobs)), now):
            if theirs.others is None:
                theirs.others = _Counted(self._objects, theirs.budget, is_shared=True)
            return theirs.others
        if not self._has_room(now):
            return self._rest
        theirs = self._theirs.get(key[0])
        if theirs is None:
            self._theirs[key[0]] = theirs = _Theirs(Budget(self._objects_of_one, self._budget))
        if is_job:
            theirs.jobs[key] = None
        self._of[key] = found = _Counted(self._objects, theirs.budget)
        return found

    def _has_room(self, now: int) -> bool:
        return len(self._of) < self._most or self._forget_idle(next(iter(self._of)), now)

    def _forget_idle(self, key: tuple[str, ...], now: int) -> bool:
        """Give up a place where nothing was counted within the hour; whether that is so."""
        if not self._of[key].is_idle(now):
            return False
        self._of.pop(key).clear()
        theirs = self._theirs[key[0]]
        theirs.jobs.pop(key, None)
        if not theirs.jobs and (key[0],) not in self._of and (theirs.others is None or theirs.others.is_idle(now)):
            if theirs.others is not None:
                theirs.others.clear()
            del self._theirs[key[0]]
        return True


class _Counted:
    """The windows of one principal or job."""

    __slots__ = ("_hour", "_is_shared", "_minute", "_objects_hour", "_objects_minute")

    def __init__(self, objects: int, budget: Budget, *, is_shared: bool = False) -> None:
        self._minute = Sums(MINUTE, len(_NAMES))
        self._hour = Sums(HOUR, len(_NAMES))
        self._objects_minute = Different(MINUTE, objects, budget)
        self._objects_hour = Different(HOUR, objects, budget)
        self._is_shared = is_shared

    def add(self, now: int, amounts: tuple[tuple[int, int], ...], step: Step | None) -> None:
        self._minute.add(now, amounts)
        self._hour.add(now, amounts)
        if step is not None and (step.objects or step.unnamed):
            self._objects_minute.add(now, step.objects, step.unnamed)
            self._objects_hour.add(now, step.objects, step.unnamed)

    def read(self, now: int, objects: tuple[int, ...], unnamed: int) -> Counts:
        found = {}
        for window, sums, different in (
            ("minute", self._minute.read(now), self._objects_minute),
            ("hour", self._hour.read(now), self._objects_hour),
        ):
            for place, name in enumerate(_NAMES):
                found[f"{name}_last_{window}"] = sums[place]
            found[f"objects_last_{window}"] = different.read(now, objects, unnamed)
        return found

    def is_exact(self, now: int) -> bool:
        return not self._is_shared and self._objects_minute.is_exact(now) and self._objects_hour.is_exact(now)

    def is_idle(self, now: int) -> bool:
        return self._hour.is_idle(now)

    def clear(self) -> None:
        self._objects_minute.clear()
        self._objects_hour.clear()


@dataclass(slots=True)
class _Theirs:
    """What is a principal's: their jobs that are counted one by one, those unused for longest first, and where the others are."""

    budget: Budget
    jobs: OrderedDict[tuple[str, ...], None] = field(default_factory=OrderedDict)
    others: _Counted | None = None


_NOBODY = _Counted(0, Budget(0))
"""Who did nothing."""


def _keys(principal: str, job: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return (principal,), (principal, job or "")
