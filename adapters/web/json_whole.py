"""A short document of JSON that is all there, rewritten by path in one go, in the core (`engine/native/src/web/json.rs`).

Only what certainly comes out as token by token (`json_masks`) is done there. Of everything else nothing is said, and `json_masks` reads it, and
says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from engine._native import JsonMasks
from engine.masking.paths import Path
from engine.masking.transforms import Method, Param, kept_by

MAX_WHOLE = 32 * 1024
"""Bytes of a document that is waited for, to be rewritten in one go."""


class Mask(Protocol):
    """What becomes of the values at a path (`json_masks.PathMask`)."""

    @property
    def path(self) -> Path: ...

    @property
    def method(self) -> Method: ...

    @property
    def params(self) -> Mapping[str, Param]: ...

    @property
    def key(self) -> bytes: ...

    @property
    def is_base64(self) -> bool: ...


def in_core(masks: Sequence[Mask]) -> JsonMasks | None:
    """The same masks in the core; None for what is not done there: tokens, and texts in Base64."""
    kinds: list[tuple[Method, dict[str, Param]]] = []
    made = []
    for mask in masks:
        if mask.is_base64 or mask.method is Method.TOKENIZE:
            return None
        kind = (mask.method, dict(mask.params))
        if kind not in kinds:
            kinds.append(kind)
        steps = [(step.name, step.is_deep) for step in mask.path]
        first, last = (min(kept, MAX_WHOLE) for kept in kept_by(mask.params))
        made.append((steps, mask.method.value, first, last, mask.key, kinds.index(kind)))
    return JsonMasks(made)
