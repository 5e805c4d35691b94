"""Reading on in the log, entry by entry, from where somebody had got to. Never reads a line twice, never a piece of one.

Called by `exporter`; `gateway.audit.tail` is for those who want leaves of the tree.
"""

from __future__ import annotations

from pathlib import Path

from gateway.audit.entry import MAX_LINE
from gateway.audit.log import SUFFIX, segments
from gateway.audit.tail import number_of
from gateway.errors import AuditUnavailable

_PIECE = 1 << 20
MAX_TAKEN_BYTES = 8 << 20
"""Bytes of lines that are handed out at once, but for the last of them. WHY: what is asked stands in them, and is as long as who asks likes."""


class Follower:
    """Where one reader is in a log. Raises AuditUnavailable for a log that is not in order."""

    def __init__(self, directory: Path, after_seq: int) -> None:
        """Begin behind an entry (0: with the first there is)."""
        self._directory = directory
        self._next = after_seq + 1
        self._segment: Path | None = None
        self._offset = 0
        self._data = b""
        self._at = 0
        """Where in `_data` the next line begins."""

    def take(self, count: int) -> list[bytes]:
        """The next whole lines, at most so many and no more than are needed for `MAX_TAKEN_BYTES`; none when there are none yet."""
        found: list[bytes] = []
        size = 0
        while len(found) < count and size < MAX_TAKEN_BYTES:
            try:
                line = self._line()
            except AuditUnavailable:
                if found:
                    break  # WHY: what is in order before it is handed out first
                raise
            if line is None:
                break
            found.append(line)
            size += len(line)
        return found

    def _line(self) -> bytes | None:
        while True:
            end = self._data.find(b"\n", self._at) + 1
            if end:
                line = self._data[self._at : end]
                # INVARIANT: nothing is read past a line that is not in order; it is found again at every look.
                is_wanted = self._is_next(line)
                self._at = end
                if is_wanted:
                    return line
            elif not self._read():
                return None

    def _is_next(self, line: bytes) -> bool:
        """Whether a line is the one that is wanted; lines before it are skipped when a segment is entered."""
        assert self._segment is not None
        number = number_of(line)
        if number is None or number > self._next:
            raise AuditUnavailable(
                f"`{self._segment.name}` holds something else where entry {self._next} belongs", code="AUDIT_ALTERED"
            )
        if number < self._next:
            return False
        self._next += 1
        return True

    def _read(self) -> bool:
        """Get more bytes, from the next segment when this one is at its end. False: nothing new."""
        if self._segment is None and not self._enter():
            return False
        assert self._segment is not None
        try:
            with self._segment.open("rb") as file:
                file.seek(self._offset)
                data = file.read(_PIECE)
        except OSError as error:
            raise AuditUnavailable(f"`{self._segment}` cannot be read ({error.strerror})") from error
        rest = len(self._data) - self._at
        if data:
            self._offset += len(data)
            self._data, self._at = self._data[self._at :] + data, 0
            if rest > MAX_LINE + 64:
                raise AuditUnavailable(f"`{self._segment.name}` holds a line without an end", code="AUDIT_ALTERED")
            return True
        following = self._directory / f"{self._next:016d}{SUFFIX}"
        if rest or following == self._segment or not following.exists():
            return False
        self._segment, self._offset = following, 0
        return True

    def _enter(self) -> bool:
        """Find the segment that holds the wanted entry."""
        paths = segments(self._directory)
        holding = [path for path in paths if int(path.stem) <= self._next]
        if paths and not holding:
            raise AuditUnavailable(f"the log has no entry {self._next} any more", code="AUDIT_ALTERED")
        if not holding:
            return False
        self._segment, self._offset = holding[-1], 0
        return True
