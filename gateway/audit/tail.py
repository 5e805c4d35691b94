"""Following the log's lines as they are written, without hashing any twice: they go into the tree, and where somebody wants them, to him.

Only whole lines are taken. A line that is no entry, or has a number out of order, is AuditUnavailable. Used by `sealing`;
`read` is for those who want entries.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.audit.log import segments
from gateway.audit.tree import StoredTree, TreeWriter
from gateway.errors import AuditUnavailable

MAX_LINE_BYTES = 8 << 20
"""Bytes of the longest line, as the core has it (engine/native/src/merkle/stored.rs)."""
PIECE_BYTES = 256 << 10
"""Bytes of lines that are handed out at once."""
_NUMBER = re.compile(rb'\{"seq":([1-9][0-9]{0,18}),')


@dataclass(frozen=True, slots=True)
class Batch:
    """Some lines in order that are in the tree now: the number of the first, how many, and where they stand."""

    first: int
    count: int
    segment: Path
    place: int
    length: int

    def lines(self) -> Iterator[bytes]:
        """The lines, whole ones, some at a time: read once more, because few want them. Raises AuditUnavailable."""
        try:
            with self.segment.open("rb", buffering=0) as file:
                file.seek(self.place)
                left, begun = self.length, b""
                while left and (data := file.read(min(left, PIECE_BYTES))):
                    left -= len(data)
                    whole = data.rfind(b"\n") + 1
                    if whole:
                        yield begun + data[:whole]
                        begun = b""
                    begun += data[whole:]
        except OSError as error:
            raise AuditUnavailable(f"`{self.segment}` cannot be read ({error.strerror})") from error


def number_of(line: bytes) -> int | None:
    """The number a line begins with; None for what is no line of a log."""
    found = _NUMBER.match(line)
    return None if found is None else int(found[1])


class Tail:
    """Where the tree of a log has got to in it."""

    def __init__(self, directory: Path, tree: TreeWriter) -> None:
        """Begin behind the last entry in the tree. Raises AuditUnavailable."""
        self._directory, self._tree = directory, tree
        self._segment: Path | None = None
        self._place = 0
        if tree.size:
            self._find(tree.size, StoredTree(directory).place(tree.size - 1))

    def _find(self, last: int, place: int) -> None:
        """Begin behind an entry whose line begins at a place."""
        holding = [path for path in segments(self._directory) if int(path.stem) <= last]
        if not holding:
            raise AuditUnavailable(f"the log has no entry {last} any more", code="AUDIT_ALTERED")
        self._segment = holding[-1]
        try:
            with self._segment.open("rb") as file:
                file.seek(place)
                line = file.readline(MAX_LINE_BYTES)
        except OSError as error:
            raise AuditUnavailable(f"`{self._segment}` cannot be read ({error.strerror})") from error
        if not line.endswith(b"\n"):
            raise AuditUnavailable(f"the log ends before entry {last}, which was sealed already", code="AUDIT_ALTERED")
        if number_of(line) != last:
            raise AuditUnavailable(
                f"`{self._segment.name}` holds no entry {last} where it belongs", code="AUDIT_ALTERED"
            )
        self._place = place + len(line)

    def into_tree(self, upto: int) -> Iterator[Batch]:
        """Put the whole lines that are new into the tree, a batch at a time, up to an entry: who reads slower than others
        write would never come to an end. Raises AuditUnavailable; after that the tree is to be taken up again."""
        while self._tree.size < upto:
            if self._segment is None:
                begun = segments(self._directory)
                if not begun:
                    return
                self._enter(begun[0])
            assert self._segment is not None
            segment, place, first = self._segment, self._place, self._tree.size + 1
            count, length = self._tree.grow(segment, place, upto)
            if count:
                self._place += length
                yield Batch(first, count, segment, place, length)
                continue
            following = self._directory / f"{first:016d}{segment.suffix}"
            if following == segment or not following.exists():
                return
            self._enter(following)

    def _enter(self, path: Path) -> None:
        following = self._tree.size + 1
        if int(path.stem) != following:
            raise AuditUnavailable(f"`{path.name}` begins where entry {following} belongs", code="AUDIT_ALTERED")
        self._segment, self._place = path, 0
