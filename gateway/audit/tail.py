"""Following the log's lines as they are written, without reading any twice: for those who keep up with it.

Only whole lines are handed out, as leaves of the tree and where they begin. A line that is no entry, or has a number out
of order, is AuditUnavailable. Used by `sealing`; `read` is for those who want entries.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine._native import NativeError, audit_leaves
from gateway.audit.log import segments
from gateway.errors import AuditUnavailable

MAX_BATCH_BYTES = 8 << 20
"""Bytes that one look at the log takes in."""
_NUMBER = re.compile(rb'\{"seq":([1-9][0-9]{0,18}),')


@dataclass(frozen=True, slots=True)
class Batch:
    """Some lines in order: the number of the first, how many, their leaves (32 bytes each), where each begins in its
    segment (8 bytes each, the highest first), and the lines themselves."""

    first: int
    count: int
    hashes: bytes
    places: bytes
    lines: bytes = field(default=b"", repr=False)


def number_of(line: bytes) -> int | None:
    """The number a line begins with; None for what is no line of a log."""
    found = _NUMBER.match(line)
    return None if found is None else int(found[1])


class Tail:
    """Where somebody has got to in a log."""

    def __init__(self, directory: Path, after_seq: int, place: int | None = None) -> None:
        """Begin behind an entry; `place` is where its line begins, if somebody knows."""
        self._directory = directory
        self._next = after_seq + 1
        self._segment: Path | None = None
        self._offset = 0
        if after_seq:
            self._find(after_seq, place)

    def _find(self, after_seq: int, place: int | None) -> None:
        holding = [path for path in segments(self._directory) if int(path.stem) <= after_seq]
        if not holding:
            raise AuditUnavailable(f"the log has no entry {after_seq} any more", code="AUDIT_ALTERED")
        self._segment, self._next = holding[-1], int(holding[-1].stem)
        if place is not None:
            self._offset, self._next = place, after_seq
        while self._next <= after_seq:
            if not self._batch(self._segment, after_seq).count:
                raise AuditUnavailable(
                    f"the log ends before entry {after_seq}, which was sealed already", code="AUDIT_ALTERED"
                )

    def leaves(self, upto: int) -> Iterator[Batch]:
        """The leaves of the whole lines that are new, a batch at a time, up to an entry: who reads slower than others
        write would never come to an end."""
        while self._next <= upto:
            if self._segment is None:
                begun = segments(self._directory)
                if not begun:
                    return
                self._enter(begun[0])
            assert self._segment is not None
            batch = self._batch(self._segment, upto)
            if batch.count:
                yield batch
                continue
            following = self._directory / f"{self._next:016d}{self._segment.suffix}"
            if following == self._segment or not following.exists():
                return
            self._enter(following)

    def _enter(self, path: Path) -> None:
        if int(path.stem) != self._next:
            raise AuditUnavailable(f"`{path.name}` begins where entry {self._next} belongs", code="AUDIT_ALTERED")
        self._segment, self._offset = path, 0

    def _batch(self, path: Path, upto: int) -> Batch:
        try:
            with path.open("rb") as file:
                file.seek(self._offset)
                data = file.read(MAX_BATCH_BYTES)
        except OSError as error:
            raise AuditUnavailable(f"`{path}` cannot be read ({error.strerror})") from error
        first = self._next
        try:
            count, places, hashes, length = audit_leaves(data, self._offset, first, upto)
        except NativeError as error:
            raise AuditUnavailable(f"`{path.name}` holds {error}", code="AUDIT_ALTERED") from error
        self._offset += length
        self._next += count
        return Batch(first, count, hashes, places, data[:length])
