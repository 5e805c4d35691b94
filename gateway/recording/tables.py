"""An exchange as text: a line or a few for terminals, fields for pages, words for who searches. Pure; nothing comes out that is not harmless."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from engine.request import Json
from gateway.recording.exchanges import PIECE, Asked, Done, Line, More, Over, Shown
from gateway.recording.showing import words

MAX_CELL = 200
"""Characters of one value in a table on a terminal."""


def printed(line: Line) -> str:
    """For a terminal: what was asked and decided, what came back, what became of it; ends with a new line."""
    match line:
        case Asked():
            return f"{_stamp(line.at)} {words(line.verdict):<5} {words(line.id)}{_beside(line)}\n{_indented(words(line.text))}{_values(line)}"
        case More():
            return _indented(words(line.text))
        case Shown():
            return "".join(_rows(line))
        case Done():
            return (
                f"{_stamp(line.at)} {'done' if line.error is None else 'ERROR':<5} {words(line.id)}  {became(line)}\n"
            )
        case Over():
            return ""
        case _:
            assert_never(line)


def searched(lines: Iterable[Line]) -> Iterator[tuple[int, str]]:
    """What can be searched for, with when it was: each line of a text, also of one that stands in several pieces, each value, each row."""
    text, since = "", 0
    for line in lines:
        yield from ((line.at, one) for one in _found_in(line))
        if isinstance(line, Asked | More):
            since = line.at if isinstance(line, Asked) else since
            text += line.text
            if len(line.text) >= PIECE:
                continue
        if text:
            yield from ((since, one) for one in words(text).split("\n"))
            text = ""
    if text:
        yield from ((since, one) for one in words(text).split("\n"))


def _found_in(line: Line) -> Iterator[str]:
    match line:
        case Asked():
            yield from (words(one) for one in line.parameters if one is not None)
        case Shown():
            yield from (" | ".join(_cells(row)) for row in line.rows)
            yield from (words(one) for one in line.text.splitlines())
        case _:
            pass


def fields_of(line: Line, most: int) -> dict[str, Json]:
    """For a page: the fields as text that may be shown, each text at most so long."""
    match line:
        case Asked():
            return {
                "is": "asked",
                "id": words(line.id),
                "protocol": words(line.protocol),
                "verdict": line.verdict if line.verdict in ("allow", "mask", "hold", "deny") else "",
                "text": words(line.text[:most]),
                "rules": [words(rule) for rule in line.rules],
                "ticket": words(line.ticket),
                "parameters": [None if one is None else words(one[:most]) for one in line.parameters],
                "prepares": line.prepares,
            }
        case More():
            return {"is": "more", "id": words(line.id), "text": words(line.text[:most])}
        case Shown():
            rows: list[Json] = [list[Json](_cells(row)) for row in line.rows]
            columns: list[Json] = [words(one) for one in line.columns]
            text = words(line.text[:most])
            return {
                "is": "shown",
                "id": words(line.id),
                "columns": columns,
                "rows": rows,
                "text": text,
                "cut": line.cut,
            }
        case Done():
            return {"is": "done", "id": words(line.id), "became": became(line), "failed": line.error is not None}
        case Over():
            return {}
        case _:
            assert_never(line)


def became(line: Done) -> str:
    """What became of it, in a few words."""
    rows = f"{line.rows} row{'' if line.rows == 1 else 's'}, " if line.rows else ""
    hidden = f", {line.masked} hidden" if line.masked else ""
    error = "" if line.error is None else f"{words(line.error)}, "
    return f"{error}{rows}{line.bytes} bytes, {line.ms:.1f} ms{hidden}"


def _stamp(at: int) -> str:
    return f"{at / 1000:9.3f}"


def _beside(line: Asked) -> str:
    said = [words(line.protocol), *(words(rule) for rule in line.rules)]
    if line.ticket:
        said.append(f"ticket {words(line.ticket)}")
    if line.prepares:
        said.append("only prepared")
    return "  " + "  ".join(said)


def _values(line: Asked) -> str:
    if not line.parameters and not line.lost:
        return ""
    shown = ", ".join(f"${number} = {_cell(one)}" for number, one in enumerate(line.parameters, 1))
    more = f"{', ' if shown else ''}and {line.lost} more" if line.lost else ""
    return _indented(f"with {shown}{more}")


def _rows(line: Shown) -> Iterator[str]:
    if line.columns:
        yield _barred(words(one) for one in line.columns)
    for row in line.rows:
        yield _barred(_cell(one) for one in row)
    if line.text:
        yield _indented(words(line.text))
    if line.cut:
        yield _indented("... the rest was not recorded")


def _barred(cells: Iterator[str]) -> str:
    return f"{' ' * 10}| {' | '.join(one.replace(chr(10), ' ') for one in cells)}\n"


def _cells(row: tuple[str | None, ...]) -> list[str]:
    return ["NULL" if one is None else words(one) for one in row]


def _cell(value: str | None) -> str:
    if value is None:
        return "NULL"
    return words(value[:MAX_CELL]) + ("..." if len(value) > MAX_CELL else "")


def _indented(text: str) -> str:
    return "".join(f"{' ' * 10}{one.rstrip(chr(13))}\n" for one in text.split("\n"))
