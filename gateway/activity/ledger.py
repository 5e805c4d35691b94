"""What each principal and each job of theirs did in the last minute and the last hour. Pure: times are arguments.

A job is one of a principal's; what a principal does without a job is counted like one. Only so many are counted one by one; who
finds no place is counted together with all others who found none, so a number may be too high, never too low, and is not `exact`.
Safe from any thread. Called by `gateway.counting`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeAlias

from gateway.activity.windows import HOUR, MINUTE, Budget, Different, Sums

MAX_COUNTED = 8_000
"""Principals and jobs that are counted one by one. WHY: each needs 2 to 20 kB."""
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
        self._of: OrderedDict[tuple[str, ...], _Counted] = OrderedDict()
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
        found = self._of.get(key)
        if found is None:
            found = _NOBODY if self._rest.is_idle(now) else self._rest
        return found

    def _find(self, key: tuple[str, ...], now: int) -> _Counted:
        """Where somebody is counted."""
        found = self._of.get(key)
        if found is not None:
            self._of.move_to_end(key)
            return found
        # INVARIANT: who may have been counted among the rest gets no place of their own before that has passed.
        if not self._rest.is_idle(now) or not self._has_room(now):
            return self._rest
        self._of[key] = found = _Counted(self._objects, self._budget)
        return found

    def _has_room(self, now: int) -> bool:
        if len(self._of) < self._most:
            return True
        oldest, counted = next(iter(self._of.items()))
        if not counted.is_idle(now):
            return False
        counted.clear()
        del self._of[oldest]
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


_NOBODY = _Counted(0, Budget(0))
"""Who did nothing."""


def _keys(principal: str, job: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return (principal,), (principal, job or "")
