"""A bounded memory that needs no lock: what was not asked for during a whole generation is forgotten.

Two dictionaries. New and used entries stand in the young one; when it is full it becomes the old one, and the old one
is dropped. Each step is one dictionary operation, so threads can at worst lose an entry, never read a wrong one.

Used by the caches of the evaluator. Not here: what makes a key right (`keys.py`, `cache.py`).
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Generations(Generic[K, V]):
    """At most twice `entries` entries and twice `weight` (bytes, as callers count them)."""

    __slots__ = ("_entries", "_old", "_room", "_weight", "_young")

    def __init__(self, entries: int, weight: int) -> None:
        self._entries = entries
        self._weight = weight
        self._room = weight
        self._young: dict[K, tuple[V, int]] = {}
        self._old: dict[K, tuple[V, int]] = {}

    def get(self, key: K) -> V | None:
        """What was kept under the key, if it still is."""
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is None:
                return None
            self._keep(key, found)
        return found[0]

    def put(self, key: K, value: V, weight: int = 1) -> None:
        """Keep a value. What is heavier than a tenth of the room is not kept: one text must not drive out all others."""
        if weight * 10 <= self._weight:
            self._keep(key, (value, weight))

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())

    def _keep(self, key: K, entry: tuple[V, int]) -> None:
        # WHY only an estimate: two threads may both take from the room at once; the bound is on memory, not on meaning.
        self._room -= entry[1]
        if self._room < 0 or len(self._young) >= self._entries:
            self._old, self._young = self._young, {}
            self._room = self._weight - entry[1]
        self._young[key] = entry
