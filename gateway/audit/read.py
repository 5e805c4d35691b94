"""Reading the log: every entry in order, or those somebody asks for. Never writes; may run beside the writer.

A line without an end at the very end of the last segment is one being written (or a torn tail) and is left out.
Anything else that is no entry, or a number out of order, is AuditUnavailable: a log with a hole is not read past it.
Contents are opened where their keys are here; else an entry says that it is `unreadable`.
Called by `sallyport audit show` and by the audit service.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gateway.audit.content_keys import Opener
from gateway.audit.entry import Entry, Kind, decode, encode
from gateway.audit.log import segments
from gateway.errors import AuditUnavailable


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are wanted; every field that is set must fit. Times are UTC nanoseconds, `since` included, `until` not."""

    kinds: frozenset[Kind] = frozenset()
    principal: str | None = None
    resource: str | None = None
    session: str | None = None
    job: str | None = None
    verdict: str | None = None
    rule: str | None = None
    ticket: str | None = None
    decision_id: str | None = None
    since: int | None = None
    until: int | None = None
    after_seq: int = 0

    def admits(self, entry: Entry) -> bool:
        """Whether the entry is wanted."""
        wanted = (
            (self.principal, entry.principal),
            (self.resource, entry.resource),
            (self.session, entry.session),
            (self.job, entry.job),
            (self.verdict, entry.verdict),
            (self.ticket, entry.ticket),
            (self.decision_id, entry.decision_id),
        )
        return (
            entry.seq > self.after_seq
            and (not self.kinds or entry.kind in self.kinds)
            and all(want is None or want == have for want, have in wanted)
            and (self.rule is None or any(rule == self.rule for rule, _ in entry.rules))
            and (self.since is None or entry.time >= self.since)
            and (self.until is None or entry.time < self.until)
        )


def read(directory: Path, wanted: Filter | None = None) -> Iterator[Entry]:
    """The entries of a log in order. Raises AuditUnavailable at the first thing that has no place there."""
    chosen = wanted or Filter()
    for entry, _ in _lines(directory, chosen.after_seq):
        if chosen.admits(entry):
            yield entry


def read_since(directory: Path, since: int, kinds: frozenset[Kind]) -> Iterator[Entry]:
    """The entries of some kinds since a time (UTC nanoseconds), in order, without reading much of what is older. As `read`."""
    paths = segments(directory)
    first = 0
    for path in reversed(paths):
        first = int(path.stem)
        begins = _begin(path, first)
        if begins is not None and begins.time < since:
            break
    yield from read(directory, Filter(kinds=kinds, since=since, after_seq=max(first - 1, 0)))


def _begin(path: Path, expected: int) -> Entry | None:
    """The first entry of a segment; None of one without any."""
    return next((entry for entry, _ in _segment(path, expected, is_last=True)), None)


def read_lines(directory: Path, after_seq: int) -> Iterator[tuple[int, bytes]]:
    """The numbers and lines of the entries after a number, with their contents. Raises as `read` does."""
    for entry, line in _lines(directory, after_seq):
        if entry.seq > after_seq:
            yield entry.seq, _with_content(entry, line)


def read_entry_lines(directory: Path) -> Iterator[tuple[Entry, bytes]]:
    """Every entry with its line. Raises as `read` does."""
    return ((entry, _with_content(entry, line)) for entry, line in _lines(directory, 0))


def _lines(directory: Path, after_seq: int) -> Iterator[tuple[Entry, bytes]]:
    """Every entry with its line, from the segment on that holds the first after a number."""
    paths = segments(directory)
    if not paths and not directory.is_dir():
        raise AuditUnavailable(f"there is no audit in {directory}", help="see `[audit] dir`")
    paths = _from(paths, after_seq)
    expected = int(paths[0].stem) if paths else 1
    opener = Opener(directory)
    for path in paths:
        for entry, line in _segment(path, expected, is_last=path == paths[-1]):
            expected = entry.seq + 1
            # WHY not before it is wanted: what is skipped need not be opened.
            yield (opener.open(entry) if entry.seq > after_seq else entry), line


def _with_content(entry: Entry, line: bytes) -> bytes:
    return encode(msgspec.structs.replace(entry, seq=0), entry.seq) if entry.content_key else line


def _from(paths: list[Path], after_seq: int) -> list[Path]:
    """The segments that can hold entries after a number."""
    earlier = sum(1 for path in paths if int(path.stem) <= after_seq + 1)
    return paths[max(earlier - 1, 0) :]


def _segment(path: Path, expected: int, *, is_last: bool) -> Iterator[tuple[Entry, bytes]]:
    try:
        with path.open("rb") as file:
            for line in file:
                if is_last and not line.endswith(b"\n"):
                    return
                entry = _entry(path, line, expected)
                expected = entry.seq + 1
                yield entry, line
    except OSError as error:
        raise AuditUnavailable(f"`{path}` cannot be read ({error.strerror})") from error


def _entry(path: Path, line: bytes, expected: int) -> Entry:
    try:
        entry = decode(line)
    except ValueError as error:
        raise AuditUnavailable(f"`{path.name}` is broken at entry {expected}", code="AUDIT_ALTERED") from error
    if entry.seq != expected:
        raise AuditUnavailable(f"`{path.name}` holds entry {entry.seq} where {expected} belongs", code="AUDIT_ALTERED")
    return entry
