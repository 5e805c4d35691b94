"""How much clients were shown, counted from the lines of the log as they are sealed: rows, bytes, values that were masked.

WHY from the log and not where commands end: the fast ways write their lines in the core, and a number more there would cost every
command. Here it is a look at each line on the sealer's thread, once a second, and what is counted is what the audit says. Built by `app`.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

_KIND = b'"kind":"outcome"'
_HEAD = 64
"""Bytes at the beginning of a line in which its kind stands."""


class _Outcome(msgspec.Struct):
    rows: int | None = None
    bytes: int | None = None
    masked: int | None = None


_DECODE = msgspec.json.Decoder(_Outcome).decode


class Figures:
    """Counts whole lines. `told` is given rows, bytes and masked values of some of them together."""

    def __init__(self, told: Callable[[int, int, int], None]) -> None:
        self._told = told

    def hear(self, lines: bytes) -> None:
        """Some lines of the log, each once. Never raises: what is no outcome counts nothing."""
        rows = size = masked = 0
        for line in lines.split(b"\n"):
            if line.find(_KIND, 0, _HEAD) < 0:
                continue
            try:
                outcome = _DECODE(line)
            except msgspec.MsgspecError:
                continue
            rows += outcome.rows or 0
            size += outcome.bytes or 0
            masked += outcome.masked or 0
        self._told(rows, size, masked)
