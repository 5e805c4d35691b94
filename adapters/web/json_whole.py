"""A short document of JSON that is all there, rewritten by path in one go: read and written by the interpreter's own reader and writer.

Only what certainly comes out as token by token (`json_masks`) is done here: a document without escapes, without a name twice in one object, whose
numbers are spelled as Python spells them. Of everything else nothing is said, and `json_masks` reads it, and says what is wrong with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Generic, TypeVar

from engine.masking.paths import Paths, Place

M = TypeVar("M")

MAX_WHOLE = 32 * 1024
"""Bytes of a document that is waited for, to be rewritten in one go."""
_CONTAINERS = (dict, list)
DROPPED = object()
"""Nothing stands in place of a value."""


class _NotPlain(Exception):
    """Two readers, or a reader and its writer, may differ here."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _NotPlain
    return made


def _float(text: str) -> float:
    number = float(text)
    if repr(number) != text:
        raise _NotPlain
    return number


def _int(text: str) -> int:
    if text == "-0":
        raise _NotPlain
    return int(text)


def _constant(text: str) -> object:
    raise _NotPlain


_READ = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_float, parse_int=_int, parse_constant=_constant, strict=True
).decode
_WRITE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")).encode


def rewritten(
    document: bytes,
    paths: Paths,
    mask_at: Callable[[Place], M | None],
    instead: Callable[[object, M], object],
    *,
    max_depth: int,
) -> bytes | None:
    """The document with something else in place of each value that a mask is for; None where that is not certain.

    `instead` says what stands there, or `DROPPED`; an object or array is one value to it, and not looked into.
    """
    # WHY counted like this: whatever is nested too deep has more of these than that.
    if b"\\" in document or document.count(b"[") + document.count(b"{") > max_depth:
        return None
    try:
        value = _READ(document.decode())
    except (ValueError, _NotPlain):
        return None
    if paths.top:
        _Walk(paths, mask_at, instead).below(value, paths.top)
    return _WRITE(value).encode()


class _Walk(Generic[M]):
    """Goes down a document, along whatever the paths may lead to, and changes it."""

    __slots__ = ("_elements", "_instead", "_mask_at", "_members", "_paths")

    def __init__(
        self, paths: Paths, mask_at: Callable[[Place], M | None], instead: Callable[[object, M], object]
    ) -> None:
        self._paths, self._mask_at, self._instead = paths, mask_at, instead
        # WHY kept: the objects of one array have the same names, and stand at the same place.
        self._members: dict[Place, dict[str, tuple[Place, M | None]]] = {}
        self._elements: dict[Place, dict[int, tuple[Place, M | None]]] = {}

    def below(self, value: object, place: Place) -> None:
        """Change what stands in a value, which is at a place."""
        if type(value) is dict:
            self._object(value, place)
        elif type(value) is list:
            self._array(value, place)

    def _object(self, value: dict[str, object], place: Place) -> None:
        known = self._members.setdefault(place, {})
        dropped = []
        for name, inner in value.items():
            step = known.get(name)
            if step is None:
                step = known[name] = self._step(self._paths.member(place, name))
            below, mask = step
            if mask is not None:
                becomes = value[name] = self._instead(inner, mask)
                if becomes is DROPPED:
                    dropped.append(name)
            elif below and type(inner) in _CONTAINERS:
                self.below(inner, below)
        for name in dropped:
            del value[name]

    def _array(self, value: list[object], place: Place) -> None:
        known = self._elements.setdefault(place, {})
        is_less = False
        for number, inner in enumerate(value):
            step = known.get(number)
            if step is None:
                step = known[number] = self._step(self._paths.element(place, number))
            below, mask = step
            if mask is not None:
                becomes = value[number] = self._instead(inner, mask)
                is_less |= becomes is DROPPED
            elif below and type(inner) in _CONTAINERS:
                self.below(inner, below)
        if is_less:
            value[:] = [inner for inner in value if inner is not DROPPED]

    def _step(self, place: Place) -> tuple[Place, M | None]:
        return place, self._mask_at(place) if place else None
