"""The guarded shell of a pod: a line editor here, each whole command asked about as an exec of it is, then run as one. Pure.

    ASKED --granted--> OPENING (a first bash tells what it is like) --> EDITING --command--> DECIDING --granted--> RUNNING --ended--> EDITING
      |--denied, or no bash: told on the error stream--> LEAVING --> OVER

INVARIANT: what a client types reaches the pod only in an exec whose question was granted (`_run`), or as input of what runs then.
Everything that is shown is recorded first. What goes on between lines is words (`adapters.terminal.shell_state`, docs/decisions/0024 and 0046).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.effects import Effect
from adapters.core.events import Event, Side
from adapters.core.ports import Answer, Cause, Outcome, Question
from adapters.core.ports import Screen as Size
from adapters.errors import AdapterError, PeerProtocolError
from adapters.kubernetes import facts, statuses
from adapters.kubernetes.lines import Outcomes, Over, PodLine, Shown, Way, usable
from adapters.kubernetes.screens import Deed, Gone, InputEnded, Resized, Screen, Typed
from adapters.kubernetes.talks import Talk
from adapters.terminal import messages
from adapters.terminal.discipline import Discipline, Echo, End, Give, Signal, cooked
from adapters.terminal.editor import Completing, Editor, Interrupted, Left, Submitted
from adapters.terminal.editor import Event as Edited
from adapters.terminal.masks import as_masked
from adapters.terminal.shell_state import ShellState, first_state, next_state
from adapters.terminal.submitted import Exit, Line, NotHere, Nothing, OnScreen, Unfinished, submission
from adapters.web.facts import text_judged
from adapters.web.session.doing import Doing
from adapters.web.session.manners import HandedOver
from engine.command.tree import Command
from engine.decision import Verdict
from engine.masking.output import ValueMask

LEAVE_SECONDS = 2.0
MAX_EARLY = 64 * 1024
"""Bytes that a client sends ahead of the answer that switches it."""
MAX_SHOWN = 8 << 20
"""Bytes shown at once; keys that wait behind so much are dropped. WHY: each line can show all of a long text again."""
ENDED = "SESSION_ENDED"


class Mode(StrEnum):
    """What it waits for."""

    ASKED = "asked"
    OPENING = "opening"
    EDITING = "editing"
    DECIDING = "deciding"
    RUNNING = "running"
    LEAVING = "leaving"
    OVER = "over"


class GuardedPod:
    """Has the connection from the question on. `seed` as `lines.Way` has it."""

    def __init__(
        self,
        asked: HandedOver,
        talk: Talk,
        screen: Screen,
        beside: Sequence[tuple[str, str]],
        seed: bytes,
        idle_seconds: float,
    ) -> None:
        self._idle_seconds = idle_seconds
        self._asked, self._talk, self._screen = asked, talk, screen
        shell, otherwise = facts.shells_of(asked.forward, asked.target.shell)
        self._way = Way(asked.forward, asked.target, beside, shell, seed, otherwise)
        self._do = Doing()
        self._mode = Mode.ASKED
        self._size = Size(80, 24, "xterm")
        self._editor = Editor(self._size.columns)
        self._discipline = Discipline()
        self._state = ShellState("/", "/")
        self._ticket, self._early, self._ahead = asked.ticket, asked.rest, b""
        self._is_switched = self._is_held = self._has_no_more = self._records = False
        self._grant, self._began, self._bytes, self._most = "", 0.0, 0, MAX_SHOWN
        self._masks: tuple[ValueMask, ...] = ()
        self._text = self._waited_for = ""
        self._why = ""
        self._line: PodLine | None = None
        self._ends_with: str | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether somebody edits a line, or could."""
        return self._mode is Mode.EDITING

    def begin(self, now: float) -> list[Effect]:
        """Ask."""
        self._do.begin(now)
        self._began = now
        asked = facts.asking_for(self._asked.forward, facts.Shell.GUARDED)
        self._ask(text_judged(asked, b"", 0, is_unread=False))
        return self._do.effects

    def handle(self, event: Event, now: float) -> list[Effect]:
        """What is to be done because of an event."""
        self._do.begin(now)
        self._most = self._bytes + MAX_SHOWN
        if self._mode is not Mode.OVER:
            try:
                self._take(event)
            except AdapterError as error:
                self._end(error.code.upper(), str(error))
        self._do.arm()
        return self._do.effects

    def _take(self, event: Event) -> None:
        match event:
            case saw.Decided(ticket, answer):
                if ticket == self._ticket and self._mode is Mode.ASKED:
                    self._shell_decided(answer)
                elif ticket == self._ticket and self._mode is Mode.DECIDING:
                    self._line_decided(answer)
            case saw.BytesReceived(Side.CLIENT, data):
                self._hear(data)
            case saw.EndReceived(Side.CLIENT):
                self._end("CLIENT_GONE", "the client left")
            case saw.TimePassed():
                self._time_passed()
            case saw.RecordingFailed():
                self._not_recorded()
            case saw.StopRequested(reason, cause):
                self._stop(reason, cause)
            case _ if self._line is not None:
                self._came(self._line.handle(event))
            case _:
                # Of a connection that was dropped a word may still be on its way.
                pass

    def _ask(self, text: bytes) -> None:
        self._do.add(do.Ask(self._ticket, Question("kubernetes", text)))

    # --- the shell itself

    def _shell_decided(self, answer: Answer) -> None:
        decision = answer.decision
        if decision.verdict is Verdict.HOLD and answer.ticket is not None:
            self._is_held = True
            self._switch()
            self._do.send(self._screen.show(cooked(statuses.waiting(answer).encode())))
            return
        self._is_held = False
        if not decision.is_granted:
            code = decision.reasons[0].code if decision.reasons else ""
            self._refuse(statuses.code_of(answer), code, statuses.words(answer), answer.decision_id)
            return
        masks, why = usable(answer)
        self._grant, self._masks = answer.decision_id, masks
        if why is not None:
            self._refuse(403, why[0], why[1], answer.decision_id)
            return
        self._switch()
        self._records = True
        self._do.add(do.StartRecording(answer.decision_id, self._size))
        self._do.add(do.RecordFact({"decision": answer.decision_id, "verdict": "allow", "text": "shell guarded"}))
        self._mode = Mode.OPENING
        self._line = PodLine(self._do, self._way, ":", answer.decision_id, ())

    def _switch(self) -> None:
        """Answer the client. What it said ahead of that is heard now."""
        if not self._is_switched:
            self._is_switched = True
            self._do.send(self._talk.switched(None))
            early, self._early = self._early, b""
            self._hear(early)

    def _opened(self, over: Over) -> None:
        self._line = None
        found = None if over.fields is None else first_state(over.fields)
        other = None if found is not None else self._way.without(over.error)
        if other is not None:
            self._way, self._line = other, PodLine(self._do, other, ":", self._grant, ())
            return
        if found is None:
            why = messages.plain(self._why.strip()) or "it does not work"
            said = f"a shell in this container cannot be guarded: {self._way.shell}: {why}; give it the command, `-- sh -c '...'`"
            self._refuse(422, "NO_SHELL", said, self._grant)
            return
        self._state = found
        self._show(messages.guarded(is_bash=self._way.is_bash).encode())
        self._prompt()
        # What was typed meanwhile.
        self._edit()

    # --- the client

    def _hear(self, data: bytes) -> None:
        if not self._is_switched:
            self._early += data
            if len(self._early) > MAX_EARLY:
                raise PeerProtocolError("too much is sent ahead of the switch", code="too_much_behind")
            return
        heard = self._screen.hear(data)
        self._do.send(heard.answers)
        for deed in heard.deeds:
            if self._mode is not Mode.OVER:
                self._done(deed)

    def _done(self, deed: Deed) -> None:
        match deed:
            case Typed(data):
                self._typed(data)
            case Resized(columns, rows):
                self._size = Size(columns, rows, self._size.type)
                self._editor.columns = columns
                if self._records:
                    self._do.add(do.RecordSize(columns, rows))
            case InputEnded():
                self._has_no_more = True
                if self._line is not None and self._mode is Mode.RUNNING:
                    self._line.end_input()
                elif self._mode is Mode.EDITING:
                    self._edit()
            case Gone():
                self._end("CLIENT_GONE", "the client left")

    def _typed(self, data: bytes) -> None:
        match self._mode:
            case Mode.RUNNING | Mode.DECIDING:
                self._input(data)
            case Mode.LEAVING | Mode.OVER:
                pass
            case Mode.EDITING:
                self._editor.feed(data)
                self._edit()
            case _:
                self._editor.feed(data)
                if b"\x03" in data and self._is_held:
                    self._do.add(do.Withdraw(self._ticket, "cancelled by the client"))
                    self._finish(messages.CANCELLED, None)

    def _input(self, data: bytes) -> None:
        for act in self._discipline.feed(data):
            line = self._line
            match act:
                case Echo(shown):
                    self._show(shown)
                case Give(given) if line is not None:
                    line.type(given)
                case Give(given):
                    self._ahead = (self._ahead + given)[:MAX_EARLY]
                case End() if line is not None:
                    line.end_input()
                case Signal():
                    self._editor.drop()
                    self._interrupt()
                case _:
                    pass

    def _interrupt(self) -> None:
        """Ctrl-C. WHY it is left and not told: an exec has no signals, and a pod is told nothing that nobody judged."""
        if self._is_held:
            self._do.add(do.Withdraw(self._ticket, "cancelled by the client"))
            self._is_held = False
            self._after(messages.CANCELLED)
        elif self._line is not None:
            self._line.drop()
            self._show(messages.left().encode())
            self._line_over("LEFT", messages.CANCELLED)

    # --- the editor

    def _edit(self) -> None:
        """Do what the keys say, up to a command or the last of them."""
        while self._mode is Mode.EDITING:
            self._do.wait(self._idle_seconds or None)
            if self._bytes > self._most:
                self._editor.drop()
            shown, event = self._editor.step()
            self._show(shown)
            if event is not None:
                self._edited(event)
            elif self._has_no_more:
                self._finish(self._state.status, None)
            else:
                return

    def _edited(self, event: Edited) -> None:
        match event:
            case Submitted(text):
                self._submitted(text)
            case Interrupted():
                self._editor.drop()
                self._state = self._state.with_status(messages.CANCELLED)
                self._prompt()
            case Left():
                self._finish(self._state.status, None)
            case Completing():
                # There is nothing in a pod that lists names without running something.
                self._show(b"\x07")

    def _prompt(self) -> None:
        self._mode = Mode.EDITING
        self._show(self._editor.begin(f"guarded:{as_masked(self._state.shown(), self._masks)}$ "))
        self._do.wait(self._idle_seconds or None)

    def _submitted(self, text: str) -> None:
        found = submission(text, self._state.status, is_bash=self._way.is_bash)
        if isinstance(found, Unfinished):
            self._show(self._editor.go_on())
            return
        self._editor.remember(text)
        match found:
            case Nothing():
                self._prompt()
            case Exit(status):
                self._finish(status, None)
            case NotHere(reason):
                self._not_here(reason)
            case OnScreen(program):
                self._not_here(f"`{program}` needs the whole screen, which a shell in a pod does not have")
            case Line(command):
                self._decide(text, command)

    def _not_here(self, reason: str) -> None:
        self._show(messages.refused(reason).encode())
        self._state = self._state.with_status(messages.REFUSED)
        self._prompt()

    # --- a command

    def _decide(self, text: str, command: Command) -> None:
        self._text = self._state.before(text, command)
        forward = facts.exec_of(self._asked.forward, (self._way.shell, "-c", self._text))
        if len(forward.target) > facts.MAX_TARGET or "\0" in self._text:
            self._not_here("the line, with what stands before it, is too long for an exec")
            return
        self._mode, self._discipline, self._ahead = Mode.DECIDING, Discipline(), b""
        self._do.wait(None)
        self._ticket += 1
        self._ask(text_judged(forward, b"", 0, is_unread=False))

    def _line_decided(self, answer: Answer) -> None:
        decision = answer.decision
        self._do.add(
            do.RecordFact({"decision": answer.decision_id, "verdict": decision.verdict.value, "text": self._text})
        )
        if decision.verdict is Verdict.HOLD and answer.ticket is not None:
            self._is_held, self._waited_for = True, answer.ticket
            self._show(messages.held(answer).encode())
            return
        was_held, self._is_held = self._is_held, False
        if not decision.is_granted:
            self._show(messages.denial(answer).encode())
            self._after(messages.REFUSED)
            return
        masks, why = usable(answer)
        if why is not None:
            self._do.add(do.Record(answer.decision_id, Outcome(error=why[0])))
            self._show(messages.refused(why[1]).encode())
            self._after(messages.REFUSED)
            return
        if was_held:
            self._show(messages.released(self._waited_for).encode())
        self._mode = Mode.RUNNING
        self._line = PodLine(self._do, self._way, self._text, answer.decision_id, (*self._masks, *masks))
        if self._ahead:
            self._line.type(self._ahead)
        if self._has_no_more:
            self._line.end_input()

    def _came(self, outcomes: Sequence[Outcomes]) -> None:
        """Show what a line wrote, and go on where it ended."""
        for one in outcomes:
            if isinstance(one, Shown):
                self._line_wrote(one.data)
            elif self._mode is Mode.OPENING:
                self._opened(one)
            elif self._mode is Mode.RUNNING:
                self._line_ended(one)

    def _line_wrote(self, data: bytes) -> None:
        if self._mode is Mode.OPENING:
            # Nothing of anybody's runs yet: words of ours, or of the container's own start files.
            self._why = data.decode("utf-8", "replace")
        else:
            self._show(data)

    def _line_ended(self, over: Over) -> None:
        told: list[str] = []
        self._state = self._state.with_status(over.status)
        if over.fields is not None:
            self._state, told = next_state(self._state, over.fields)
        for one in told:
            self._show(messages.refused(one).encode())
        self._line_over(over.error, self._state.status)

    def _line_over(self, error: str | None, status: int) -> None:
        """Record what became of the line, and ask for the next."""
        self._record_line(error)
        self._after(status)

    def _record_line(self, error: str | None) -> None:
        line, self._line = self._line, None
        if line is not None and self._mode is Mode.RUNNING:
            line.record(error)

    def _after(self, status: int) -> None:
        self._state = self._state.with_status(status)
        if self._ends_with is not None:
            self._show(messages.over(self._ends_with).encode())
            self._finish(messages.LOST, ENDED)
            return
        self._editor.feed(self._discipline.rest())
        self._prompt()
        self._edit()

    # --- what is shown

    def _show(self, data: bytes) -> None:
        """INVARIANT: recorded first."""
        if data and self._records and self._mode is not Mode.OVER:
            said = cooked(data)
            self._bytes += len(said)
            self._do.add(do.Show(said, self._screen.show(said)))

    # --- ends

    def _not_recorded(self) -> None:
        """The word why is all that is shown unrecorded."""
        if self._mode in (Mode.LEAVING, Mode.OVER):
            return
        self._records = False
        self._do.send(self._screen.show(cooked(messages.unrecorded().encode())))
        self._finish(messages.LOST, "RECORDER_FAILED")

    def _refuse(self, number: int, code: str, told: str, decision_id: str) -> None:
        """Tell the client why there is no shell, on its error stream: any other answer makes kubectl ask again over SPDY."""
        self._switch()
        if self._mode is Mode.OVER:
            return
        self._leave(statuses.status(number, told, cause=code, decision_id=decision_id), code)

    def _finish(self, status: int, error: str | None) -> None:
        """The shell ends with an exit status."""
        self._leave(statuses.exited(status), error)

    def _leave(self, status: bytes, error: str | None) -> None:
        self._close_all(error)
        self._mode = Mode.LEAVING
        self._do.send(self._screen.finish(status))
        self._do.wait(LEAVE_SECONDS)

    def _close_all(self, error: str | None) -> None:
        if self._line is not None:
            self._line.drop()
        self._record_line(error or "SHELL_ENDED")
        if self._records:
            self._records = False
            self._do.add(do.EndRecording(None))
        grant, self._grant = self._grant, ""
        if grant:
            outcome = Outcome(bytes=self._bytes, duration=self._do.now - self._began, error=error)
            self._do.add(do.Record(grant, outcome))

    def _end(self, error: str | None, reason: str) -> None:
        """The connection is over. What is held is withdrawn by the relay."""
        self._close_all(error)
        self._do.drop_target()
        self._do.wait(None)
        self._mode = Mode.OVER
        self._do.add(do.Close(reason))

    def _time_passed(self) -> None:
        if not self._do.is_late():
            return
        self._do.wait(None)
        if self._mode is Mode.LEAVING:
            self._end(None, "told")
        elif self._mode is Mode.EDITING:
            self._show(messages.idle(self._idle_seconds).encode())
            self._finish(messages.LOST, "IDLE")
        elif self._line is not None:
            self._came(self._line.time_passed())

    def _stop(self, reason: str, cause: Cause) -> None:
        if self._mode is Mode.LEAVING:
            return
        if self._is_held:
            self._do.add(do.Withdraw(self._ticket, reason) if cause.is_urgent else do.Leave(self._ticket))
        is_idle = self._mode is not Mode.RUNNING or self._is_held
        if cause.is_urgent or is_idle:
            self._show(messages.over(reason).encode())
            self._switch()
            self._finish(messages.LOST, ENDED)
        else:
            self._ends_with = reason
