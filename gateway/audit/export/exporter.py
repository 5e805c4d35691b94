"""One export: reads what is new in the log, gives it to a sink, remembers how far that came. A thread of its own.

- The log is the queue: a receiver that is away delays its events, and costs nobody a decision.
- What was given over is remembered after it was taken: a crash in between sends it again, under the same uid.
- What a receiver refuses for good is tried alone and, if it is refused alone, kept in a file beside the cursor
  (`NAME.refused`), counted and told; then the export goes on.
- Whatever a receiver says, or a bug of ours raises, the export goes on, and its trouble is told.

Called by `gateway.app`.
"""

from __future__ import annotations

import random
import threading
import time
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
from gateway.tending import caught, told_of
from gateway.turns import short_turns

MAX_BATCH_BYTES = 1 << 20
PROBED = 16
"""Events that are tried, one by one, before a receiver that refused the first for good is believed to take none at all."""
MAX_SKIPPED = 4096
"""Entries that are of no interest, after which the place is noted down all the same."""
SEAL_SECONDS = 60.0
"""Between one checkpoint that is given over and the next."""
LOOK_SECONDS = 0.2
FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0
CLOSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Export:
    """What one export is: the log's folder and name, where it keeps its place, who takes the events.

    `seal` gives the event of the log's newest checkpoint, None where there is none: with it a receiver notices a log that is cut
    off together with its checkpoints. `shape` makes the event of a line, or None of one that is of no interest here; it raises NotYet for one that has to wait.
    """

    name: str
    directory: Path
    log: str
    state: Path
    sink: Sink
    shape: Callable[[bytes], Event | None]
    seal: Callable[[], Event | None] = lambda: None


class Exporter:
    """Runs one export. `start` it, `close` it."""

    def __init__(
        self,
        export: Export,
        *,
        failed: Callable[[], None] = lambda: None,
        wait: Callable[[float], float] = lambda seconds: seconds * random.uniform(0.5, 1.0),  # no secret
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`failed` is told of each failure; `wait` spreads the tries of many. Raises AuditUnavailable for an unusable place."""
        self._export = export
        self._failed = failed
        self._wait = wait
        self._clock = clock
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
        self._has_taken = self._has_given = False
        self._sealed, self._next_seal = "", 0.0
        self._least_wait = 0.0
        """Seconds for which the receiver wants to be left alone."""
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
        if not self.trouble:
            caught(self._give_seal)
        # WHY whatever comes of it: without it only more is looked at again after the next start.
        caught(lambda: self._note_skipped(0))
        caught(self._export.sink.close)

    def _turn(self, before: float) -> float:
        """One step, and how long to wait for the next."""
        if self.step():
            return 0.0
        if not self.trouble:
            return LOOK_SECONDS
        return max(self._least_wait, self._wait(min(LONGEST_WAIT, max(FIRST_WAIT, min(before, LONGEST_WAIT) * 2))))

    def step(self) -> bool:
        """Give over the next events. Whether there were any, and the sink took them; `trouble` says why not. Never raises."""
        self._has_given = False
        error = caught(self._send)
        if error is not None:
            problem = told_of(error)
            if self.trouble != problem:
                told = None if isinstance(error, GatewayError) else error
                logger("export").warning("the audit is not sent on", export=self.name, problem=problem, exc_info=told)
            self.trouble = problem
            self._least_wait = error.wait if isinstance(error, SinkFailed) else 0.0
            self._failed()
            return False
        if self.trouble:
            logger("export").info("the audit is sent on again", export=self.name)
            self.trouble, self._least_wait = "", 0.0
        return self._has_given

    def _send(self) -> None:
        batch = self._next()
        if batch:
            self._give(batch)
            self._has_given = True
        else:
            self._note_skipped(MAX_SKIPPED)
        if self._clock() >= self._next_seal:
            self._give_seal()

    def _give_seal(self) -> None:
        """Give over the newest checkpoint, where it is a new one. It has no place in the log: what is lost, a later one makes up for."""
        event = self._export.seal()
        if event is not None and event.uid != self._sealed:
            try:
                self._export.sink.send((event,))
            except SinkFailed as error:
                if not error.is_final:
                    raise
                logger("export").error("a checkpoint was refused for good", export=self.name, problem=str(error))
            self._sealed = event.uid
        self._next_seal = self._clock() + SEAL_SECONDS

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
            self._left += found
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
            batch = self._give_singly(self._probed(batch), error)
        self._cursor.move(batch[-1].seq)
        del self._left[: len(batch)]

    def _probed(self, batch: Sequence[Event]) -> Sequence[Event]:
        """The events that tell a receiver which refuses one from a receiver that refuses all: more than the one, where there are."""
        if self._has_taken or len(batch) >= PROBED:
            return batch
        if len(self._left) < PROBED:
            self._lines = self._lines or self._follower.take(MAX_EVENTS)
            self._shape()
        return self._left[:PROBED]

    def _give_singly(self, batch: Sequence[Event], refusal: SinkFailed) -> Sequence[Event]:
        """Find what the receiver does not want, and put it aside; gives what is done with. One that takes nothing at all is
        not in order: that is no fault of what it was sent, and everything waits."""
        unwanted = []
        for number, event in enumerate(batch, 1):
            if number > 1 and self._has_taken and self._export.sink.max_events == 1:
                batch = batch[: number - 1]
                break
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
        return batch
