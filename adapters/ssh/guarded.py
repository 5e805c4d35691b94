"""The guarded shell: a line editor here, each whole command judged as an `exec` is, then run on the target in a bash of its own.

    EDITING --command--> RUNNING (asked, held, on the target) --ended--> EDITING      EDITING --Tab--> LISTING --> EDITING

INVARIANT: what a client types reaches the target only as the text of a question that was granted (`running`), or as input of such a
command. Everything that is shown is recorded first. What is kept between lines: `shell_state`.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from enum import StrEnum

from adapters.core.ports import Outcome
from adapters.errors import RecorderFailed
from adapters.ssh.asking import Asker, NotGranted
from adapters.ssh.client_end import ClientEnd, Display, Terminal
from adapters.ssh.completing import Completer
from adapters.ssh.facts import command_question, line_of, request_question
from adapters.ssh.running import CommandRun
from adapters.ssh.target_session import TargetSession
from adapters.ssh.terminals import Idle, granted_with_record
from adapters.ssh.upstream import TargetUnusable
from adapters.ssh.visit import Visit
from adapters.terminal import messages
from adapters.terminal.discipline import Discipline, Echo, End, Give, Signal
from adapters.terminal.editor import Completing, Editor, Event, Interrupted, Left, Submitted
from adapters.terminal.masks import as_masked, masks_granted
from adapters.terminal.shell_state import ShellState, StateReader, first_state, next_state
from adapters.terminal.submitted import Exit, Line, NotHere, Nothing, OnScreen, Unfinished, submission
from engine.command.tree import Command
from engine.masking.output import ValueMask

SECURE_PAGER = "export LESSSECURE='1'"
"""Stands before programs of the whole screen: `less` runs no commands then."""


INTERRUPT_SECONDS = 2.0
"""After which people are told that what they interrupted still runs."""


class Mode(StrEnum):
    """Whose keys those of the client are."""

    OPENING = "opening"
    EDITING = "editing"
    RUNNING = "running"
    SCREEN = "screen"
    LISTING = "listing"
    OVER = "over"


class LineEnd:
    """A running line's way to the screen: the state behind its output taken off, its output shown, its end told to the shell."""

    def __init__(self, shell: GuardedShell, display: Display, reader: StateReader | None) -> None:
        self._shell = shell
        self._display = display
        self._reader = reader
        self.fields: list[bytes] | None = None

    def feed(self, data: bytes) -> bytes:
        """What the line itself wrote, without the state behind it."""
        return data if self._reader is None else self._reader.feed(data)

    def rest(self) -> bytes:
        """What was taken for a state and is none; the state is known now."""
        if self._reader is None:
            return b""
        rest, self.fields = self._reader.end()
        return rest

    def write(self, data: bytes, datatype: int | None = None) -> None:
        """Output."""
        self._display.write(data)

    def write_stderr(self, data: bytes) -> None:
        """A word of ours."""
        self._display.write_stderr(data)

    def exit(self, status: int) -> None:
        """The line is over."""
        self._shell.line_ended(self, status)

    def exit_with_signal(self, signal: str, core_dumped: bool = False, msg: str = "") -> None:
        """It was ended."""
        self.exit(messages.CANCELLED)

    def is_closing(self) -> bool:
        return self._display.is_closing()

    def pause_reading(self) -> None:
        self._display.pause_reading()

    def resume_reading(self) -> None:
        self._display.resume_reading()


class _Probe:
    """Hears what a new shell on the target is like."""

    def __init__(self, nonce: str) -> None:
        self._reader = StateReader(nonce)
        self.done: asyncio.Future[ShellState | None] = asyncio.get_running_loop().create_future()

    def attach(self, target: object) -> None:
        """It runs."""

    def show(self, data: bytes, datatype: int | None) -> None:
        """Its output. WHY what is no state is thrown away: start files of the account may greet."""
        if datatype is None:
            self._reader.feed(data)

    def target_is_full(self, is_full: bool) -> None:
        """It gets no input."""

    def target_ended(self, status: int | None, signal: tuple[str, bool, str, str] | None) -> None:
        """It is over."""
        _, fields = self._reader.end()
        if not self.done.done():
            self.done.set_result(None if fields is None else first_state(fields))


class GuardedShell:
    """One guarded shell of one channel."""

    def __init__(self, visit: Visit, client: ClientEnd, environment: Mapping[str, str], terminal: Terminal) -> None:
        self._visit = visit
        self._client = client
        self._environment = environment
        self._terminal = terminal
        self._loop = asyncio.get_running_loop()
        self._display = Display(client, None, self._recorder_failed, cooks=True)
        self._asker = Asker(visit, lambda said: self._display.write_stderr(said.encode()))
        self._editor = Editor(terminal.screen.columns)
        self._discipline = Discipline()
        self._state = ShellState("/", "/")
        self._mode = Mode.OPENING
        self._run: CommandRun | None = None
        self._interrupted: CommandRun | None = None
        self._end_of_line: LineEnd | None = None
        self._idle: Idle | None = None
        self._completer = Completer(visit, lambda path: as_masked(path, self._masks) == path)
        self._has_no_more = self._client_is_full = False
        self._decision_id = ""
        self._masks: tuple[ValueMask, ...] = ()
        self._began = time.perf_counter()

    def start(self) -> None:
        """Ask for it, and open it when it is granted."""
        self._visit.spawn(self._open())

    async def _open(self) -> None:
        try:
            answer = await self._asker.granted(request_question("shell guarded"), can_record=True, can_mask=True)
        except NotGranted as error:
            self._end(messages.REFUSED, str(error), "NOT_RUN")
            return
        self._decision_id, self._masks = answer.decision_id, masks_granted(answer)
        try:
            recording = self._visit.gate.record(
                answer.decision_id, self._terminal.screen, self._recorder_failed_elsewhere
            )
            recording.told({"decision": answer.decision_id, "verdict": "allow", "text": "shell guarded"})
        except RecorderFailed:
            self._recorder_failed()
            return
        self._display.recording = recording
        try:
            found = await self._probe()
        except TargetUnusable as error:
            self._end(messages.LOST, messages.target_trouble(str(error)), error.code)
            return
        if found is None:
            self._end(messages.LOST, messages.target_trouble("it has no bash that works"), "NO_SHELL")
            return
        if self._mode is Mode.OVER:
            return
        self._state = found
        self._idle = Idle(self._visit.idle_seconds, self._nobody_types)
        self._display.write_stderr(messages.guarded().encode())
        self._ask_for_line()
        # What was typed meanwhile.
        self._edit()

    async def _probe(self) -> ShellState | None:
        """The state of a new shell on the target: it runs nothing of anybody's."""
        nonce = f"n{secrets.token_hex(16)}"
        probe = _Probe(nonce)
        line = line_of(nonce)(":", self._visit.target.shell)
        await self._visit.upstream.run(lambda: TargetSession(probe), line, self._environment)
        try:
            async with asyncio.timeout(20):
                return await probe.done
        except TimeoutError:
            return None

    @property
    def is_waiting(self) -> bool:
        """Whether somebody edits a line, or could."""
        return self._mode in (Mode.EDITING, Mode.LISTING, Mode.OVER)

    # --- the client's side

    def take_input(self, data: bytes) -> None:
        """What is typed."""
        if self._idle is not None:
            self._idle.heard()
        run = self._run
        match self._mode:
            case Mode.SCREEN if run is not None:
                if run.is_undecided and b"\x03" in data:
                    self._editor.drop()
                run.take_keys(data)
            case Mode.RUNNING if run is not None:
                self._input_of(run, data)
            case Mode.SCREEN if b"\x03" in data:
                self._editor.drop()
                self._asker.cancel()
            case Mode.OPENING:
                self._editor.feed(data)
                if b"\x03" in data and not self._decision_id:
                    self._asker.leave()
                    self._end(messages.CANCELLED, "", "NOT_RUN")
            case Mode.OVER:
                pass
            case _:
                self._editor.feed(data)
                if self._mode is Mode.EDITING:
                    self._edit()

    def _input_of(self, run: CommandRun, data: bytes) -> None:
        for act in self._discipline.feed(data):
            match act:
                case Echo(shown):
                    # WHY not always: whoever takes nothing could have us keep the echo of all they type.
                    self._display.write(b"" if self._client_is_full else shown)
                case Give(line):
                    run.take_input(line)
                case Signal(name):
                    self._editor.drop()
                    self._interrupt(run, name)
                case End():
                    run.end_input()

    def _interrupt(self, run: CommandRun, name: str) -> None:
        """Ctrl-C: a signal; a second one leaves the command alone. WHY: some targets pass no signals on (OpenSSH's, to root)."""
        if self._interrupted is run and self._end_of_line is not None:
            run.leave("left by the client")
            self._end_of_line.exit(messages.CANCELLED)
            return
        self._interrupted = run
        run.signal(name)
        self._loop.call_later(INTERRUPT_SECONDS, self._still_runs, run)

    def _still_runs(self, run: CommandRun) -> None:
        if self._run is run and run.is_running and self._mode is Mode.RUNNING:
            self._display.write_stderr(messages.still_runs().encode())

    def _edit(self) -> None:
        """Do what the keys say, up to a command or the last of them, or to where the client takes no more. WHY: each can show all of a text."""
        while self._mode is Mode.EDITING and not self._client_is_full:
            shown, event = self._editor.step()
            self._display.write(shown)
            if event is not None:
                self._happened(event)
            elif self._has_no_more:
                self._end(self._state.status)
            else:
                return

    def _happened(self, event: Event) -> None:
        match event:
            case Submitted(text):
                self._submitted(text)
            case Interrupted():
                self._editor.drop()
                self._ask_for_line(130)
            case Left():
                self._end(self._state.status)
            case Completing(before):
                self._mode = Mode.LISTING
                self._visit.spawn(self._complete(before))

    def _ask_for_line(self, status: int | None = None) -> None:
        if self._mode is Mode.OVER:
            return
        if status is not None:
            self._state = self._state.with_status(status)
        self._mode = Mode.EDITING
        self._display.write(self._editor.begin(f"guarded:{as_masked(self._state.shown(), self._masks)}$ "))

    # --- a command

    def _submitted(self, text: str) -> None:
        found = submission(text, self._state.status)
        if isinstance(found, Unfinished):
            self._display.write(self._editor.go_on())
            return
        self._editor.remember(text)
        match found:
            case Nothing():
                self._ask_for_line()
            case Exit(status):
                self._end(status)
            case NotHere(reason):
                self._visit.refuse_question(command_question(text.encode()), reason)
                self._display.write_stderr(messages.refused(reason).encode())
                self._ask_for_line(messages.REFUSED)
            case OnScreen(program):
                self._mode = Mode.SCREEN
                self._visit.spawn(self._on_screen(program, text))
            case Line(command):
                self._start_line(text, command)

    def _start_line(self, text: str, command: Command) -> None:
        nonce = f"n{secrets.token_hex(16)}"
        end = self._end_of_line = LineEnd(self, self._display, StateReader(nonce))
        self._mode, self._discipline = Mode.RUNNING, Discipline()
        self._run = CommandRun(
            self._visit,
            end,
            self._environment,
            recording=self._display.recording,
            line_of=line_of(nonce),
            masks=self._masks,
            behind=end,
        )
        self._run.start(self._state.before(text, command).encode())

    async def _on_screen(self, program: str, text: str) -> None:
        """A program of the whole screen: on a terminal of the target, if it may have one."""
        try:
            answer = await granted_with_record(self._visit, self._asker, "screen", program)
        except NotGranted as error:
            is_cancelled = error.code == "CANCELLED"
            self._display.write_stderr(b"^C\n" if is_cancelled else str(error).encode())
            self._ask_for_line(messages.CANCELLED if is_cancelled else messages.REFUSED)
            self._edit()
            return
        self._visit.gate.finished(answer.decision_id, Outcome())
        if self._mode is Mode.OVER:
            return
        end = self._end_of_line = LineEnd(self, self._display, None)
        self._display.cooks = False
        self._run = CommandRun(
            self._visit,
            end,
            self._environment,
            terminal=self._terminal,
            recording=self._display.recording,
            masks=(*self._masks, *masks_granted(answer)),
        )
        self._run.start(f"{SECURE_PAGER}\n{self._state.before(text)}".encode())

    def line_ended(self, end: LineEnd, status: int) -> None:
        """A line is over. WHY later: whoever says so is still at it, and many lines may wait."""
        self._loop.call_soon(self._after_line, end, status)

    def _after_line(self, end: LineEnd, status: int) -> None:
        if self._mode is Mode.OVER or self._end_of_line is not end:
            return
        self._run, self._interrupted, self._end_of_line, self._display.cooks = None, None, None, True
        self._state = self._state.with_status(status)
        if end.fields is not None:
            self._state, told = next_state(self._state, end.fields)
            for one in told:
                self._display.write_stderr(messages.refused(one).encode())
        self._editor.feed(self._discipline.rest())
        self._display.resume_reading()
        self._ask_for_line()
        self._edit()

    async def _complete(self, before: str) -> None:
        found = await self._completer.complete(before, self._state.cwd, self._state.home)
        if self._mode is not Mode.LISTING:
            return
        self._mode = Mode.EDITING
        if found.insert:
            self._display.write(self._editor.insert(found.insert))
        elif found.names:
            self._display.write(self._editor.shown_below(found.listed(self._terminal.screen.columns)))
        else:
            self._display.write(b"\x07")
        self._edit()

    # --- the rest of the client's side

    def end_input(self) -> None:
        """The client types no more. What it typed before is still done."""
        self._has_no_more = True
        if self._run is not None:
            self._run.end_input()
        elif self._mode is Mode.EDITING:
            self._end(self._state.status)

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size."""
        screen = self._terminal.screen
        self._terminal = Terminal(type(screen)(columns, rows, screen.type), self._terminal.modes)
        self._editor.columns = columns
        if self._run is not None:
            self._run.resize(columns, rows)
        elif self._display.recording is not None:
            try:
                self._display.recording.resized(columns, rows)
            except RecorderFailed:
                self._display.fail()

    def signal(self, name: str) -> None:
        """A signal for what runs."""
        if self._run is not None:
            self._run.signal(name)

    def client_is_full(self, is_full: bool) -> None:
        """The client cannot take more for now, or can again."""
        self._client_is_full = is_full
        if self._run is not None:
            self._run.client_is_full(is_full)
        elif is_full:
            self._client.pause_reading()
        if not is_full and (self._run is None or not self._run.is_running):
            self._client.resume_reading()
            # WHY soon: whoever says so is in the middle of sending.
            self._loop.call_soon(self._edit)

    def leave(self, reason: str) -> None:
        """The client is gone."""
        self._asker.leave()
        self._stop("CLIENT_GONE", reason)

    # --- endings

    def _nobody_types(self) -> None:
        self._end(messages.LOST, messages.idle(self._visit.idle_seconds), "IDLE")

    def _recorder_failed_elsewhere(self) -> None:
        self._loop.call_soon_threadsafe(self._display.fail)

    def _recorder_failed(self) -> None:
        """INVARIANT: as in `running`. The word why is all that is shown unrecorded."""
        if self._mode is not Mode.OVER:
            self._client.write_stderr(messages.unrecorded().encode())
            self._stop("RECORDER_FAILED", "the recorder failed")
            self._client.exit(messages.LOST)

    def _end(self, status: int, said: str = "", error: str | None = None) -> None:
        if self._mode is Mode.OVER:
            return
        if said:
            self._display.write_stderr(said.encode())
        self._stop(error, "the shell is over", status)
        self._client.exit(status)

    def _stop(self, error: str | None, reason: str, status: int | None = None) -> None:
        if self._mode is Mode.OVER:
            return
        self._mode = Mode.OVER
        if self._idle is not None:
            self._idle.stop()
        if self._run is not None:
            self._run.leave(reason)
        self._completer.close()
        if self._display.recording is not None:
            self._display.recording.end(status)
        if self._decision_id:
            decision_id, self._decision_id = self._decision_id, ""
            outcome = Outcome(bytes=self._display.shown, duration=time.perf_counter() - self._began, error=error)
            self._visit.gate.finished(decision_id, outcome)
