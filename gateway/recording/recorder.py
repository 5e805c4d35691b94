"""Writes recordings: what is shown is taken here first, sealed in chunks, and appended to a file.

A chunk is written when 64 KiB came together or what is kept is half a second old (a thread looks four times a second). So a kill -9 loses
less than a second of a recording and never more than 64 KiB. What cannot be written raises RecorderFailed at the next word, and
`failed` is told at once: whoever records ends its session. One that may stop (best effort) swallows the rest instead, once the audit
knows that it is incomplete from there; where that cannot be told it fails like any other. Below the low-water mark nothing new begins.
Safe from any thread. `tell` puts the digests into the audit. Built by `app`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from adapters.core.ports import Screen
from adapters.errors import RecorderFailed
from engine.request import Json
from gateway.errors import GatewayError, RecordingUnavailable
from gateway.recording.exchanges import EXCHANGES
from gateway.recording.frames import MAX_PLAIN, Head, Sealer, chained, digest_of, write_head
from gateway.recording.keys import WrappingKeys
from gateway.recording.lines import CastLines, CommandLines

CHUNK = 64 << 10
"""Bytes of lines that make a chunk."""
LONGEST_WAIT = 0.5
LOOK_EVERY = 0.25
STOPPED = "incomplete"
FAILED = "RECORDER_FAILED"
TELL_EVERY = 64
"""Chunks between two words to the audit about a recording that goes on."""
SUFFIX = ".srec"
INCOMPLETE = ".incomplete"
"""The file beside a recording that stopped while what it is of went on. The audit has the truth of it."""
_PIECE = 32 << 10
"""Bytes of output in one line: as JSON each can become six."""


@dataclass(frozen=True, slots=True)
class About:
    """Whose recording it is."""

    session: str
    principal: str
    resource: str
    decision_id: str
    job: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a recording has got: `step` is began, continued, ended, failed, or incomplete (it stopped, and what it is of goes on).
    `digest` covers the file up to here; `id` is empty for one that could not be begun."""

    step: str
    id: str
    about: About
    chunks: int
    size: int
    digest: bytes


class Recordings:
    """All recordings that this process writes."""

    def __init__(
        self,
        directory: Path,
        keys: WrappingKeys,
        clock: Callable[[], int],
        tell: Callable[[Progress], None],
        *,
        low_water_bytes: int = 64 << 20,
        free_bytes: Callable[[Path], int] | None = None,
    ) -> None:
        """`clock` is UTC nanoseconds. `tell` raises GatewayError when it cannot write. Raises RecordingUnavailable."""
        self._directory = directory
        self._keys = keys
        self._clock = clock
        self._tell = tell
        self._low_water = low_water_bytes
        self._free_bytes = free_bytes or _free_bytes
        self._open: set[Recording] = set()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise RecordingUnavailable(f"recordings cannot be kept in {directory} ({error.strerror})") from error
        self._keeper = threading.Thread(target=self._keep, name="recording-keeper", daemon=True)
        self._keeper.start()

    def begin(
        self, about: About, screen: Screen | None, failed: Callable[[], None], *, may_stop: bool = False
    ) -> Recording | Stopped:
        """A new recording: of a terminal where there is a screen, else of a command. Raises RecorderFailed.

        `failed` is called, from any thread, when it cannot go on. One that `may_stop` needs not even begin, once the audit knows.
        """
        now = self._clock()
        lines = CommandLines() if screen is None else CastLines(screen, now)
        return self._begin_or_stop(about, lines, now, failed, may_stop=may_stop)

    def begin_exchanges(
        self, about: About, failed: Callable[[], None], *, may_stop: bool = False
    ) -> Recording | Stopped:
        """A new recording of a session's statements or requests; `write` fills it. As `begin`."""
        return self._begin_or_stop(about, CommandLines(EXCHANGES), self._clock(), failed, may_stop=may_stop)

    def _begin_or_stop(
        self,
        about: About,
        lines: CastLines | CommandLines,
        now: int,
        failed: Callable[[], None],
        *,
        may_stop: bool,
    ) -> Recording | Stopped:
        try:
            return self._begin(about, lines, now, failed, may_stop=may_stop)
        except RecorderFailed:
            if not may_stop:
                raise
            try:
                self._tell(Progress(STOPPED, "", about, 0, 0, b""))
            except GatewayError as error:
                raise RecorderFailed("a recording cannot be begun, nor told to the audit", code=FAILED) from error
            return Stopped()

    def _begin(
        self,
        about: About,
        lines: CastLines | CommandLines,
        now: int,
        failed: Callable[[], None],
        *,
        may_stop: bool,
    ) -> Recording:
        name, key = f"r-{secrets.token_hex(8)}", secrets.token_bytes(32)
        wrapped_with, wrapped = self._keys.wrap(key, name)
        head = Head(
            id=name,
            shape=lines.shape,
            started=now,
            session=about.session,
            principal=about.principal,
            resource=about.resource,
            decision_id=about.decision_id,
            job=about.job,
            key=wrapped_with,
            wrapped=wrapped,
        )
        folder = self._directory / datetime.fromtimestamp(now / 1e9, UTC).strftime("%Y-%m-%d")
        try:
            if self._closed.is_set() or self._free_bytes(self._directory) < self._low_water:
                raise RecorderFailed("there is no room for recordings", code="RECORDER_LOW")
            folder.mkdir(exist_ok=True, mode=0o700)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            fd = os.open(folder / f"{name}{SUFFIX}", flags, 0o600)
        except OSError as error:
            raise RecorderFailed(f"a recording cannot be begun ({error.strerror})", code=FAILED) from error
        made = Recording(
            name, about, fd, write_head(head), lines, Sealer(key, digest_of(write_head(head))), self._tell, failed
        )
        made.may_stop = may_stop
        made.beside = folder / f"{name}{INCOMPLETE}"
        made._start(self._open.discard)
        with self._lock:
            self._open.add(made)
        return made

    def close(self) -> None:
        """End what is still open, and take no more."""
        self._closed.set()
        self._keeper.join()
        for one in list(self._open):
            one.end(None)

    def _keep(self) -> None:
        while not self._closed.wait(LOOK_EVERY):
            with self._lock:
                waiting = list(self._open)
            for one in waiting:
                one._flush_old()


class Recording:
    """One recording. Satisfies `adapters.core.ports.Recording`."""

    def __init__(
        self,
        name: str,
        about: About,
        fd: int,
        head: bytes,
        lines: CastLines | CommandLines,
        sealer: Sealer,
        tell: Callable[[Progress], None],
        failed: Callable[[], None],
    ) -> None:
        self.id = name
        self._about = about
        self._fd = fd
        self._head = head
        self._lines = lines
        self._sealer = sealer
        self._tell = tell
        self._failed = failed
        self._over: Callable[[Recording], None] = lambda one: None
        self._lock = threading.RLock()
        self._began = time.monotonic()
        self._kept: list[bytes] = []
        self._kept_size = 0
        self._kept_since = 0
        self._chunks = 0
        self._size = 0
        self._digest = digest_of(head)
        self._trouble = ""
        self.may_stop = False
        """Whether it may stop while what it is of goes on."""
        self.beside: Path | None = None
        """The file that says so."""
        self._has_stopped = False

    def insist(self) -> None:
        """It may not stop any more, whatever was said before. Raises RecorderFailed where it has."""
        with self._lock:
            self.may_stop = False
            if self._has_stopped:
                raise RecorderFailed(self._trouble, code=FAILED)

    def output(self, data: bytes, *, is_error: bool = False) -> None:
        """What is about to be shown. Raises RecorderFailed: then it may not be."""
        with self._lock:
            for start in range(0, len(data), _PIECE):
                self._add(self._lines.output(self._now(), data[start : start + _PIECE], is_error=is_error))

    def resized(self, columns: int, rows: int) -> None:
        """The terminal has another size. Raises RecorderFailed."""
        with self._lock:
            self._add(self._lines.resized(self._now(), columns, rows))

    def told(self, said: Mapping[str, Json]) -> None:
        """A decision, or another word of ours. Raises RecorderFailed."""
        with self._lock:
            self._add(self._lines.told(self._now(), said))

    def write(self, lines: Callable[[int], Iterable[bytes]]) -> None:
        """Lines of an exchange, made for the moment (milliseconds since the beginning) at which they are taken. Raises RecorderFailed."""
        with self._lock:
            for line in lines(self._now()):
                self._add(line)

    def end(self, status: int | None) -> None:
        """Close it. Never raises: what could not be written is told to the audit."""
        with self._lock:
            if self._fd < 0:
                return
            if self._has_stopped:
                self._close()
                return
            try:
                self._add(self._lines.ended(self._now(), status))
                self._write(is_last=True)
                os.fsync(self._fd)
                self._tell(self._progress("ended"))
            except (RecorderFailed, OSError, GatewayError):
                self._give_up("the end could not be written")
            finally:
                self._close()

    # --- within

    def _start(self, over: Callable[[Recording], None]) -> None:
        self._over = over
        with self._lock:
            try:
                self._append(self._head)
                self._add(self._lines.first())
                self._tell(self._progress("began"))
            except (OSError, GatewayError) as error:
                self._close()
                raise RecorderFailed("a recording cannot be begun", code=FAILED) from error

    def _now(self) -> int:
        return int((time.monotonic() - self._began) * 1000)

    def _add(self, lines: bytes) -> None:
        if self._has_stopped:
            return
        if self._trouble or self._fd < 0:
            raise RecorderFailed(self._trouble or "the recording is over", code=FAILED)
        if not lines:
            return
        if self._kept_size + len(lines) > MAX_PLAIN:
            self._write()
        if not self._kept:
            self._kept_since = self._now()
        self._kept.append(lines)
        self._kept_size += len(lines)
        if self._kept_size >= CHUNK:
            self._write()

    def _write(self, *, is_last: bool = False) -> None:
        plain = b"".join(self._kept)
        chunk = self._sealer.seal(plain, self._kept_since, self._now() - self._kept_since, is_last=is_last)
        self._kept.clear()
        self._kept_size = 0
        try:
            self._append(chunk)
            self._digest = chained(self._digest, chunk)
            self._chunks += 1
            if self._chunks % TELL_EVERY == 0 and not is_last:
                self._tell(self._progress("continued"))
        except (OSError, GatewayError) as error:
            self._give_up("a chunk could not be written")
            if not self._has_stopped:
                raise RecorderFailed(self._trouble, code=FAILED) from error

    def _append(self, data: bytes) -> None:
        done = os.write(self._fd, data)
        self._size += done
        if done != len(data):
            raise OSError("a write came out short")

    def _flush_old(self) -> None:
        with self._lock:
            if (
                self._kept
                and not self._trouble
                and (self._now() - self._kept_since) / 1000 >= LONGEST_WAIT - LOOK_EVERY
            ):
                try:
                    self._write()
                except RecorderFailed:
                    return  # WHY: `failed` was told, and the next word is refused

    def _give_up(self, why: str) -> None:
        """INVARIANT: once failed, failed; a recording with a hole in it is none."""
        if self._trouble:
            return
        self._trouble = why
        try:
            self._tell(self._progress(STOPPED if self.may_stop else "failed"))
            # INVARIANT: nothing goes on unrecorded of which the audit does not know.
            self._has_stopped = self.may_stop
        except GatewayError:
            self._trouble = f"{why}, nor told to the audit"
        if self._has_stopped:
            self._note_beside()
            return
        with contextlib.suppress(RuntimeError):  # WHY: whoever records may be gone with its loop
            self._failed()

    def _note_beside(self) -> None:
        if self.beside is not None:
            with contextlib.suppress(OSError):  # WHY: there may be no room for it either, and the audit knows
                self.beside.touch(0o600)

    def _progress(self, step: str) -> Progress:
        return Progress(step, self.id, self._about, self._chunks, self._size, self._digest)

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._over(self)


class Stopped:
    """A recording that could not be begun, of something that goes on without one. Satisfies `adapters.core.ports.Recording`."""

    id = ""

    def output(self, data: bytes, *, is_error: bool = False) -> None:
        """Nothing."""

    def resized(self, columns: int, rows: int) -> None:
        """Nothing."""

    def told(self, said: Mapping[str, Json]) -> None:
        """Nothing."""

    def write(self, lines: Callable[[int], Iterable[bytes]]) -> None:
        """Nothing."""

    def insist(self) -> None:
        """Raises RecorderFailed: there is none."""
        raise RecorderFailed("there is no recording of this", code=FAILED)

    def end(self, status: int | None) -> None:
        """Nothing."""


def _free_bytes(directory: Path) -> int:
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize
