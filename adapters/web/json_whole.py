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
    walk = _Walk(paths, mask_at, instead)
    return _WRITE(walk.below(value, paths.top)).encode()


class _Walk(Generic[M]):
    """Goes down a document, along whatever the paths may lead to."""

    __slots__ = ("_element", "_instead", "_mask_at", "_member")

    def __init__(
        self, paths: Paths, mask_at: Callable[[Place], M | None], instead: Callable[[object, M], object]
    ) -> None:
        self._member, self._element = paths.member, paths.element
        self._mask_at, self._instead = mask_at, instead

    def below(self, value: object, place: Place) -> object:
        """What becomes of a value at a place."""
        if not place:
            return value
        if isinstance(value, dict):
            made = {}
            for name, inner in value.items():
                becomes = self._one(inner, self._member(place, name))
                if becomes is not DROPPED:
                    made[name] = becomes
            return made
        if isinstance(value, list):
            all_of_it = (self._one(inner, self._element(place, number)) for number, inner in enumerate(value))
            return [becomes for becomes in all_of_it if becomes is not DROPPED]
        return value

    def _one(self, value: object, place: Place) -> object:
        mask = self._mask_at(place)
        return self.below(value, place) if mask is None else self._instead(value, mask)
