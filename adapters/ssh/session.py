"""One command of one channel, from the request to the moment it may run. Pure: events in, effects out.

    asked --allow--> RUNNING          asked --hold--> WAITING --granted--> RUNNING
    asked --anything else--> OVER     WAITING --refused, expired, withdrawn, client gone--> OVER

INVARIANT: `Run` comes out at most once, only for an answer that allows without a condition we cannot meet, and what it
runs is the text that was asked about. Driven by `running`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias, assert_never

from adapters.core.ports import Answer, Question
from adapters.errors import LocalProtocolError
from adapters.ssh.facts import command_question, refusal_of, run_line
from adapters.terminal import messages
from adapters.terminal.masks import masks_of
from engine.decision import Verdict
from engine.masking.output import ValueMask

GATES_OWN = frozenset({"notify"})
"""Obligations that are the gate's affair, not ours."""
RECORD = "record"


LineOf: TypeAlias = Callable[[str, str], str | None]


class Phase(StrEnum):
    """Where a command stands."""

    NEW = "new"
    ASKED = "asked"
    WAITING = "waiting"
    RUNNING = "running"
    OVER = "over"


# --- events


@dataclass(frozen=True, slots=True)
class CommandReceived:
    """The client wants this run."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Decided:
    """The gate's answer to `Ask`, or what became of a hold (`Await`)."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class TimePassed:
    """`WakeAt` came."""


@dataclass(frozen=True, slots=True)
class ClientLeft:
    """The client closed the channel, is gone, or pressed its cancel key."""

    reason: str


Event: TypeAlias = CommandReceived | Decided | TimePassed | ClientLeft

# --- effects


@dataclass(frozen=True, slots=True)
class Ask:
    """Put this question to the gate; `Decided` answers."""

    question: Question


@dataclass(frozen=True, slots=True)
class Refuse:
    """Have the gate record that this was refused without being asked about."""

    question: Question
    reason: str


@dataclass(frozen=True, slots=True)
class Await:
    """Wait for the end of a hold; `Decided` tells it."""

    ticket: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Nobody waits for this ticket any more."""

    ticket: str
    reason: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Write this to the client's standard error."""

    text: str


@dataclass(frozen=True, slots=True)
class Run:
    """Give this line to the target. `is_recorded`: the policy wants what it shows recorded; `masks`: what is hidden in that."""

    line: str
    decision_id: str
    is_recorded: bool = False
    masks: tuple[ValueMask, ...] = ()


@dataclass(frozen=True, slots=True)
class NotRun:
    """Record that a grant was not used."""

    decision_id: str
    error: str


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Say `TimePassed` at this moment."""

    when: float


@dataclass(frozen=True, slots=True)
class End:
    """Close the channel with this exit status."""

    status: int


Effect: TypeAlias = Ask | Refuse | Await | Withdraw | Tell | Run | NotRun | WakeAt | End


@dataclass(slots=True)
class CommandSession:
    """The state of one command. `shell` is what runs it on the target."""

    shell: str
    notice_seconds: float = 5.0
    line_of: LineOf = run_line
    """What the target is given for a text that was granted and the shell there; None when it is too long."""
    phase: Phase = Phase.NEW
    _text: bytes = b""
    _ticket: str | None = None
    _since: float = 0.0
    _why_left: str = "the client is gone"
    _effects: list[Effect] = field(default_factory=list)

    def handle(self, event: Event, now: float) -> list[Effect]:
        """What is to be done about an event. `now` is in seconds of a clock that only goes on."""
        match event:
            case CommandReceived(text):
                return self._received(text)
            case Decided(answer):
                return self._decided(answer, now)
            case TimePassed():
                return self._waits_on(now)
            case ClientLeft(reason):
                return self._left(reason)
            case _:
                assert_never(event)

    def _received(self, text: bytes) -> list[Effect]:
        if self.phase is not Phase.NEW:
            raise LocalProtocolError("a channel has one command", code="SECOND_COMMAND")
        question, refusal = command_question(text), refusal_of(text)
        if refusal is not None:
            self.phase = Phase.OVER
            return [Refuse(question, refusal), Tell(messages.refused(refusal)), End(messages.REFUSED)]
        self.phase, self._text = Phase.ASKED, text
        return [Ask(question)]

    def _decided(self, answer: Answer, now: float) -> list[Effect]:
        if self.phase not in (Phase.ASKED, Phase.WAITING):
            # WHY not an error: the client may have left while people decided, or the store was asked.
            if answer.decision.verdict is Verdict.HOLD and answer.ticket is not None:
                return [Withdraw(answer.ticket, self._why_left)]
            return [NotRun(answer.decision_id, "CLIENT_GONE")] if answer.decision.is_granted else []
        decision = answer.decision
        if decision.verdict is Verdict.HOLD and self.phase is Phase.ASKED and answer.ticket is not None:
            self.phase, self._ticket, self._since = Phase.WAITING, answer.ticket, now
            return [Tell(messages.held(answer)), Await(answer.ticket), WakeAt(now + self.notice_seconds)]
        if not decision.is_granted:
            self.phase = Phase.OVER
            return [Tell(messages.denial(answer)), End(messages.REFUSED)]
        return self._granted(answer)

    def _granted(self, answer: Answer) -> list[Effect]:
        missing, masks = unmet(answer, can_record=True, can_mask=True), masks_of(answer)
        line = self.line_of(self._text.decode(), self.shell)
        if missing is not None or isinstance(masks, str):
            self.phase = Phase.OVER
            told = messages.unenforceable(answer, missing or "")
            return [NotRun(answer.decision_id, "OBLIGATION_UNKNOWN"), Tell(told), End(messages.REFUSED)]
        if line is None:
            self.phase = Phase.OVER
            told = messages.refused("a command longer than the target takes", "put it into a file and run that")
            return [NotRun(answer.decision_id, "TOO_LONG"), Tell(told), End(messages.REFUSED)]
        waited = [Tell(messages.released(self._ticket))] if self._ticket is not None else []
        self.phase = Phase.RUNNING
        return [*waited, Run(line, answer.decision_id, wants_record(answer), masks)]

    def _waits_on(self, now: float) -> list[Effect]:
        if self.phase is not Phase.WAITING or self._ticket is None:
            return []
        told = messages.still_waiting(self._ticket, now - self._since)
        return [Tell(told), WakeAt(now + self.notice_seconds)]

    def _left(self, reason: str) -> list[Effect]:
        waiting, self.phase, self._why_left = self.phase is Phase.WAITING, Phase.OVER, reason
        return [Withdraw(self._ticket, reason)] if waiting and self._ticket is not None else []


def wants_record(answer: Answer) -> bool:
    """Whether a grant says that what is shown is recorded."""
    return any(one.type == RECORD for one in answer.decision.obligations)


def unmet(answer: Answer, *, can_record: bool = False, can_mask: bool = False) -> str | None:
    """What a grant demands and we cannot do; None when there is nothing.

    `can_record`, `can_mask`: whoever asks records what is shown, hides values in it.
    """
    decision = answer.decision
    met = GATES_OWN | {RECORD} if can_record else GATES_OWN
    masks = masks_of(answer)
    if not decision.is_granted or (masks and not can_mask):
        return "that the output is masked"
    if isinstance(masks, str):
        return masks
    return next((f"`{one.type}`" for one in decision.obligations if one.type not in met), None)
