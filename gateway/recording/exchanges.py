"""What stands in a recording of exchanges: one JSON object a line, statements and requests with what became of each. Pure.

    {"is": "asked", "at": ms, "id": decision, "protocol", "text", "verdict", "rules", ...}   before it goes to its target
    {"is": "more",  "id", "text" | "parameters"}     what of it is too long for one line
    {"is": "shown", "id", "columns", "rows" | "text", "cut"}    some of the result as the client got it, behind every mask
    {"is": "done",  "id", "rows", "bytes", "ms", "error"}       what became of it; `rows` and `bytes` are all of them

Whatever the texts are, they were hidden and masked by whoever gives them here. Values that are no text stand as `\\x` and hexadecimal digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import msgspec

from adapters.core.ports import Cell, Outcome, Part

EXCHANGES = "exchanges"
PIECE = 16 << 10
"""Characters of a text in one line: as JSON each can become six bytes."""
MAX_PARAMETERS = 64 << 10
"""Characters of parameters of one exchange; those behind them are counted."""
MAX_LINE = 512 << 10
"""Bytes that no line is longer than; the longest is a line of rows."""
_ENCODE = msgspec.json.Encoder().encode


class Asked(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="is", tag="asked"):
    """A command and what was decided. `hidden`: something of the text is. `lost`: parameters that are not here."""

    at: int
    id: str
    protocol: str
    text: str
    verdict: str
    rules: tuple[str, ...] = ()
    ticket: str = ""
    hidden: bool = False
    masked: int = 0
    prepares: bool = False
    parameters: tuple[str | None, ...] = ()
    lost: int = 0


class More(msgspec.Struct, frozen=True, kw_only=True, tag_field="is", tag="more"):
    """What follows of a text."""

    at: int
    id: str
    text: str


class Shown(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="is", tag="shown"):
    """Some of a result. `cut`: what follows of it is not here."""

    at: int
    id: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()
    text: str = ""
    cut: bool = False


class Done(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="is", tag="done"):
    """What became of it. `ms`: how long it took; `error`: a code, never a text; `masked`: values hidden in a stream."""

    at: int
    id: str
    rows: int = 0
    bytes: int = 0
    ms: float = 0.0
    error: str | None = None
    masked: int = 0


class Over(msgspec.Struct, frozen=True, kw_only=True, tag_field="is", tag="exit"):
    """The end of the session."""

    at: int
    status: int | None = None


Line: TypeAlias = Asked | More | Shown | Done | Over
_DECODE: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


def asked_lines(asked: Asked) -> Iterator[bytes]:
    """A command as it is recorded: one line, more of them where its text is long."""
    text = asked.text
    parameters, lost = _bounded(asked.parameters)
    yield _line(
        msgspec.structs.replace(asked, text=text[:PIECE], parameters=parameters, lost=lost)
        if _is_long(asked)
        else asked
    )
    for start in range(PIECE, len(text), PIECE):
        yield _line(More(at=asked.at, id=asked.id, text=text[start : start + PIECE]))


def shown_lines(at: int, id: str, part: Part) -> Iterator[bytes]:
    """A part of a result."""
    text = _text(part.data) if part.data else ""
    if part.columns or part.rows or not text:
        rows = tuple(tuple(None if cell is None else _cell(cell) for cell in row) for row in part.rows)
        for some in _by_size(rows):
            yield _line(Shown(at=at, id=id, columns=part.columns, rows=some, cut=part.is_cut and not text))
    for start in range(0, len(text), PIECE):
        is_last = start + PIECE >= len(text)
        yield _line(Shown(at=at, id=id, text=text[start : start + PIECE], cut=part.is_cut and is_last))


def done_line(at: int, id: str, outcome: Outcome) -> bytes:
    """What became of a command."""
    took = round(outcome.duration * 1000, 3) if 0 <= outcome.duration < 1e9 else 0.0
    return _line(
        Done(at=at, id=id, rows=outcome.rows, bytes=outcome.bytes, ms=took, error=outcome.error, masked=outcome.masked)
    )


def read_line(line: bytes) -> Line:
    """A line as it was written. Raises ValueError for one that nobody wrote."""
    try:
        return _DECODE.decode(line)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError("a line of the recording is no exchange") from error


def _line(line: Line) -> bytes:
    return _ENCODE(line) + b"\n"


def _is_long(asked: Asked) -> bool:
    return len(asked.text) > PIECE or sum(len(one or "") for one in asked.parameters) > MAX_PARAMETERS


def _bounded(parameters: Sequence[str | None]) -> tuple[tuple[str | None, ...], int]:
    """The first parameters, as many as there is room for, and how many are left out."""
    left = MAX_PARAMETERS
    for number, one in enumerate(parameters):
        left -= len(one or "") + 1
        if left < 0:
            return tuple(parameters[:number]), len(parameters) - number
    return tuple(parameters), 0


def _by_size(rows: tuple[tuple[str | None, ...], ...]) -> Iterator[tuple[tuple[str | None, ...], ...]]:
    """The rows in groups that fit into a line each; one group without rows where there are none."""
    group: list[tuple[str | None, ...]] = []
    size = 0
    for row in rows:
        length = sum(len(cell or "") + 4 for cell in row)
        if group and size + length > 4 * PIECE:
            yield tuple(group)
            group, size = [], 0
        group.append(row)
        size += length
    yield tuple(group)


def _cell(cell: Cell) -> str | None:
    return cell if cell is None or isinstance(cell, str) else _text(cell)


def _text(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return f"\\x{data.hex()}"
    return f"\\x{data.hex()}" if "\0" in text else text
