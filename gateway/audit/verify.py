"""Checks a whole log against its signed checkpoints: every line hashed again, every signature looked at.

What was changed, taken out, put in, moved or cut off before the last checkpoint is a finding, and so is a beginning that is
gone: a log begins at entry 1. A torn tail behind the last checkpoint, and entries that none covers yet, are told, and are
no findings. For entries that are gone the hashes of the stored tree stand in, so that signed roots can still say whether the
rest is what was sealed. Checkpoints are a chain; those of old logs are not, which is told. A key that handed over to another
counts no more: whoever stole it signs nothing that follows. Called by `sallyport audit verify`; `standalone` does the same in one
file for people who trust none of this.

A content whose key was destroyed is told, and is no finding: its line is what was sealed. One that its key does not open is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.audit.checkpoint import Checkpoint, PublicKey, digest_of, open_note, read_note
from gateway.audit.content_keys import Opener
from gateway.audit.entry import Entry, Kind, decode
from gateway.audit.log import segments
from gateway.audit.merkle import Frontier, leaf_hash
from gateway.audit.sealing import FILE, HANDED_OVER, checkpoints
from gateway.audit.tail import number_of
from gateway.audit.tree import StoredTree
from gateway.errors import AuditUnavailable

MAX_FINDINGS = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `seq`: the first entry it is about, where there is one."""

    code: str
    message: str
    seq: int | None = None


@dataclass(slots=True)
class Report:
    """What a log is. `covered`: entries under the last good checkpoint; `unchained`: checkpoints of an older version, which do
    not say what stood before them; `torn`: bytes of a line that was being written; `shredded`: entries whose contents' keys were destroyed, as the log says; `closed`: others whose keys are not here."""

    entries: int = 0
    covered: int = 0
    checkpoints: int = 0
    unchained: int = 0
    torn: int = 0
    shredded: int = 0
    closed: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return not self.findings

    def found(self, code: str, message: str, seq: int | None = None) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(code, message, seq))


def verify_log(
    directory: Path,
    trusted: Sequence[PublicKey],
    *,
    kept: Sequence[str] = (),
    progress: Callable[[int], None] = lambda entries: None,
) -> Report:
    """Check the log of a directory. `kept`: checkpoints somebody else noted down, which the log must still continue.

    Raises AuditUnavailable only for what cannot be read at all.
    """
    report = Report()
    roots = _Roots(report, trusted, _listed(directory, kept, report))
    frontier = Frontier()
    roots.reached(frontier)
    contents = _Contents(Opener(directory), report)
    for line in _lines(directory, report, contents):
        for _ in frontier.append(line if isinstance(line, _Gone) else leaf_hash(line)):
            pass
        if not isinstance(line, _Gone):
            roots.told(line)
        roots.reached(frontier)
        if not frontier.size & 0xFFFF:
            progress(frontier.size)
    report.entries = frontier.size
    roots.finish()
    contents.finish()
    return report


class _Contents:
    """The contents of entries that are closed: opened where a key is here, else counted."""

    def __init__(self, opener: Opener, report: Report) -> None:
        self._opener, self._report = opener, report
        self._closed: Counter[str] = Counter()
        self._destroyed: set[str] = set()

    def look(self, entry: Entry) -> None:
        if entry.kind is Kind.SHREDDED:
            self._destroyed.add(entry.note)
        if not entry.content_key:
            return
        try:
            if self._opener.open(entry).unreadable:
                self._closed[entry.content_key] += 1
        except AuditUnavailable as error:
            self._report.found("CONTENT", str(error), entry.seq)

    def finish(self) -> None:
        self._report.shredded = sum(count for key, count in self._closed.items() if key in self._destroyed)
        self._report.closed = self._closed.total() - self._report.shredded


class _Roots:
    """The checkpoints in order of their size, each looked at when the tree has grown to it."""

    def __init__(self, report: Report, trusted: Sequence[PublicKey], notes: list[tuple[int, str]]) -> None:
        self._report, self._trusted = report, list(trusted)
        self._announced: list[PublicKey] = []
        self._notes = sorted(notes, key=lambda one: one[0])
        self._at = 0
        self._origin: str | None = None
        self._has_split = False

    def told(self, line: bytes) -> None:
        """Take note of a key that takes over."""
        if b'"kind":"key"' not in line:
            return
        try:
            entry = decode(line + b"\n")
            if entry.kind is Kind.KEY and entry.step == HANDED_OVER:
                self._announced.append(PublicKey.parse(entry.note))
        except ValueError:
            return  # WHY: a line that is no entry is found by whoever reads lines; one without a key announces none

    def reached(self, frontier: Frontier) -> None:
        while self._at < len(self._notes) and self._notes[self._at][0] == frontier.size:
            self._look(self._notes[self._at][1], frontier)
            self._at += 1

    def _look(self, note: str, frontier: Frontier) -> None:
        report, size = self._report, frontier.size
        try:
            checkpoint, signers = open_note(note, self._trusted)
        except ValueError as error:
            report.found("SIGNATURE", f"the checkpoint over {size} entries: {error}", size)
            return
        self._origin = self._origin or checkpoint.origin
        if checkpoint.origin != self._origin:
            report.found("ORIGIN", f"the checkpoint over {size} entries is of another log", size)
        elif checkpoint.root != frontier.root():
            if not self._has_split:
                first = report.covered + 1
                report.found("ALTERED", f"something in the entries {first} to {size} is not what was sealed", first)
            self._has_split = True
        else:
            report.covered = size
            self._take_over(note, signers)

    def _take_over(self, note: str, signers: Sequence[PublicKey]) -> None:
        """Where a key that an entry names signed together with another one, the other has handed over to it."""
        named = [key for key in self._announced if _is_signed(note, key)]
        if named and any(key != named[-1] for key in signers):
            self._trusted = [*(key for key in self._trusted if key not in signers), named[-1]]

    def finish(self) -> None:
        report = self._report
        report.checkpoints = len(self._notes)
        for size, note in self._notes[self._at :]:
            try:
                open_note(note, self._trusted)
            except ValueError as error:
                report.found("SIGNATURE", f"the checkpoint over {size} entries: {error}", size)
                continue
            report.found("CUT", f"{size} entries were sealed, and the log has {report.entries}", report.entries + 1)
            return
        if not self._notes:
            report.found("NO_CHECKPOINT", f"there is no checkpoint in `{FILE}`: nothing is proven")


def _listed(directory: Path, kept: Sequence[str], report: Report) -> list[tuple[int, str]]:
    """Every checkpoint as (size, note): the log's own, in order, and those that were kept elsewhere."""
    found: list[tuple[int, str]] = []
    try:
        listed = checkpoints(directory)
    except (ValueError, OSError) as error:
        report.found("CHECKPOINTS", f"`{FILE}` cannot be read: {error}")
        listed = []
    before, last = 0, None
    for number, note in enumerate(listed, 1):
        checkpoint = _read(note)
        if checkpoint is None:
            report.found("CHECKPOINTS", f"line {number} of `{FILE}` is no checkpoint")
            continue
        if checkpoint.size <= before:
            report.found("CHECKPOINTS", f"line {number} of `{FILE}` does not go on from the line before")
        elif checkpoint.before is None and report.unchained == number - 1:
            report.unchained += 1
        elif checkpoint.before != digest_of(last):
            report.found("CHECKPOINTS", f"what line {number} of `{FILE}` was signed behind is gone or another")
        before, last = max(before, checkpoint.size), note
        found.append((checkpoint.size, note))
    for note in kept:
        checkpoint = _read(note)
        if checkpoint is None:
            report.found("CHECKPOINTS", "a checkpoint that was kept elsewhere is none")
        else:
            found.append((checkpoint.size, note))
    return found


def _is_signed(note: str, key: PublicKey) -> bool:
    try:
        return bool(open_note(note, [key]))
    except ValueError:
        return False


def _read(note: str) -> Checkpoint | None:
    try:
        return read_note(note)[0]
    except ValueError:
        return None


class _Gone(bytes):
    """The hash that the stored tree has for an entry that is gone."""


def _lines(directory: Path, report: Report, contents: _Contents) -> Iterator[bytes]:
    """Every whole line, without its end; what is out of order or none is found and handed on all the same."""
    expected, paths = 1, segments(directory)
    if not paths and not directory.is_dir():
        raise AuditUnavailable(f"there is no audit in {directory}", help="see `[audit] dir`")
    for path in paths:
        first = int(path.stem)
        if first > expected:
            report.found("GAP", f"the entries {expected} to {first - 1} are gone, with their segments", expected)
            yield from _gone(StoredTree(directory), expected - 1, first - 1)
            expected = first
        elif first < expected:
            report.found("GAP", f"`{path.name}` begins where entry {expected} belongs", expected)
        try:
            with path.open("rb") as file:
                for raw in file:
                    if not raw.endswith(b"\n"):
                        _torn(path, raw, path == paths[-1], expected, report)
                        break
                    if number_of(raw) != expected:
                        report.found("LINE", f"`{path.name}` holds no entry {expected} where it belongs", expected)
                    elif (entry := _entry_of(raw)) is None:
                        report.found("LINE", f"entry {expected} in `{path.name}` is broken", expected)
                    else:
                        contents.look(entry)
                    yield raw[:-1]
                    expected += 1
        except OSError as error:
            raise AuditUnavailable(f"`{path}` cannot be read ({error.strerror})") from error


def _gone(stored: StoredTree, since: int, until: int) -> Iterator[_Gone]:
    """A hash each for the indexes from `since` up to `until`. None behind the stored tree: a name may say any number."""
    for index in range(since, min(until, stored.size)):
        yield _Gone(stored.node(0, index))


def _torn(path: Path, raw: bytes, is_last: bool, expected: int, report: Report) -> None:
    if is_last:
        report.torn = len(raw)
    else:
        report.found("LINE", f"entry {expected} in `{path.name}` has no end, and more segments follow", expected)


def _entry_of(raw: bytes) -> Entry | None:
    try:
        return decode(raw)
    except ValueError:
        return None
