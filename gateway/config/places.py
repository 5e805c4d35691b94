"""On which line of a TOML text each key stands. The standard parser knows values, not places; this knows only places.

It reads a text that the standard parser accepted, so it may be simple: headers, keys, and what spans several lines.
Called by `reading` when there is something to complain about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(?P<open>\[\[?)(?P<name>[^\]]+)\]")
_KEY = re.compile(
    r"""^\s*(?P<key>(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*="""
)
_PART = re.compile(r"""\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[A-Za-z0-9_-]+))\s*(?:\.|$)""")
_TOKEN = re.compile(r"""\"\"\"|'''|"(?:[^"\\]|\\.)*"|'[^']*'|\#.*|[\[\]{}]""")


def places(text: str) -> dict[Path, int]:
    """The 1-based line of every table, table of an array, and key outside inline tables."""
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for number, line in _starts(text):
        if header := _HEADER.match(line):
            table = _table(_parts(header["name"]), is_array=header["open"] == "[[", counts=counts)
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            parts = _parts(key["key"])
            for length in range(1, len(parts) + 1):
                found.setdefault((*table, *parts[:length]), number)
    return found


def _table(parts: list[str], *, is_array: bool, counts: dict[Path, int]) -> Path:
    path: Path = ()
    for index, part in enumerate(parts):
        path = (*path, part)
        if is_array and index == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _parts(dotted: str) -> list[str]:
    return [found["double"] or found["single"] or found["bare"] or "" for found in _PART.finditer(dotted)]


def _starts(text: str) -> Iterator[tuple[int, str]]:
    """The lines that begin something: not those inside a text or a list that began earlier."""
    inside, depth = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if not inside and depth == 0:
            yield number, line
            rest = line[match.end() :] if (match := _KEY.match(line)) else ""
        else:
            rest = line
        inside, depth = _after(rest, inside, depth)


def _after(rest: str, inside: str, depth: int) -> tuple[str, int]:
    position = 0
    while True:
        if inside:
            end = rest.find(inside, position)
            if end < 0:
                return inside, depth
            position, inside = end + 3, ""
        token = _TOKEN.search(rest, position)
        if token is None:
            return inside, depth
        position = token.end()
        match token.group():
            case '"""' | "'''" as quotes:
                inside = quotes
            case "[" | "{":
                depth += 1
            case "]" | "}":
                depth -= 1
            case _:
                continue
