"""Terminals of the target: a raw shell, or a command on a terminal. What is typed there is judged by nobody; all that is shown is recorded.

INVARIANT: neither without a grant of its own (`shell raw`, `terminal`) that says `record`. A command on a terminal is judged as
a command besides. Where a policy grants no terminal, the command runs without one, and lines are kept here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import asyncssh

from adapters.core.ports import Answer, Outcome
from adapters.errors import RecorderFailed
from adapters.ssh.asking import Asker, NotGranted
from adapters.ssh.client_end import ClientEnd, Display, Terminal
from adapters.ssh.facts import request_question
from adapters.ssh.hiding import Hiding
from adapters.ssh.running import SIGNALS, CommandRun
from adapters.ssh.session import wants_record
from adapters.ssh.target_session import TargetSession
from adapters.ssh.upstream import TargetUnusable
from adapters.ssh.visit import Visit
from adapters.terminal import messages
from adapters.terminal.discipline import Discipline, Echo, End, Give, Signal
from adapters.terminal.masks import masks_granted

MAX_EARLY = 64 * 1024


class Idle:
    """Ends what nobody types at."""

    def __init__(self, seconds: float, over: Callable[[], None]) -> None:
        self._seconds = seconds
        self._over = over
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        if seconds > 0:
            self._look()

    def heard(self) -> None:
        """Somebody typed."""
        self._heard = self._loop.time()

    def stop(self) -> None:
        """It is over."""
        self._seconds = 0
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        if self._seconds <= 0:
            return
        if self._loop.time() - self._heard >= self._seconds:
            self._over()
        else:
            self._timer = self._loop.call_at(self._heard + self._seconds, self._look)


async def granted_with_record(visit: Visit, asker: Asker, word: str, *values: str) -> Answer:
    """The answer that lets a terminal be. Raises NotGranted, also for a grant that does not say `record`."""
    answer = await asker.granted(request_question(word, *values), can_record=True, can_mask=True)
    if not wants_record(answer):
        # WHY: whoever allows everything has not thought of this; a policy has to say that recording is all there is.
        visit.gate.finished(answer.decision_id, Outcome(error="NOT_RECORDED"))
        raise NotGranted(messages.refused("a terminal", "a policy has to allow it with `record`"), code="NOT_RECORDED")
    return answer


class RawShell:
    """The target's own login shell on a terminal of its own."""

    def __init__(self, visit: Visit, client: ClientEnd, environment: Mapping[str, str], terminal: Terminal) -> None:
        self._visit = visit
        self._client = client
        self._environment = environment
        self._terminal = terminal
        self._loop = asyncio.get_running_loop()
        self._display = Display(client, None, self._recorder_failed, cooks=False)
        self._asker = Asker(visit, lambda said: self._display.write_stderr(said.encode()))
        self._decision_id = ""
        self._began = 0.0
        self._idle: Idle | None = None
        self._target: asyncssh.SSHClientChannel[bytes] | None = None
        self._early = bytearray()
        self._hiding: Hiding | None = None
        self._is_over = False

    @property
    def is_waiting(self) -> bool:
        """Whether it stands: what runs there nobody sees, so that all that counts is whether somebody types."""
        return self._target is not None

    def start(self) -> None:
        """Ask, and open it when it is granted."""
        self._visit.spawn(self._open())

    async def _open(self) -> None:
        try:
            answer = await granted_with_record(self._visit, self._asker, "shell raw")
        except NotGranted as error:
            self._end(str(error), messages.REFUSED)
            return
        self._decision_id, self._began = answer.decision_id, time.perf_counter()
        masks = masks_granted(answer)
        if masks:
            self._hiding = Hiding(masks, lambda data, _: self._display.write(data), is_terminal=True)
        try:
            self._display.recording = self._visit.gate.record(
                answer.decision_id, self._terminal.screen, self._recorder_failed_elsewhere
            )
            self._display.recording.told({"decision": answer.decision_id, "verdict": "allow", "text": "shell raw"})
        except RecorderFailed:
            self._recorder_failed()
            return
        self._display.write_stderr(messages.recorded_only().encode())
        try:
            await self._visit.upstream.run(lambda: TargetSession(self), None, self._environment, self._terminal)
        except TargetUnusable as error:
            self._end(messages.target_trouble(str(error)), messages.LOST, error.code)

    # --- the target's side

    def attach(self, target: asyncssh.SSHClientChannel[bytes]) -> None:
        """It runs."""
        if self._is_over:
            target.abort()
            return
        self._target = target
        self._idle = Idle(self._visit.idle_seconds, self._nobody_types)
        if self._early:
            target.write(bytes(self._early))
            self._early.clear()
        self._client.resume_reading()

    def show(self, data: bytes, datatype: int | None) -> None:
        """Its output."""
        if self._hiding is not None:
            self._hiding.push(data, None)
        else:
            self._display.write(data)

    def target_is_full(self, is_full: bool) -> None:
        """It does not read for now, or does again."""
        if is_full:
            self._client.pause_reading()
        else:
            self._client.resume_reading()

    def target_ended(self, status: int | None, signal: tuple[str, bool, str, str] | None) -> None:
        """It is over."""
        self._target = None
        if self._is_over:
            return
        if self._hiding is not None:
            self._hiding.finish()
        if signal is not None:
            self._finish(f"SIGNAL_{signal[0]}", None)
            self._client.exit_with_signal(signal[0], signal[1], messages.plain(signal[2]))
        elif status is not None:
            self._finish(f"EXIT_{status}" if status else None, status)
            self._client.exit(status)
        else:
            self._end(messages.target_trouble("the connection was lost"), messages.LOST, "TARGET_LOST")

    # --- the client's side

    def take_input(self, data: bytes) -> None:
        """What is typed."""
        if self._idle is not None:
            self._idle.heard()
        if self._target is not None and not self._target.is_closing():
            self._target.write(data)
        elif self._target is None:
            self._early += data
            if b"\x03" in data and not self._decision_id:
                # While it waits for people, Ctrl-C takes it back.
                self._asker.leave()
                self._end("", messages.CANCELLED)
            if len(self._early) > MAX_EARLY:
                self._client.pause_reading()

    def end_input(self) -> None:
        """The client types no more."""
        if self._target is not None:
            self._target.write_eof()

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size."""
        if self._target is not None:
            self._target.change_terminal_size(columns, rows)
        if self._display.recording is not None:
            try:
                self._display.recording.resized(columns, rows)
            except RecorderFailed:
                self._display.fail()

    def signal(self, name: str) -> None:
        """A signal for what runs there."""
        if self._target is not None and name in SIGNALS:
            self._target.send_signal(name)

    def client_is_full(self, is_full: bool) -> None:
        """The client cannot take more for now, or can again."""
        if self._target is not None and is_full:
            self._target.pause_reading()
        elif self._target is not None:
            self._target.resume_reading()

    def leave(self, reason: str) -> None:
        """The client is gone."""
        self._asker.leave()
        self._stop("CLIENT_GONE")

    # --- endings

    def _nobody_types(self) -> None:
        self._end(messages.idle(self._visit.idle_seconds), messages.LOST, "IDLE")

    def _recorder_failed_elsewhere(self) -> None:
        self._loop.call_soon_threadsafe(self._display.fail)

    def _recorder_failed(self) -> None:
        """INVARIANT: what cannot be recorded is not shown, and ends. The word why is all that is shown unrecorded."""
        if not self._is_over:
            self._client.write_stderr(messages.unrecorded().encode())
            self._stop("RECORDER_FAILED")
            self._client.exit(messages.LOST)

    def _end(self, said: str, status: int, error: str = "NOT_RUN") -> None:
        if self._is_over:
            return
        if said:
            self._display.write_stderr(said.encode())
        self._stop(error)
        self._client.exit(status)

    def _stop(self, error: str) -> None:
        target, self._target = self._target, None
        self._finish(error, None)
        if target is not None:
            target.abort()

    def _finish(self, error: str | None, status: int | None) -> None:
        """Record what became of it, once."""
        if self._is_over:
            return
        self._is_over = True
        if self._hiding is not None:
            self._hiding.stop()
        if self._idle is not None:
            self._idle.stop()
        if self._display.recording is not None:
            self._display.recording.end(status)
        if self._decision_id:
            decision_id, self._decision_id = self._decision_id, ""
            duration, masked = time.perf_counter() - self._began, self._hiding.hidden if self._hiding is not None else 0
            outcome = Outcome(bytes=self._display.shown, duration=duration, error=error, masked=masked)
            self._visit.gate.finished(decision_id, outcome)


class CommandOnTerminal:
    """A command that a client wants on a terminal: on one of the target where that is granted, else without, as lines."""

    def __init__(self, visit: Visit, client: ClientEnd, environment: Mapping[str, str], terminal: Terminal) -> None:
        self._visit = visit
        self._client = client
        self._environment = environment
        self._terminal = terminal
        self._display = Display(client, None, self._recorder_failed, cooks=True)
        self._asker = Asker(visit, lambda said: self._display.write_stderr(said.encode()))
        self._loop = asyncio.get_running_loop()
        self._discipline = Discipline()
        self._run: CommandRun | None = None
        self._idle: Idle | None = None
        self._is_raw = self._has_left = self._has_no_more = self._client_is_full = False
        self._early = bytearray()
        self._grant = ""

    def start(self, text: bytes) -> None:
        """Ask for the terminal, then about the command."""
        self._visit.spawn(self._open(text))

    async def _open(self, text: bytes) -> None:
        try:
            answer = await granted_with_record(self._visit, self._asker, "terminal")
        except NotGranted:
            if self._has_left:
                # INVARIANT: who has left without a terminal does not get a command without one.
                return
            self._display.write_stderr(messages.without_terminal().encode())
            self._run = CommandRun(self._visit, self._display, self._environment)
        else:
            self._grant, self._is_raw = answer.decision_id, True
            try:
                self._display.recording = self._visit.gate.record(
                    answer.decision_id, self._terminal.screen, self._recorder_failed_elsewhere
                )
            except RecorderFailed:
                self._recorder_failed()
                return
            self._display.cooks = False
            self._idle = Idle(self._visit.idle_seconds, self._nobody_types)
            self._run = CommandRun(
                self._visit,
                self._display,
                self._environment,
                terminal=self._terminal,
                recording=self._display.recording,
                masks=masks_granted(answer),
            )
        self._run.start(text)
        early, self._early = bytes(self._early), bytearray()
        if early:
            self._client.resume_reading()
            self.take_input(early)
        if self._has_no_more:
            self._run.end_input()

    # --- the client's side

    def take_input(self, data: bytes) -> None:
        """What is typed."""
        if self._idle is not None:
            self._idle.heard()
        if self._run is None:
            self._keep(data)
            return
        if self._is_raw:
            # WHY also before it runs: what it will be typed is its own, and no lines of ours.
            self._run.take_keys(data)
            return
        for act in self._discipline.feed(data):
            match act:
                case Echo(shown):
                    # WHY not always: whoever takes nothing could have us keep the echo of all they type.
                    self._display.write(b"" if self._client_is_full else shown)
                case Give(line):
                    self._run.take_input(line)
                case Signal(name):
                    self._run.signal(name)
                case End():
                    self._run.end_input()

    def _keep(self, data: bytes) -> None:
        """Keep what is typed while the terminal is asked about; Ctrl-C takes the question back."""
        self._early += data
        if b"\x03" in data and not self._has_left:
            self._has_left = True
            self._asker.leave()
            self._client.exit(messages.CANCELLED)
        elif len(self._early) > MAX_EARLY:
            self._client.pause_reading()

    def end_input(self) -> None:
        """The client types no more."""
        self._has_no_more = True
        if self._run is not None:
            self._run.end_input()

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size."""
        if self._run is not None:
            self._run.resize(columns, rows)

    def signal(self, name: str) -> None:
        """A signal for the command."""
        if self._run is not None:
            self._run.signal(name)

    def client_is_full(self, is_full: bool) -> None:
        """The client cannot take more for now, or can again."""
        self._client_is_full = is_full
        if self._run is not None:
            self._run.client_is_full(is_full)

    def leave(self, reason: str) -> None:
        """The client is gone."""
        self._has_left = True
        self._asker.leave()
        if self._run is not None:
            self._run.leave(reason)
        self._finish()

    def _nobody_types(self) -> None:
        self._display.write_stderr(messages.idle(self._visit.idle_seconds).encode())
        if self._run is not None:
            self._run.leave("nobody typed")
        self._finish()
        self._client.exit(messages.LOST)

    def _recorder_failed_elsewhere(self) -> None:
        self._loop.call_soon_threadsafe(self._display.fail)

    def _recorder_failed(self) -> None:
        self._client.write_stderr(messages.unrecorded().encode())
        if self._run is not None:
            self._run.leave("the recorder failed")
        self._finish("RECORDER_FAILED")
        if not self._client.is_closing():
            self._client.exit(messages.LOST)

    def _finish(self, error: str | None = None) -> None:
        if self._idle is not None:
            self._idle.stop()
        if self._display.recording is not None:
            self._display.recording.end(None)
        if self._grant:
            grant, self._grant = self._grant, ""
            self._visit.gate.finished(grant, Outcome(bytes=self._display.shown, error=error))
