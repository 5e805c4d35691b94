"""The append-only log: segment files of numbered lines, one write for one entry, before the answer.

- A segment is named after the number of its first entry. The last one is written to; the others never change.
- A torn tail (a crash in the middle of a write) is cut aside into a file `*.torn` at the next start: it was never
  answered, because the answer comes after the write.
- `Durability.PROCESS`: the line is with the kernel before the answer, so it survives our death (kill -9); an fsync
  follows within 50 ms. `Durability.DISK`: fsync before the answer, one for all who wait at that moment.
- Below the low-water mark, or when a write fails, new entries are refused with AuditUnavailable; whoever called denies.
  What tells of things already granted (`append(..., promised=True)`, `note`) may use the reserve.
- Where a write is all that `append` would do, lanes are lent the segment and do it themselves (`_lend`, docs/decisions/0070).

One process writes a directory (a lock file says so). Safe from any thread. Called by the gate.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from adapters.core.ports import Lines
from engine._native import Pauses, Unwritten
from gateway.audit.entry import Entry, body_of, decode
from gateway.errors import AuditUnavailable

SYNC_EVERY = 0.05
"""Seconds between fsyncs with `process` durability, and between looks at the free space."""
MAX_NOTED = 10_000
"""Entries that may wait to be written together; more means that nothing can be written."""
SUFFIX = ".jsonl"


class Durability(StrEnum):
    PROCESS = "process"
    DISK = "disk"


class AuditLog:
    """The log of one directory, open for appending."""

    lends = True
    """Whether lanes may ever write it themselves: every line stands there as it is given."""

    def __init__(
        self,
        directory: Path,
        *,
        durability: Durability = Durability.PROCESS,
        segment_bytes: int = 64 << 20,
        low_water_bytes: int = 64 << 20,
        free_bytes: Callable[[Path], int] | None = None,
    ) -> None:
        """Open or make the directory, cut a torn tail aside, and go on counting where the last entry stands."""
        self._directory = directory
        self._is_durable = durability is Durability.DISK
        self._segment_bytes = segment_bytes
        self._low_water = low_water_bytes
        self._free_bytes = free_bytes
        self._pauses = Pauses(directory)
        self._lock = threading.Lock()
        self._sync_lock = threading.Lock()
        self._fd = -1
        self._synced = 0
        self._listeners: tuple[Callable[[int], None], ...] = ()
        self._retired: list[int] = []
        self._broken = ""
        self._is_low = self._is_lent = False
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._owner = _own(directory)
            size, following = self._recover()
        except OSError as error:
            raise _refused(directory, error) from error
        self.unwritten = Unwritten(following, MAX_NOTED)
        """What lanes write into where they may (`_lend`)."""
        self.unwritten.begin(size)
        self._synced = self.unwritten.written
        self._look_at_space()
        self._keeper = threading.Thread(target=self._keep, name="audit-keeper", daemon=True)
        self._keeper.start()

    @property
    def next_seq(self) -> int:
        """The number the next entry will get."""
        return self.unwritten.next

    @property
    def is_lent(self) -> bool:
        """Whether lanes write it themselves at the moment."""
        return self._is_lent

    @property
    def trouble(self) -> str:
        """Why entries are refused at the moment; empty when they are not."""
        if self._broken or self.unwritten.is_torn:
            return self._broken or "a write came out short"
        return "less space is free than `[audit] low_water_bytes`" if self._is_low else ""

    def append(self, entry: Entry | bytes, *, promised: bool = False) -> int:
        """Write the entry and return its number. It is recorded when this returns, or AuditUnavailable was raised.

        Bytes are the body of a line as `audit.entry.numbered` takes it, made by who knows the entry's form (`gateway.forms`).

        `promised`: it tells what became of something granted before, and may use the space below the low-water mark.
        """
        with self._lock:
            if self._needs_care:
                self._make_ready(promised=promised)
            seq = self._write(self.unwritten.with_line(entry if isinstance(entry, bytes) else body_of(entry)))
        if self._is_durable or self._listeners:
            self._tell(seq)
        return seq

    def append_again(self, lines: Lines, decision_id: str, now: int) -> bool:
        """As `append`, for the line of an answer that is given again; no, and nothing is recorded, when there can be none."""
        with self._lock:
            if self._needs_care:
                self._make_ready(promised=False)
            data = lines.line(self.unwritten, decision_id, now)
            if data is None:
                return False
            seq = self._write(data)
        if self._is_durable or self._listeners:
            self._tell(seq)
        return True

    @property
    def _needs_care(self) -> bool:
        unwritten = self.unwritten
        return bool(self._broken) or unwritten.is_torn or self._is_low or unwritten.size >= self._segment_bytes

    def _make_ready(self, *, promised: bool) -> None:
        """What has to be done before a line can be written, or refuse. Called with the lock held."""
        self._keep_from_lanes()
        self._repair()
        if self._is_low and not promised:
            raise AuditUnavailable("the audit is short of space", help=f"free some on {self._directory}")
        if self.unwritten.size >= self._segment_bytes:
            self._write_noted()
            self._rotate()
        self._lend()

    def _lend(self) -> None:
        """Let lanes write, or not, as things stand. Called with the lock held.

        INVARIANT: they do only where a write is all that `append` would do, and not while anything else is done to the segment.
        """
        is_plain = not (self._is_durable or self._listeners or self._is_low or self._broken or self.unwritten.is_torn)
        if not (is_plain and self.lends and self._fd >= 0):
            self._keep_from_lanes()
        elif not self._is_lent:
            try:
                self.unwritten.lend(self._path, self._segment_bytes)
            except OSError:
                return  # WHY: they ask us then, and whether we can write is ours to say
            self._is_lent = True

    def _keep_from_lanes(self) -> None:
        self.unwritten.keep()
        self._is_lent = False

    def _tell(self, seq: int) -> None:
        if self._is_durable:
            self._sync_to(seq)
        for listener in self._listeners:
            listener(seq)

    def note(self, entry: Entry | bytes) -> int:
        """Take an entry that nobody waits for, and return its number: it is written with the next one, or within 50 ms.

        For outcomes: a crash may lose the last of them, as it loses what the target was about to say.
        """
        with self._lock:
            self._repair()
            seq = self.unwritten.note(entry if isinstance(entry, bytes) else body_of(entry))
        if seq is None:
            raise _too_much()
        return seq

    def note_again(self, lines: Lines, now: int) -> None:
        """As `note`, for what became of a command that was given its answer again."""
        with self._lock:
            self._repair()
            is_noted = lines.outcome(self.unwritten, now)
        if not is_noted:
            raise _too_much()

    def _write_noted(self) -> bool:
        """Write what was noted, if anything. Called with the lock held."""
        if not self.unwritten.waiting:
            return False
        if not self.unwritten.let_out():
            self._repair()
            self._write(self.unwritten.noted())
        return True

    def _let_out_noted(self) -> None:
        with self._lock:
            self._repair()
            wrote, seq = self._write_noted(), self.unwritten.written
        if wrote:
            for listener in self._listeners:
                listener(seq)

    def subscribe(self, listener: Callable[[int], None]) -> Callable[[], None]:
        """Call `listener` (quick, from any thread) with the number of each entry once it is recorded, until the
        returned function is called."""
        with self._lock:
            self._listeners = (*self._listeners, listener)
            self._lend()

        def leave() -> None:
            with self._lock:
                self._listeners = tuple(other for other in self._listeners if other is not listener)
                self._lend()

        return leave

    def flush(self) -> None:
        """Everything taken so far is on the disk when this returns."""
        self._let_out_noted()
        self._sync_to(self.unwritten.written)

    def close(self) -> None:
        """Sync and let the directory go. Entries appended later are refused."""
        if not self._pauses.end():
            return
        self._keeper.join()
        self._close_retired()
        with self._sync_lock, self._lock:
            self._keep_from_lanes()
            if self._fd >= 0:
                with contextlib.suppress(AuditUnavailable):  # WHY: nobody waits for what was noted, and we are leaving
                    self._write_noted()
                os.fsync(self._fd)
                os.close(self._fd)
            self._fd = -1
            self._broken = "the audit is closed"
            os.close(self._owner)

    def _write(self, data: bytes) -> int:
        """Write what `_unwritten` gave out last; the number of its last entry."""
        try:
            done = os.write(self._fd, data)
        except OSError as error:
            self._break(error)
            raise _refused(self._directory, error) from error
        if done != len(data):
            # INVARIANT: a piece of a line is cut off again before anything follows it.
            self._break(None)
            raise AuditUnavailable("the audit could not write a whole entry", help=f"free space on {self._directory}")
        return self.unwritten.wrote()

    def _break(self, error: OSError | None) -> None:
        self.unwritten.failed()
        self._keep_from_lanes()
        self._broken = f"a write failed ({error.strerror})" if error else "a write came out short"

    def _repair(self) -> None:
        """Cut off what a failed write left, if one failed, or refuse. Called with the lock held."""
        if not self._broken and not self.unwritten.is_torn:
            return
        self._keep_from_lanes()
        if self._fd < 0:
            raise AuditUnavailable(self._broken)
        try:
            os.ftruncate(self._fd, self.unwritten.size)
        except OSError as error:
            raise _refused(self._directory, error) from error
        self._broken = ""
        self.unwritten.mended()

    def _rotate(self) -> None:
        try:
            os.fsync(self._fd)
            fresh = self._open_segment(self.unwritten.next)
        except OSError as error:
            raise _refused(self._directory, error) from error
        # WHY not closed here: somebody may be syncing it; closing belongs to whoever holds the sync lock.
        self._retired.append(self._fd)
        self._fd, self._synced = fresh, self.unwritten.written
        self.unwritten.begin(0)

    def _open_segment(self, first: int) -> int:
        path = self._directory / f"{first:016d}{SUFFIX}"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        _sync_directory(self._directory)
        self._path = path  # WHY not before: what is not the log's segment is never lent
        return fd

    def _recover(self) -> tuple[int, int]:
        """Open the last segment behind its last whole entry: its size, and the number that comes next."""
        paths = segments(self._directory)
        if not paths:
            self._fd = self._open_segment(1)
            return 0, 1
        self._path = last = paths[-1]
        whole, following = _scan(last)
        self._fd = os.open(last, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        if os.fstat(self._fd).st_size > whole:
            _set_aside(last, whole)
            os.ftruncate(self._fd, whole)
            os.fsync(self._fd)
        return whole, following

    def _sync_to(self, seq: int) -> None:
        """Return when the entry is on the disk. The first to come syncs for all who wrote before it started."""
        if self._synced >= seq:
            return
        with self._sync_lock:
            if self._synced >= seq:
                return
            with self._lock:
                fd, upto = self._fd, self.unwritten.written
            if fd < 0:
                raise AuditUnavailable(self._broken or "the audit is closed")
            try:
                os.fdatasync(fd)
            except OSError as error:
                # WHY: after a failed fsync the kernel may have dropped the pages; nothing later proves them written.
                with self._lock:
                    self._keep_from_lanes()
                    self._broken, self._fd = "the disk failed to sync; restart after mending it", -1
                raise _refused(self._directory, error) from error
            self._synced = max(self._synced, upto)

    def _close_retired(self) -> None:
        with self._sync_lock:
            with self._lock:
                retired, self._retired = self._retired, []
            for fd in retired:
                os.close(fd)

    def _keep(self) -> None:
        while self._look_at_space(SYNC_EVERY):
            if self._retired:
                self._close_retired()
            if self._synced < self.unwritten.written or self.unwritten.waiting:
                try:
                    self.flush()
                except AuditUnavailable:
                    continue  # WHY: `trouble` says it, and every append is refused from now on

    def _look_at_space(self, pause: float = 0) -> bool:
        """See whether there is room, after so many seconds; no when the log is closed then."""
        try:
            # WHY in one: each time a thread wants the interpreter back, whoever answers commands has to let go of it.
            free = self._pauses.wait(pause)
            if free is None:
                return False
            is_low = (free if self._free_bytes is None else self._free_bytes(self._directory)) < self._low_water
        except OSError:
            is_low = True
        with self._lock:
            self._is_low = is_low
            self._lend()
        return True


def segments(directory: Path) -> list[Path]:
    """The segment files of a log, in order."""
    return sorted(path for path in directory.glob(f"*{SUFFIX}") if path.stem.isdigit())


def free_bytes_of(directory: Path) -> int:
    """Bytes that may still be written on the directory's file system."""
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def _scan(path: Path) -> tuple[int, int]:
    """How many bytes of a segment are whole entries in sequence, and the number after the last of them."""
    whole, following = 0, int(path.stem)
    with path.open("rb") as file:
        for line in file:
            try:
                found = decode(line).seq
            except ValueError:
                break
            if found != following:
                raise AuditUnavailable(
                    f"`{path.name}` holds entry {found} where {following} belongs",
                    help="the log was altered; move the directory aside and keep it as evidence",
                    code="AUDIT_ALTERED",
                )
            whole += len(line)
            following += 1
        if file.read(1):
            raise AuditUnavailable(
                f"`{path.name}` is broken at entry {following}, and more follows",
                help="this is no torn tail; move the directory aside and keep it as evidence",
                code="AUDIT_ALTERED",
            )
    return whole, following


def _set_aside(path: Path, whole: int) -> None:
    torn = path.with_name(f"{path.name}.{time.time_ns()}.torn")
    with path.open("rb") as file:
        file.seek(whole)
        rest = file.read()
    with torn.open("xb") as copy:
        copy.write(rest)
        copy.flush()
        os.fsync(copy.fileno())


def _own(directory: Path) -> int:
    fd = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise AuditUnavailable(
            f"another process writes the audit in {directory}",
            help="give each its own `[audit] dir`",
            code="AUDIT_OWNED",
        ) from error
    return fd


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _too_much() -> AuditUnavailable:
    return AuditUnavailable("the audit has more to write than it can keep")


def _refused(directory: Path, error: OSError) -> AuditUnavailable:
    return AuditUnavailable(
        f"the audit in {directory} cannot be written ({error.strerror or 'unknown'})",
        help="free space, or see who may write there",
    )
