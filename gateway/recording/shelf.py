"""The recordings of a folder: listed, found by name, opened, read line by line, put away when their time is over.

Called by the command line. What a file holds is somebody's output: it is shown only through `showing`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import RecordingBroken
from gateway.recording.frames import Head, open_chunk, read_chunks, read_head
from gateway.recording.keys import WrappingKeys
from gateway.recording.lines import Event, read_events
from gateway.recording.recorder import INCOMPLETE, SUFFIX

_NAME = re.compile(r"r-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which recordings somebody looks for; None is any. Times are UTC nanoseconds."""

    principal: str | None = None
    resource: str | None = None
    job: str | None = None
    session: str | None = None
    since: int | None = None
    until: int | None = None

    def admits(self, head: Head) -> bool:
        """Whether it is one of them."""
        wanted = (
            (self.principal, head.principal),
            (self.resource, head.resource),
            (self.job, head.job),
            (self.session, head.session),
        )
        return (
            all(want is None or want == have for want, have in wanted)
            and (self.since is None or head.started >= self.since)
            and (self.until is None or head.started < self.until)
        )


@dataclass(frozen=True, slots=True)
class State:
    """What stands in a file without opening it: `trouble` is empty for a whole one, else a code (`TORN`, `UNFINISHED`, `INCOMPLETE` ...)."""

    chunks: int
    seconds: float
    size: int
    digest: bytes
    trouble: str


def files(directory: Path) -> list[Path]:
    """The files of all recordings, oldest day first."""
    return sorted(path for path in directory.glob(f"*/r-*{SUFFIX}") if _NAME.fullmatch(path.stem))


def find(directory: Path, name: str) -> Path:
    """The file of a recording. Raises RecordingBroken."""
    if _NAME.fullmatch(name):
        for path in directory.glob(f"*/{name}{SUFFIX}"):
            return path
    raise RecordingBroken(
        f"there is no recording `{name[:40]}`", help="`sallyport sessions` lists them", code="NO_RECORDING"
    )


def heads(directory: Path, wanted: Wanted) -> Iterator[tuple[Path, Head]]:
    """The recordings that somebody looks for; files that are none are left out."""
    for path in files(directory):
        try:
            with path.open("rb") as file:
                head = read_head(file).head
        except (OSError, RecordingBroken):
            continue
        if head.id == path.stem and wanted.admits(head):
            yield path, head


def state_of(path: Path) -> State:
    """How far a recording goes, and what is wrong with its end."""
    chunks, end, digest, trouble = 0, 0, b"", ""
    with path.open("rb") as file:
        try:
            opened = read_head(file)
            digest = opened.digest
            for chunk in read_chunks(file, opened):
                chunks, end, digest = chunk.number + 1, chunk.begins + chunk.spans, chunk.digest
        except RecordingBroken as error:
            trouble = error.code
        size = os.fstat(file.fileno()).st_size
    if trouble in ("TORN", "UNFINISHED") and path.with_suffix(INCOMPLETE).exists():
        trouble = "INCOMPLETE"
    return State(chunks, end / 1000, size, digest, trouble)


def digest_after(path: Path, chunks: int) -> bytes | None:
    """The digest of a recording up to some chunk; None where it has fewer."""
    with path.open("rb") as file:
        try:
            opened = read_head(file)
            if not chunks:
                return opened.digest
            for chunk in read_chunks(file, opened):
                if chunk.number + 1 == chunks:
                    return chunk.digest
        except RecordingBroken:
            return None
    return None


def lines(path: Path, keys: WrappingKeys) -> Iterator[bytes]:
    """The lines of a recording, as far as it goes. Raises RecordingBroken at its end when that is not whole."""
    with path.open("rb") as file:
        opened = read_head(file)
        key = keys.unwrap(opened.head)
        for chunk in read_chunks(file, opened):
            yield from open_chunk(chunk, opened, key).splitlines(keepends=True)


def events(path: Path, keys: WrappingKeys) -> Iterator[Event]:
    """The events of a recording, as far as it goes. Raises RecordingBroken."""
    with path.open("rb") as file:
        shape = read_head(file).head.shape
    try:
        yield from read_events(lines(path, keys), shape)
    except ValueError as error:
        raise RecordingBroken(str(error), code="ALTERED") from error


def put_away(path: Path) -> None:
    """Remove a recording: first the key in its head, then the file. Raises OSError.

    WHY in that order: what a disk or a copy of its blocks still has of the rest cannot be opened then.
    """
    with path.open("r+b") as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(0)
        try:
            read_head(file)
            covered = file.tell()
        except RecordingBroken:
            covered = length
        file.seek(0)
        file.write(bytes(covered))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    path.with_suffix(INCOMPLETE).unlink(missing_ok=True)
