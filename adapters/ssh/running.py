"""Drives the session of one command: the gate's answers, the way to the target, streams in both directions.

Each side is read only as fast as the other takes. Nothing goes to the target before `Run`. Not here: what is decided and
when (`session`), other requests than commands (`channel`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

import asyncssh

from adapters.core.ports import Answer, Outcome, Pending, Recording
from adapters.errors import RecorderFailed
from adapters.ssh.client_end import ClientEnd, Terminal
from adapters.ssh.facts import run_line
from adapters.ssh.hiding import Hiding
from adapters.ssh.session import (
    Ask,
    Await,
    ClientLeft,
    CommandReceived,
    CommandSession,
    Decided,
    Effect,
    End,
    LineOf,
    NotRun,
    Phase,
    Refuse,
    Run,
    Tell,
    TimePassed,
    WakeAt,
    Withdraw,
)
from adapters.ssh.target_session import TargetSession
from adapters.ssh.upstream import TargetUnusable
from adapters.ssh.visit import Visit
from adapters.terminal import messages
from engine.masking.output import ValueMask

MAX_EARLY_INPUT = 256 * 1024
"""Bytes of a client's input kept while its command waits; above, the channel is not read any more."""
MAX_EARLY_SIGNALS = 16
"""Signals kept for a command that is on its way to the target."""
SIGNALS = frozenset(
    {"ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL", "PIPE", "QUIT", "SEGV", "TERM", "USR1", "USR2"}
)
"""What RFC 4254 knows (6.10)."""


class Behind(Protocol):
    """Who reads what stands behind a command's own output."""

    def feed(self, data: bytes) -> bytes:
        """What of this is the command's output."""

    def rest(self) -> bytes:
        """What was kept back and is output after all."""


class CommandRun:
    """One command of one channel."""

    def __init__(
        self,
        visit: Visit,
        client: ClientEnd,
        environment: Mapping[str, str],
        *,
        terminal: Terminal | None = None,
        recording: Recording | None = None,
        line_of: LineOf = run_line,
        masks: Sequence[ValueMask] = (),
        behind: Behind | None = None,
    ) -> None:
        """`terminal`: it runs on one of the target. `recording`: everything the client is shown is recorded there already, by `client`.

        `line_of` makes of the text that was judged what the target is given. `masks`: what is hidden besides what its own grant says.
        """
        self._visit = visit
        self._client = client
        self._environment = environment
        self._terminal = terminal
        self._outer = recording
        self._session = CommandSession(visit.target.shell, visit.notice_seconds, line_of=line_of)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._early: list[bytes] = []
        self._early_size = 0
        self._early_signals: list[str] = []
        self._input_ended = False
        self._client_is_full = False
        self._target: asyncssh.SSHClientChannel[bytes] | None = None
        self._decision_id = ""
        self._began = 0.0
        self._text = b""
        self._recording: Recording | None = None
        self._masks = tuple(masks)
        self._behind = behind
        self._hiding: Hiding | None = None
        self.shown = 0

    # --- the client's side

    def start(self, text: bytes) -> None:
        """Ask about a command, and run it if that is granted."""
        self._text = text
        self._perform(self._session.handle(CommandReceived(text), self._loop.time()))

    def take_input(self, data: bytes) -> None:
        """The client's standard input."""
        if self._target is not None:
            self._feed(self._target, data)
            return
        self._early.append(data)
        self._early_size += len(data)
        if self._early_size > MAX_EARLY_INPUT:
            self._client.pause_reading()

    def end_input(self) -> None:
        """The client has nothing more to say; the command may still answer."""
        self._input_ended = True
        if self._target is not None:
            self._target.write_eof()

    @staticmethod
    def _feed(target: asyncssh.SSHClientChannel[bytes], data: bytes) -> None:
        # WHY looked at first: a command may have ended, or read enough, before its input came.
        if not target.is_closing():
            target.write(data)

    def client_is_full(self, is_full: bool) -> None:
        """The client cannot take more output for now, or can again."""
        self._client_is_full = is_full
        if self._target is not None:
            self._read_target(not is_full)

    def signal(self, name: str) -> None:
        """A signal for the command, also where it is still on its way to the target; for one that is not granted yet, its end."""
        if self.is_undecided:
            self.leave(f"cancelled by the client ({name})" if name in SIGNALS else "cancelled by the client")
            self._exit(messages.CANCELLED)
        elif name not in SIGNALS:
            return
        elif self._target is not None:
            self._target.send_signal(name)
        elif self._session.phase is Phase.RUNNING and len(self._early_signals) < MAX_EARLY_SIGNALS:
            self._early_signals.append(name)

    def take_keys(self, data: bytes) -> None:
        """What is typed at a terminal of the target: its alone, as it was typed, but for a Ctrl-C before it was granted."""
        if self.is_undecided and b"\x03" in data:
            self.signal("INT")
        else:
            self.take_input(data)

    @property
    def is_undecided(self) -> bool:
        """Whether nobody has said yet that it may run, or may not."""
        return self._session.phase in (Phase.ASKED, Phase.WAITING)

    @property
    def is_running(self) -> bool:
        """Whether it runs on the target now."""
        return self._target is not None

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size."""
        if self._terminal is not None and self._target is not None:
            self._target.change_terminal_size(columns, rows)
        if self._outer is not None:
            try:
                self._outer.resized(columns, rows)
            except RecorderFailed:
                self._client.write(b" ")

    def leave(self, reason: str) -> None:
        """The client is gone, or does not want it any more."""
        self._perform(self._session.handle(ClientLeft(reason), self._loop.time()))
        if self._timer is not None:
            self._timer.cancel()
        if self._hiding is not None:
            self._hiding.stop()
        if self._target is not None:
            self._target.abort()
        self._finish("CLIENT_GONE")

    # --- effects

    def _perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            self._perform_one(effect)

    def _perform_one(self, effect: Effect) -> None:
        gate = self._visit.gate
        match effect:
            case Ask(question):
                answer = gate.decide(question)
                if isinstance(answer, Pending):
                    self._visit.spawn(self._await_answer(answer))
                else:
                    self._take(self._decided(answer))
            case Refuse(question, reason):
                self._visit.refuse_question(question, reason)
            case Await(ticket):
                self._visit.spawn(self._await_fate(ticket))
            case Withdraw(ticket, reason):
                gate.withdraw(ticket, reason)
            case Tell(text):
                self.tell(text)
            case Run(line, decision_id, is_recorded, masks):
                self._decision_id, self._began = decision_id, time.perf_counter()
                self._hide((*self._masks, *masks))
                if self._begin_recording(decision_id, is_recorded=is_recorded):
                    self._visit.spawn(self._run(line))
            case NotRun(decision_id, error):
                gate.finished(decision_id, Outcome(error=error))
            case WakeAt(when):
                self._timer = self._loop.call_at(when, self._wake)
            case End(status):
                self._exit(status)

    def _take(self, event: Decided | TimePassed) -> None:
        self._perform(self._session.handle(event, self._loop.time()))

    def _wake(self) -> None:
        if self._client.is_closing():
            self.leave("the client closed its channel")
        else:
            self._take(TimePassed())

    async def _await_answer(self, answer: Pending) -> None:
        self._take(self._decided(await answer))

    async def _await_fate(self, ticket: str) -> None:
        answer = await self._visit.gate.fate(ticket)
        if self._timer is not None:
            self._timer.cancel()
        # WHY looked at first: an unread close stands behind unread input, and nobody would be there to see what ran.
        if self._client.is_closing():
            self._perform(self._session.handle(ClientLeft("the client closed its channel"), self._loop.time()))
        self._take(self._decided(answer))

    def _decided(self, answer: Answer) -> Decided:
        """The event of an answer; where a terminal is recorded, its recording knows of it."""
        if self._outer is not None:
            said = {
                "decision": answer.decision_id,
                "verdict": answer.decision.verdict.value,
                "text": self._text.decode(),
            }
            try:
                self._outer.told(said)
            except RecorderFailed:
                # The next thing that is shown ends it; nothing of this was.
                self._visit.spawn(self._fail_outer())
        return Decided(answer)

    async def _fail_outer(self) -> None:
        self._client.write(b" ")

    def tell(self, text: str) -> None:
        """Write to the client's standard error, as far as somebody is there."""
        if not self._client.is_closing():
            self._client.write_stderr(text.encode())

    def _exit(self, status: int) -> None:
        if not self._client.is_closing():
            self._client.exit(status)

    # --- what is hidden

    def _hide(self, masks: Sequence[ValueMask]) -> None:
        if masks:
            on_terminal = self._terminal is not None
            not_text = None if on_terminal else self._not_text
            self._hiding = Hiding(masks, self._show, is_terminal=on_terminal, not_text=not_text)

    def _not_text(self) -> None:
        """INVARIANT: what cannot be masked is not shown, and ends."""
        self._cut(messages.not_text(), "NOT_TEXT")

    # --- the recording

    def _begin_recording(self, decision_id: str, *, is_recorded: bool) -> bool:
        """Whether it may run: it is recorded, or need not be."""
        gate = self._visit.gate
        if self._outer is not None or (not is_recorded and not gate.records_commands):
            return True
        try:
            self._recording = gate.record(decision_id, None, self._recorder_failed_elsewhere)
            self._recording.told({"decision": decision_id, "verdict": "allow", "text": self._text.decode()})
        except RecorderFailed:
            self._recorder_failed()
            return False
        return True

    def _recorder_failed_elsewhere(self) -> None:
        """The same from another thread."""
        self._loop.call_soon_threadsafe(self._recorder_failed)

    def _recorder_failed(self) -> None:
        """INVARIANT: what cannot be recorded is not shown, and ends."""
        if self._decision_id:
            self._cut(messages.unrecorded(), "RECORDER_FAILED")

    def _cut(self, said: str, error: str) -> None:
        """End it here."""
        if self._hiding is not None:
            self._hiding.stop()
        self.tell(said)
        self._finish(error)
        target, self._target = self._target, None
        if target is not None:
            target.abort()
        if self._is_there:
            self._client.exit(messages.LOST)
        self._session.handle(ClientLeft(error), self._loop.time())

    # --- the target's side

    async def _run(self, line: str) -> None:
        try:
            await self._visit.upstream.run(lambda: TargetSession(self), line, self._environment, self._terminal)
        except TargetUnusable as error:
            if not self._is_there:
                # Whoever left was told so by then, and may be at something else.
                return
            self.tell(messages.target_trouble(str(error)))
            self._finish(error.code)
            self._exit(messages.LOST)

    def attach(self, target: asyncssh.SSHClientChannel[bytes]) -> None:
        """The command runs: give it what the client said meanwhile."""
        if self._session.phase is not Phase.RUNNING:
            target.abort()
            return
        self._target = target
        for data in self._early:
            self._feed(target, data)
        self._early.clear()
        for name in self._early_signals:
            target.send_signal(name)
        self._early_signals.clear()
        if self._input_ended:
            target.write_eof()
        self._client.resume_reading()
        if self._client_is_full:
            self._read_target(False)

    def show(self, data: bytes, datatype: int | None) -> None:
        """What it writes."""
        if datatype is None and self._behind is not None:
            data = self._behind.feed(data)
        if self._hiding is not None:
            self._hiding.push(data, datatype)
        elif data:
            self._show(data, datatype)

    def _show(self, data: bytes, datatype: int | None) -> None:
        """Show something of it, as it is to be seen."""
        if self._recording is not None:
            try:
                self._recording.output(data, is_error=datatype is not None)
            except RecorderFailed:
                self._recorder_failed()
                return
        self.shown += len(data)
        # WHY `_send_state` has to be open: what comes after a close has nobody to read it.
        if not self._client.is_closing():
            self._client.write(data, datatype)

    def target_is_full(self, is_full: bool) -> None:
        """The command does not read its input for now, or does again."""
        if is_full:
            self._client.pause_reading()
        else:
            self._client.resume_reading()

    def target_ended(self, status: int | None, signal: tuple[str, bool, str, str] | None) -> None:
        """The command is over: how it ended, or None and None when nobody knows."""
        self._target = None
        if self._decision_id:
            self._show_rest()
        # WHY looked at again: what was kept back may be no text, which ends it.
        if not self._decision_id:
            return
        if signal is not None:
            name, core_dumped, said, _ = signal
            self._finish(f"SIGNAL_{name}")
            if self._is_there:
                self._client.exit_with_signal(name, core_dumped, messages.plain(said))
        elif status is not None:
            self._finish(f"EXIT_{status}" if status else None, status)
            if self._is_there:
                self._client.exit(status)
        else:
            self.tell(messages.target_trouble("the connection was lost"))
            self._finish("TARGET_LOST")
            if self._is_there:
                self._client.exit(messages.LOST)

    def _show_rest(self) -> None:
        """What was kept back, now that nothing comes any more."""
        rest = self._behind.rest() if self._behind is not None else b""
        if self._hiding is not None:
            self._hiding.push(rest, None)
            self._hiding.finish()
        elif rest:
            self._show(rest, None)

    @property
    def _is_there(self) -> bool:
        """Whether the client can still be told how it ended. Its end of output is no end of the channel."""
        return self._session.phase is Phase.RUNNING

    def _read_target(self, wanted: bool) -> None:
        target = self._target
        if target is not None and wanted:
            target.resume_reading()
        elif target is not None:
            target.pause_reading()

    def _finish(self, error: str | None, status: int | None = None) -> None:
        """Record what became of a granted command, once."""
        if not self._decision_id:
            return
        if self._recording is not None:
            self._recording.end(status)
        decision_id, self._decision_id = self._decision_id, ""
        duration = time.perf_counter() - self._began
        masked = self._hiding.hidden if self._hiding is not None else 0
        outcome = Outcome(bytes=self.shown, duration=duration, error=error, masked=masked)
        self._visit.gate.finished(decision_id, outcome)
