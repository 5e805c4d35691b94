"""A recording a piece at a time, for players that show it: only what may reach a viewer, with the time of each word.

A piece begins with a chunk and ends with one, at a place where no sequence of the terminal is open: so each is made harmless by
itself as the whole would be. Read by the console; the command line plays through `shelf` and `showing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gateway.errors import RecordingBroken
from gateway.recording.exchanges import EXCHANGES, Asked, read_line
from gateway.recording.frames import Opened, open_chunk, read_chunks, read_head
from gateway.recording.keys import WrappingKeys
from gateway.recording.lines import COMMAND, Event, read_events, size_in
from gateway.recording.showing import Neutralizer, words
from gateway.recording.tables import fields_of

PIECE = 256 << 10
"""Characters of output after which a piece ends, where it may."""
MOST = 2 << 20
"""Characters of a piece in any case."""
MAX_TOLD = 2_000
"""Characters of a command in the list of decisions."""

MAX_TEXT = 20_000
"""Characters of a text in a line of a table."""

Shown = tuple[int, str, str]
"""Milliseconds since the beginning, a code of asciicast (`o`, `r`, `g`, `x`) or `e`, what is shown of it: of an exchange its fields in JSON."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of a recording. `next` is the chunk that the next one begins with, None at the end; `trouble` why that is not whole."""

    events: tuple[Shown, ...]
    next: int | None
    at: int
    trouble: str = ""


def piece_of(path: Path, keys: WrappingKeys, chunk: int, at: int) -> Piece:
    """The piece that begins with a chunk; `at` is when the one before ended. Raises RecordingBroken for one that is none."""
    cleaner, shown, size = Neutralizer(), list[Shown](), 0
    with path.open("rb") as file:
        opened = read_head(file)
        key = keys.unwrap(opened.head)
        try:
            for found in read_chunks(file, opened):
                if found.number < chunk:
                    continue
                if size >= MOST or (size >= PIECE and cleaner.is_idle):
                    return Piece(tuple(shown), found.number, at)
                for event in _events(open_chunk(found, opened, key), opened, at):
                    at = event.at
                    if event.code == "e":
                        found_here = list(_exchange(event))
                        shown += found_here
                        size += sum(len(one[2]) for one in found_here)
                        continue
                    text = _shown(event, cleaner, is_command=opened.head.shape == COMMAND)
                    size += len(text)
                    if text or event.code == "x":
                        shown.append((event.at, event.code, text))
        except RecordingBroken as error:
            return Piece(tuple(shown), None, at, f"{error} ({error.code})")
    return Piece(tuple(shown), None, at)


def _events(plain: bytes, opened: Opened, at: int) -> Iterator[Event]:
    lines = plain.splitlines(keepends=True)
    size = size_in(lines[0]) if lines and opened.head.shape not in (COMMAND, EXCHANGES) else None
    if size is not None:
        yield Event(at, "r", size)
    try:
        yield from read_events(iter(lines), opened.head.shape, at)
    except ValueError as error:
        raise RecordingBroken(str(error), code="ALTERED") from error


def _shown(event: Event, cleaner: Neutralizer, *, is_command: bool) -> str:
    match event.code:
        case "o":
            text = cleaner.clean(event.data)
            return text.replace("\r\n", "\n").replace("\n", "\r\n") if is_command else text
        case "g":
            return _told(event.data)
        case "r" | "x":
            return event.data if event.data.replace("x", "").isdecimal() else ""
        case _:
            return ""


def _exchange(event: Event) -> Iterator[Shown]:
    """A line of a table, and before it what the list of decisions says of it."""
    line = read_line(event.data.encode())
    if isinstance(line, Asked):
        yield event.at, "g", words(f"{line.verdict}: {line.text[:MAX_TOLD]}")
    yield event.at, "e", msgspec.json.encode(fields_of(line, MAX_TEXT)).decode()


def _told(data: str) -> str:
    """A decision in a line: the verdict and the command."""
    try:
        said = msgspec.json.decode(data)
    except msgspec.DecodeError:
        return ""
    if not isinstance(said, dict):
        return ""
    parts = [said.get(name) for name in ("verdict", "text")]
    return words(": ".join(part[:MAX_TOLD] for part in parts if isinstance(part, str)))
