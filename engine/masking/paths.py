"""Paths into JSON documents, as masks name them: `$.items[*].card`, `$..iban`, `$.owner['tax id']`.

A subset of JSONPath without conditions, and lax, for masking too much is safe and too little is not: a name looks through
arrays (`$.cards.number` is in every element of `cards`), and case does not count. `*` is any member or element, `..` any
way down. Called by the contract of policies (is it a path), by plans of masks, and by whoever rewrites documents.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from engine.errors import InputInvalid

MAX_STEPS = 64
MAX_PATH = 1024
MAX_KNOWN, MAX_NAME_KNOWN = 1024, 64
"""Names that several paths remember where they lead, and the longest of them."""

_STEP = re.compile(
    r"""(?P<deep>\.\.)?(?:(?P<dot>\.)?(?P<name>[^\s.\[\]'"*]+)|(?P<star>\.?\*|\[\*\])|\[(?P<index>[0-9]{1,9})\]"""
    r"""|\['(?P<single>(?:[^'\\]|\\.)*)'\]|\["(?P<double>(?:[^"\\]|\\.)*)"\])"""
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step down. `name` is folded, None for any; `is_deep`: after any number of others."""

    name: str | None
    is_deep: bool = False


Path: TypeAlias = tuple[Step, ...]
Place: TypeAlias = frozenset[tuple[int, int]]
"""Where in which paths a document's value stands: pairs of a path's number and how many of its steps are done."""


@lru_cache(maxsize=1024)
def parse_path(text: str) -> Path:
    """The steps of a path. Raises InputInvalid for a text that is none."""
    rest = text.removeprefix("$")
    if not rest or len(text) > MAX_PATH:
        raise InputInvalid(f"`{text[:60]}` is no path such as `$.items[*].card`")
    steps: list[Step] = []
    at, is_first = 0, rest is text
    while at < len(rest):
        found = _STEP.match(rest, at)
        # A name follows a dot, unless it begins the path.
        if found is None or (found["name"] and not (found["dot"] or found["deep"] or (is_first and at == 0))):
            raise InputInvalid(
                f"`{text[:60]}` is no path: what stands at character {len(text) - len(rest) + at} is no step"
            )
        if found["deep"] and (found["dot"] or (found["star"] or "").startswith(".")):
            raise InputInvalid(f"`{text[:60]}` is no path: three dots")
        steps.append(Step(_name(found), bool(found["deep"])))
        at = found.end()
    if len(steps) > MAX_STEPS:
        raise InputInvalid(f"`{text[:60]}` has more than {MAX_STEPS} steps")
    return tuple(steps)


def _name(found: re.Match[str]) -> str | None:
    if found["star"]:
        return None
    for group in ("single", "double"):
        if found[group] is not None:
            return re.sub(r"\\(.)", r"\1", found[group]).casefold()
    name: str = found["name"] or found["index"]
    return name.casefold()


class Paths:
    """Several paths, followed down a document together. Places are values: equal ones may be shared."""

    __slots__ = ("_down", "_paths")

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)
        self._down: dict[tuple[Place, str], Place] = {}

    @property
    def top(self) -> Place:
        """The place of the document itself."""
        return frozenset((number, 0) for number in range(len(self._paths)))

    def member(self, place: Place, name: str) -> Place:
        """The place of an object's member."""
        if not place:
            return place
        key = (place, name)
        found = self._down.get(key)
        if found is None:
            folded = name.casefold()
            found = frozenset(self._steps(place, folded))
            # WHY a limit: names are the document's own, and there may be any number of them.
            if len(self._down) >= MAX_KNOWN:
                self._down.clear()
            if len(name) <= MAX_NAME_KNOWN:
                self._down[key] = found
        return found

    def element(self, place: Place, number: int) -> Place:
        """The place of an array's element: what is looked for in the array is looked for in it too."""
        return place | self.member(place, str(number)) if place else place

    def hits(self, place: Place) -> list[int]:
        """The numbers of the paths that end here."""
        return sorted(number for number, done in place if done == len(self._paths[number]))

    def _steps(self, place: Place, name: str) -> list[tuple[int, int]]:
        made = []
        for number, done in place:
            path = self._paths[number]
            if done == len(path):
                continue
            step = path[done]
            if step.name is None or step.name == name:
                made.append((number, done + 1))
            if step.is_deep:
                made.append((number, done))
        return made
