"""The slow-changing sections of a request, encoded once for each object and kept with their part of the cache key.

A connection asks many questions with the same principal, session and resource, so they are looked up by identity.
INVARIANT: these objects are values. Whoever has new facts (a session's `state`) makes a new object, never changes one.

Called by `program.py`. What is encoded is `encode.py`'s, what the key holds is `keys.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from engine.evaluator.encode import Plain, encode, principal_fields, resource_fields, session_fields
from engine.evaluator.generations import Generations
from engine.evaluator.keys import Path, Reads, reduced
from engine.request import Principal, Resource, Session

T = TypeVar("T")

KEPT = 4096
KEPT_BYTES = 8 * 1024 * 1024
_OWNER = 10
"""Bytes that an object takes for each of its encoded form, about: lists of short names take most."""


@dataclass(frozen=True, slots=True)
class Section(Generic[T]):
    """One section ready for use. `owner` is held so that its identity cannot pass to another object."""

    owner: T
    encoded: bytes
    key: bytes


class Kept(Generic[T]):
    """The sections of one kind."""

    __slots__ = ("_fields", "_kept", "_name", "_paths")

    def __init__(self, name: str, fields: Callable[[T], Plain], paths: tuple[Path, ...]) -> None:
        self._name = name
        self._fields = fields
        self._paths = paths
        self._kept: Generations[int, Section[T]] = Generations(KEPT, KEPT_BYTES)

    def of(self, owner: T) -> Section[T]:
        """The section of an object; raises InputInvalid when it has not the right shape."""
        found = self._kept.get(id(owner))
        if found is not None and found.owner is owner:
            return found
        fields = self._fields(owner)
        encoded = encode(fields, self._name)
        key = encoded if self._paths == ((),) else reduced(self._paths, fields)
        section = Section(owner, encoded, key)
        self._kept.put(id(owner), section, (1 + _OWNER) * len(encoded) + len(key) + 200)
        return section


class Sections:
    """The sections of requests to one program, whose rules read what `reads` says."""

    __slots__ = ("principal", "resource", "session")

    def __init__(self, reads: Reads) -> None:
        self.principal: Kept[Principal] = Kept("principal", principal_fields, reads.below("principal"))
        self.session: Kept[Session] = Kept("session", session_fields, reads.below("session"))
        self.resource: Kept[Resource] = Kept("resource", resource_fields, reads.below("resource"))
