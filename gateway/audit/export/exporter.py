"""One export: reads what is new in the log, gives it to a sink, remembers how far that came. A thread of its own.

- The log is the queue: a receiver that is away delays its events, and costs nobody a decision.
- What was given over is remembered after it was taken: a crash in between sends it again, under the same uid.
- What a receiver refuses for good is tried alone and, if it is refused alone, kept in a file beside the cursor
  (`NAME.refused`), counted and told; then the export goes on.

Called by `gateway.app`.
"""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.audit.export.cursor import Cursor
from gateway.audit.export.events import MAX_EVENTS, Event, NotYet, Sink, SinkFailed
from gateway.audit.export.file import FileSink
from gateway.audit.export.follow import Follower
from gateway.audit.tail import number_of
from gateway.errors import AuditUnavailable, GatewayError
from gateway.telemetry import logger
from gateway.turns import short_turns

MAX_BATCH_BYTES = 1 << 20
MAX_SKIPPED = 4096
"""Entries that are of no interest, after which the place is noted down all the same."""
LOOK_SECONDS = 0.2
FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0
CLOSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Export:
    """What one export is: the log's folder and name, where it keeps its place, who takes the events.

    `shape` makes the event of a line, or None of one that is of no interest here; it raises NotYet for one that has to wait.
    """

    name: str
    directory: Path
    log: str
    state: Path
    sink: Sink
    shape: Callable[[bytes], Event | None]


class Exporter:
    """Runs one export. `start` it, `close` it."""

    def __init__(
        self,
        export: Export,
        *,
        failed: Callable[[], None] = lambda: None,
        wait: Callable[[float], float] = lambda seconds: seconds * random.uniform(0.5, 1.0),  # no secret
    ) -> None:
        """`failed` is told of each failure; `wait` spreads the tries of many. Raises AuditUnavailable for an unusable place."""
        self._export = export
        self._failed = failed
        self._wait = wait
        try:
            export.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise AuditUnavailable(f"`{export.state}` cannot be made ({error.strerror})") from error
        self._cursor = Cursor(export.state / export.name, export.log)
        self._follower = Follower(export.directory, self._cursor.seq)
        self._refused = FileSink(export.state / f"{export.name}.refused")
        self._lines: list[bytes] = []
        """Read, and not shaped yet: what cannot be shaped now is shaped later, and not lost."""
        self._left: list[Event] = []
        self._reached = self._cursor.seq
        """The last entry that was read and is done with, or waits in `_left`."""
        self._has_taken = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"export-{export.name}", daemon=True)
        self.trouble = ""
        """What the receiver has against it at the moment."""
        self.refused = 0
        """How many events it refused for good since the start."""

    @property
    def name(self) -> str:
        return self._export.name

    @property
    def seq(self) -> int:
        """The last entry that is done with: the receiver has it, or it is of no interest."""
        return self._left[0].seq - 1 if self._left else self._reached

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def close(self) -> None:
        """Send what is there as long as it is taken, then stop; the rest goes after the next start."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        pause = 0.0
        while not self._ended.wait(pause):
            pause = self._turn(pause)
        while not self.trouble and self.step():
            pass
        with contextlib.suppress(AuditUnavailable):  # WHY: without it only more is looked at again after the next start
            self._note_skipped(0)
        self._export.sink.close()

    def _turn(self, before: float) -> float:
        """One step, and how long to wait for the next."""
        if self.step():
            return 0.0
        if not self.trouble:
            return LOOK_SECONDS
        return self._wait(min(LONGEST_WAIT, max(FIRST_WAIT, before * 2)))

    def step(self) -> bool:
        """Give over the next events. Whether there were any, and the sink took them; `trouble` says why not. Never raises."""
        try:
            batch = self._next()
            if batch:
                self._give(batch)
            else:
                self._note_skipped(MAX_SKIPPED)
        except GatewayError as error:
            if self.trouble != str(error):
                logger("export").warning("the audit is not sent on", export=self.name, problem=str(error))
            self.trouble = str(error)
            self._failed()
            return False
        if self.trouble:
            logger("export").info("the audit is sent on again", export=self.name)
            self.trouble = ""
        return bool(batch)

    def _next(self) -> Sequence[Event]:
        while not self._left:
            self._lines = self._lines or self._follower.take(MAX_EVENTS)
            if not self._lines:
                break
            if not self._shape():
                break
        size = count = 0
        for event in self._left[: self._export.sink.max_events]:
            size += len(event.body)
            if count and size > MAX_BATCH_BYTES:
                break
            count += 1
        return self._left[:count]

    def _shape(self) -> bool:
        """Make events of the lines that were read, up to one that is not to be told of yet. Whether any line was done with."""
        found: list[Event] = []
        done = 0
        with short_turns():
            for line in self._lines:
                try:
                    event = self._export.shape(line)
                except NotYet:
                    break
                done += 1
                if event is not None:
                    found.append(event)
        if done:
            self._left = found
            self._reached = number_of(self._lines[done - 1]) or self._reached
            del self._lines[:done]
        return bool(done)

    def _note_skipped(self, most: int) -> None:
        """Note down how far it has come, when that is more than `most` entries of no interest."""
        if not self._left and self._reached - self._cursor.seq > most:
            self._cursor.move(self._reached)

    def _give(self, batch: Sequence[Event]) -> None:
        try:
            self._export.sink.send(batch)
            self._has_taken = True
        except SinkFailed as error:
            if not error.is_final:
                raise
            self._give_singly(batch, error)
        self._cursor.move(batch[-1].seq)
        del self._left[: len(batch)]

    def _give_singly(self, batch: Sequence[Event], refusal: SinkFailed) -> None:
        """Find what the receiver does not want, and put it aside. One that takes nothing at all is not in order: that is no
        fault of what it was sent, and everything waits."""
        unwanted = []
        for event in batch:
            try:
                self._export.sink.send((event,))
                self._has_taken = True
            except SinkFailed as error:
                if not error.is_final:
                    raise
                unwanted.append(event)
        if not self._has_taken:
            raise refusal
        for event in unwanted:
            self._refused.send((event,))
            self.refused += 1
            logger("export").error(
                "an event was refused for good", export=self.name, uid=event.uid, problem=str(refusal)
            )
            self._failed()
