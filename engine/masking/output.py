"""Hides values in what a program writes while it writes it: which kinds, by which method, in text that somebody reads.

The finding is Rust (`engine/native/src/scan/output.rs`): a value is hidden wherever the writes were cut and whatever a terminal
obeys stands between its letters, and nothing is kept back longer than something may begin there. Here what stands for a value
is put in its place. Called by adapters that carry output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from engine import _native
from engine.masking.patterns import types
from engine.masking.transforms import Method, Param, transform


@dataclass(frozen=True, slots=True)
class ValueMask:
    """Values of these types (`secret.github_token`, ...) and what becomes of them. `key` is that of the method, if it needs one."""

    types: frozenset[str]
    method: Method
    params: Mapping[str, Param] = field(default_factory=dict)
    key: bytes = b""

    def __repr__(self) -> str:
        # WHY: the key is a secret.
        return f"ValueMask({sorted(self.types)!r}, {self.method.value!r})"


@dataclass(frozen=True, slots=True)
class Shown:
    """What may be shown now. `is_text`: all of it was text; `is_holding`: something is kept back that may be a value's beginning."""

    data: bytes
    is_text: bool = True
    is_holding: bool = False


_SHOWN = msgspec.msgpack.Decoder(tuple[bytes, list[tuple[int, int, bytes]], bool, bool])


class OutputMasker:
    """One stream of output. `hidden` counts the values that were hidden.

    >>> masker = OutputMasker([ValueMask(frozenset({"pii.email"}), Method.REDACT, {})])
    >>> masker.push(b"mail ann@exam").data + masker.push(b"ple.org now").data + masker.finish().data
    b'mail [redacted] now'
    """

    def __init__(self, masks: Sequence[ValueMask], *, is_terminal: bool = False) -> None:
        """`is_terminal`: somebody answers what is shown, so that a private key is none as soon as what follows looks like none."""
        by_type: dict[str, ValueMask] = {}
        for mask in sorted(masks, key=lambda each: each.method.strictness):
            by_type.update(dict.fromkeys(mask.types, mask))
        numbers = {number: by_type[name] for number, name in enumerate(types()) if name in by_type}
        self._masks = numbers
        self._output = _native.ScanOutput(list(numbers), is_terminal)
        self.hidden = 0

    def push(self, data: bytes) -> Shown:
        """Take what was written next."""
        return self._shown(self._output.take(data, False))

    def quiet(self) -> Shown:
        """Nothing was written for a while: what only waits for words beside it is shown, or hidden, as it is."""
        return self._shown(self._output.take(None, False))

    def finish(self) -> Shown:
        """Nothing is written any more; the rest."""
        return self._shown(self._output.take(None, True))

    def _shown(self, encoded: bytes) -> Shown:
        data, marks, is_broken, is_holding = _SHOWN.decode(encoded)
        if marks:
            self.hidden += len(marks)
            pieces, at = [], 0
            for place, number, value in marks:
                pieces += [data[at:place], self._instead(number, value)]
                at = place
            data = b"".join([*pieces, data[at:]])
        return Shown(data, not is_broken, is_holding)

    def _instead(self, number: int, value: bytes) -> bytes:
        mask = self._masks[number]
        instead = transform(mask.method, value.decode("utf-8", "replace"), mask.params, mask.key)
        return (instead or "").encode()
