"""What names mean at a target, as a session asks for it: in memory, kept fresh by `catalog`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from adapters.core.ports import Target
from adapters.postgres.type_shapes import Shape, shape_of


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a ready session knows of its target besides the wire."""

    target: Target
    meanings: Meanings | None


class Meanings(Protocol):
    """One target's names. Everything may be unknown at any time."""

    @property
    def is_known(self) -> bool:
        """Whether anything is."""

    @property
    def current(self) -> object | None:
        """What is known now: as long as this is the same object, `handle` gives the same for the same wish."""

    @property
    def version(self) -> str | None:
        """A text that is the same as long as all names mean the same; None when nothing is known."""

    def handle(
        self, search_path: tuple[str, ...], prepared: Mapping[str, str], cursors: Mapping[str, str]
    ) -> object | None:
        """The engine's catalog as a session with this path, these prepared statements and these cursors sees it."""

    def origin_of(self, relation: int, number: int) -> str | None:
        """The full name (`schema.table.column`) of a base column by its relation's OID and its number, where known."""

    def shape_of(self, type_oid: int) -> Shape:
        """What a type is built of, down to PostgreSQL's own."""

    def is_checked(self, type_oid: int) -> bool:
        """Whether reading a value of a type calls functions that people made."""


class NoMeanings:
    """For a target without a catalog: nothing is known, so nothing about names can be proven."""

    @property
    def is_known(self) -> bool:
        return False

    @property
    def current(self) -> object | None:
        return None

    @property
    def version(self) -> str | None:
        return None

    def handle(
        self, search_path: tuple[str, ...], prepared: Mapping[str, str], cursors: Mapping[str, str]
    ) -> object | None:
        return None

    def origin_of(self, relation: int, number: int) -> str | None:
        return None

    def shape_of(self, type_oid: int) -> Shape:
        return shape_of({}, type_oid)

    def is_checked(self, type_oid: int) -> bool:
        return False
