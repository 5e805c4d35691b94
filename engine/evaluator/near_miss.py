"""Why a Rego rule did not match: the first of its conditions that did not hold, with the values it saw.

The core watches every condition (`engine/native/src/rego/observe`); here the outcomes become one condition to blame. For a
rule of a `.gate` file the reference says it (`engine/dsl/explanation.py`). Called by `explain.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from engine.request import Json

HELD, FAILED = 1, 2
DEEPEST = 3


class Watched(Protocol):
    """What is needed of the core's compiled program."""

    def conditions(self) -> bytes: ...
    def observe(self, input: bytes, now_ns: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Blamed:
    """The condition that kept a rule from matching, and what stood at the paths it reads; None where nothing stood."""

    text: str
    values: Mapping[str, Json]


class _Place(msgspec.Struct, frozen=True):
    file: str
    rule: str
    rule_line: int
    text: str
    binds: bool
    negated: bool
    helpers: tuple[str, ...]
    parent: int | None = None


class _Observed(msgspec.Struct):
    seen: list[tuple[int, int]]
    values: list[tuple[int, dict[str, Any]]]


_PLACES = msgspec.msgpack.Decoder(list[_Place])
_OBSERVED = msgspec.msgpack.Decoder(_Observed)


class NearMisses:
    """How every condition came out for one request. Raises NativeError when the policies cannot be watched."""

    def __init__(self, core: Watched, document: bytes, now: int) -> None:
        self._places: Sequence[_Place] = _PLACES.decode(core.conditions())
        observed = _OBSERVED.decode(core.observe(document, now))
        self._outcomes = dict(observed.seen)
        self._values = dict(observed.values)

    def of(self, file: str, line: int) -> Blamed | None:
        """The condition to blame for the rule that begins at a place; None where it has none that failed."""
        own = [
            number
            for number, place in enumerate(self._places)
            if place.file == file and place.rule_line == line and place.parent is None
        ]
        blamed = self._blamed(own)
        if blamed is None:
            return None
        return Blamed(self._places[blamed].text, self._told(blamed))

    def _blamed(self, own: Sequence[int]) -> int | None:
        """The first that never held; where each held for something, the last one that did not hold for all."""
        binding: int | None = None
        for number in own:
            outcome = self._outcomes.get(number, 0)
            if self._places[number].binds:
                binding = number
            elif outcome == FAILED:
                return number
            elif outcome == 0:
                # Nothing before it failed, and it was not tried: what gives the names before it found nothing.
                return binding
        failed = [number for number in own if self._outcomes.get(number, 0) & FAILED]
        return failed[-1] if failed else binding

    def _told(self, number: int) -> dict[str, Json]:
        told: dict[str, Json] = {}
        for name, value in self._all_values(number, 0):
            told.setdefault(name, value)
        return told

    def _all_values(self, number: int, depth: int) -> Iterator[tuple[str, Json]]:
        """What a condition read; then what those inside of it, and in the rules it calls, read when they failed."""
        place = self._places[number]
        yield from self._values.get(number, {}).items()
        if place.helpers and not place.binds:
            for helper in place.helpers:
                if any(one.rule == helper for one in self._places):
                    yield helper.removeprefix("data.").removeprefix("policies."), place.negated
        if depth == DEEPEST or place.negated:
            return
        for inner, one in enumerate(self._places):
            if (one.parent == number or one.rule in place.helpers) and self._outcomes.get(inner, 0) & FAILED:
                yield from self._all_values(inner, depth + 1)
