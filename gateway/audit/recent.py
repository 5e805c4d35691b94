"""The newest entries first, for people who look: read from the end of the log, as far as somebody wants and no further.

Never writes; may run beside the writer. A line that is being written is left out. What is no entry, or out of order, is
AuditUnavailable, as in `read`, which also says what becomes of closed contents. Called by the console.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

from gateway.audit.content_keys import Opener
from gateway.audit.entry import MAX_LINE, Entry, decode
from gateway.audit.log import segments
from gateway.audit.tail import number_of
from gateway.audit.tree import StoredTree
from gateway.errors import AuditUnavailable

BLOCK = 256 << 10
"""Bytes read at once, from the end of a segment towards its beginning."""


def newest_first(directory: Path, before: int | None = None) -> Iterator[Entry]:
    """The entries of a log from the newest on, or from the one before a number. Raises AuditUnavailable."""
    opener = Opener(directory)
    for path, line in _newest_lines(directory, before):
        yield opener.open(_entry(path, line))


def newest_marked(directory: Path, mark: bytes, most: int) -> Iterator[Entry]:
    """Those of the newest `most` entries in whose lines `mark` stands, the newest first. Raises AuditUnavailable."""
    opener = Opener(directory)
    for path, line in itertools.islice(_newest_lines(directory, None), most):
        if mark in line:
            yield opener.open(_entry(path, line))


def line_at(directory: Path, seq: int) -> bytes | None:
    """The line of one entry by its number; None when the log has none (any more). Raises AuditUnavailable."""
    found = _numbered(directory, seq)
    return None if found is None else found[1]


def _newest_lines(directory: Path, before: int | None) -> Iterator[tuple[Path, bytes]]:
    expected: int | None = None
    for path in reversed(segments(directory)):
        first = int(path.stem)
        if before is not None and first >= before:
            continue
        end = None if before is None or expected is not None else _place(directory, path, before)
        for line in _backwards(path, end):
            number = number_of(line)
            if before is not None and number is not None and number >= before:
                continue
            if number is None or (expected is not None and number != expected):
                raise AuditUnavailable(f"`{path.name}` is broken near entry {expected or number}", code="AUDIT_ALTERED")
            expected = number - 1
            yield path, line


def entry_at(directory: Path, seq: int) -> Entry | None:
    """One entry by its number; None when the log has none (any more). Raises AuditUnavailable."""
    found = _numbered(directory, seq)
    return None if found is None else Opener(directory).open(_entry(*found))


def _numbered(directory: Path, seq: int) -> tuple[Path, bytes] | None:
    """The line with a number, and its segment."""
    if not 0 < seq < 1 << 62:
        return None
    holding = [path for path in segments(directory) if int(path.stem) <= seq]
    place = _place(directory, holding[-1], seq) if holding else None
    # WHY a failure is none: the way from the end of the segment is longer, and says what is wrong.
    with contextlib.suppress(OSError):
        if place is not None:
            with holding[-1].open("rb") as file:
                file.seek(place)
                line = file.readline(MAX_LINE + 64)
            if line.endswith(b"\n"):
                return holding[-1], line
    found = next(_newest_lines(directory, seq + 1), None)
    return found if found is not None and number_of(found[1]) == seq else None


def _place(directory: Path, path: Path, before: int) -> int | None:
    """Where the line of an entry begins in its segment; None where nobody noted it down yet, or in another segment."""
    try:
        stored = StoredTree(directory)
        if not 0 < before <= stored.size:
            return None
        place = stored.place(before - 1)
        with path.open("rb") as file:
            file.seek(place)
            return place if number_of(file.read(64)) == before else None
    except (AuditUnavailable, OSError):
        return None  # WHY: the places are an index; without them the lines after it are passed over one by one


def _backwards(path: Path, end: int | None) -> Iterator[bytes]:
    """The whole lines of a file, the last first, from the one that ends at `end` on."""
    try:
        with path.open("rb") as file:
            place = file.seek(0, 2) if end is None else end
            held, has_end = b"", False
            while place > 0:
                size = min(BLOCK, place)
                place -= size
                file.seek(place)
                data = file.read(size) + held
                if not has_end:
                    # What follows the last end of a line is being written, or torn.
                    data = data[: data.rfind(b"\n") + 1]
                    has_end = bool(data)
                begin = data.find(b"\n") + 1 if place > 0 else 0
                held = data[:begin]
                if len(held) > MAX_LINE + BLOCK:
                    raise AuditUnavailable(f"`{path.name}` holds a line longer than any entry", code="AUDIT_ALTERED")
                yield from (line + b"\n" for line in reversed(data[begin:].split(b"\n")[:-1]))
    except OSError as error:
        raise AuditUnavailable(f"`{path}` cannot be read ({error.strerror})") from error


def _entry(path: Path, line: bytes) -> Entry:
    try:
        return decode(line)
    except ValueError as error:
        raise AuditUnavailable(f"`{path.name}` holds a line that is no entry", code="AUDIT_ALTERED") from error
