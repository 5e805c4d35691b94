"""What of a result goes into the recording of its session: the first rows, as the client gets them, the rest counted.

Fed by `replies` with what goes to the client, behind the masker. INVARIANT: a row is wished to be recorded in the turn in which it is
sent, and before it (`Outbox.first`).
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.core.effects import ShowPart
from adapters.core.ports import Answer, Cell, Part
from adapters.core.recorded import MAX_BYTES, wants_results
from adapters.postgres.messages.frames import HEADER, Back, u32_at
from adapters.postgres.messages.results import Field, decode_data_row
from adapters.postgres.session.outbox import Outbox

MAX_ROWS = 1_000
"""Rows of one result that are recorded."""
_TEXT = 0


def result_of(answer: Answer, outbox: Outbox) -> Result | None:
    """Where a granted command's result is recorded; None when that is not demanded."""
    return Result(answer.decision_id, outbox) if wants_results(answer) else None


class Result:
    """One result. Not the rows that its command counts: only those that fit."""

    __slots__ = ("_binary", "_columns", "_decision_id", "_is_cut", "_out", "bytes_left", "rows_left")

    def __init__(self, decision_id: str, outbox: Outbox) -> None:
        self._decision_id = decision_id
        self._out = outbox
        self._columns: tuple[str, ...] = ()
        self._binary: frozenset[int] = frozenset()
        self._is_cut = False
        self.rows_left = MAX_ROWS
        self.bytes_left = MAX_BYTES

    def describe(self, fields: Sequence[Field]) -> None:
        """The columns of what comes."""
        self._columns = tuple(field.name for field in fields)
        self._binary = frozenset(number for number, field in enumerate(fields) if field.format != _TEXT)

    def waits_for(self, size: int) -> bool:
        """Whether a row of this size, that is not whole yet, is one of those recorded: then it has to come as a whole."""
        if self.rows_left > 0 and size <= self.bytes_left:
            return True
        self._cut()
        return False

    def take(self, frames: bytes) -> None:
        """Whole rows, or pieces of COPY, that go to the client in this turn."""
        if self._is_cut:
            return
        rows: list[tuple[Cell, ...]] = []
        copied: list[bytes] = []
        at, size = 0, len(frames)
        while at < size:
            end = at + 1 + u32_at(frames, at + 1)[0]
            if self.rows_left <= 0 or end - at > self.bytes_left:
                self._is_cut = True
                break
            self.rows_left -= 1
            self.bytes_left -= end - at
            body = frames[at + HEADER : end]
            if frames[at] == Back.DATA_ROW:
                rows.append(self._cells(decode_data_row(body)))
            else:
                copied.append(body)
            at = end
        self._say(rows, b"".join(copied))

    def _cells(self, cells: tuple[bytes | None, ...]) -> tuple[Cell, ...]:
        if not self._binary:
            return cells
        return tuple(_shown(cell) if number in self._binary else cell for number, cell in enumerate(cells))

    def _say(self, rows: Sequence[tuple[Cell, ...]], copied: bytes) -> None:
        columns, self._columns = self._columns, ()
        self._out.first(ShowPart(self._decision_id, Part(columns, tuple(rows), copied, self._is_cut)))

    def _cut(self) -> None:
        if not self._is_cut:
            self._is_cut = True
            self._say((), b"")


def _shown(cell: bytes | None) -> Cell:
    """A value in a binary format: nobody reads it as a text by mistake."""
    return None if cell is None else f"\\x{cell.hex()}"
