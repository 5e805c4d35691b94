"""One signed-in client on one resource, as its adapter has it: decisions, holds, outcomes, what is recorded. Made by `adapters`.

Satisfies `adapters.core.ports.GateSession`. Not here: who may come in (`adapters`), decisions (`gate`), lines of recordings (`exchanges`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from adapters.core.ports import (
    Again,
    Answer,
    Cause,
    Connection,
    Ending,
    Lines,
    Outcome,
    Part,
    Pending,
    Question,
    Recording,
    Screen,
)
from adapters.core.recorded import may_stop
from adapters.errors import RecorderFailed
from engine._native import Leave
from engine.command.parse import parse_command
from engine.decision import DenyKind, Verdict
from engine.request import Json, Principal, Resource, Session
from gateway.asked import Asked
from gateway.denials import unrecorded
from gateway.doors.exchanges import FAILED, Exchanges, demands
from gateway.doors.sessions import Live
from gateway.identity.logins import Login, Stand, Standings
from gateway.identity.standing import REVOKED
from gateway.recording.recorder import About
from gateway.remembering import Memory, Remembered

if TYPE_CHECKING:
    from gateway.doors.adapters import Doors

GONE = "this login is not valid any more"
UNRECORDED = "what happens here has to be recorded, and cannot be"
MAX_HELD = 16 << 20
"""Bytes of the exchanges of one session that wait for people; the last one is kept whatever its size. WHY: many may be left for a later try."""


class GatewaySession:
    """One signed-in client on one resource."""

    __slots__ = (
        *("_doors", "_ending", "_exchanges", "_gate", "_given", "_held", "_is_closed", "_is_gone", "_known", "_last"),
        *(
            "_forgiven",
            "_login",
            "_memory",
            "_opened_at",
            "_principal",
            "_resource",
            "_session",
            "_state",
            "_tickets",
            "connection",
            "finished_again",
        ),
    )

    def __init__(
        self,
        doors: Doors,
        principal: Principal,
        session: Session,
        resource: Resource,
        login: Login | None = None,
        opened_at: int = 0,
    ) -> None:
        """`login` is there when a token with an end and limits let them in."""
        self.connection: Connection | None = None
        self._opened_at = opened_at
        self._last: Verdict | None = None
        self._ending = ""
        self._doors = doors
        self._gate = doors.gate
        self.finished_again = doors.gate.finished_again
        """Record what became of an answer that was given again."""
        self._principal = principal
        self._resource = resource
        self._session = session
        self._state: Mapping[str, Json] = session.state
        self._given: Mapping[str, Json] = session.state
        self._tickets: set[str] = set()
        self._exchanges: Exchanges | None = None
        self._held: dict[str, Question | None] = {}
        """Exchanges that wait for people; None where more than `MAX_HELD` came behind it."""
        self._forgiven: set[str] = set()
        """Grants whose recording may stop."""
        self._is_closed = False
        self._is_gone = False
        self._known = doors.known
        self._memory = Memory(doors.shape_of)
        self._login = login

    @property
    def id(self) -> str:
        return self._session.id

    def watch(self, connection: Connection) -> None:
        """Say whose connection this session is."""
        self.connection = connection

    def seen(self) -> Live:
        """How it stands. Safe from any thread."""
        verdict = "" if self._last is None else self._last.value
        return Live(self._session, self._principal, self._resource, self._opened_at, verdict, bool(self._tickets))

    def ends(self, ending: Ending, note: str) -> None:
        """Note why it will be over: the audit is told that, whatever the connection says then."""
        self._ending = note

    def void(self, doors: Doors) -> str | None:
        """Why the login that opened it counts no more; None when it does, and when nobody can say.

        WHY not for one whose time is over: it runs no further command, and what it began before may end.
        """
        trouble = None if self._login is None else doors.trouble(self._login)
        if trouble == REVOKED:
            return trouble
        known = doors.known
        if known is self._known:
            return None
        is_there = known.directory.resource(self._resource.name) is not None
        return None if is_there and doors.current(self._principal.name, self._login) is not None else GONE

    def decide(self, question: Question) -> Answer | Pending:
        """Decide; the audit entry is written before there is an answer. Never raises: failure is a deny. What the store has to be asked
        about is answered later, in an event loop."""
        answer = self._decide(question)
        return (
            Pending(lambda: self._say(question, answer))
            if isinstance(answer, Pending)
            else self._said(question, answer)
        )

    async def _say(self, question: Question, answer: Pending) -> Answer:
        return self._said(question, await answer)

    def _said(self, question: Question, answer: Answer) -> Answer:
        """The answer, as it comes out of here."""
        if answer.ticket is not None:
            self._tickets.add(answer.ticket)
        if question.is_exchange:
            if self._exchanges is not None or answer.decision.obligations:
                answer = self._taken(question, answer)
            if answer.ticket is not None and answer.decision.verdict is Verdict.HOLD:
                # WHY all of them: only the grant may demand what the hold did not.
                self._hold(answer.ticket, question)
        self._note_effort(question, answer)
        self._last = answer.decision.verdict
        return answer

    def _hold(self, ticket: str, question: Question) -> None:
        self._held.pop(ticket, None)
        self._held[ticket] = question
        size = sum(_size(one) for one in self._held.values() if one is not None)
        for other, one in self._held.items():
            if size <= MAX_HELD or other == ticket:
                break
            if one is not None:
                self._held[other] = None
                size -= _size(one)

    def _forgotten(self, answer: Answer) -> Answer:
        """The answer to an exchange whose text is not kept any more. INVARIANT: where it has to be recorded, it does not happen."""
        if not answer.decision.is_granted or (self._exchanges is None and not demands(answer)):
            return answer
        self._gate.finished(answer.decision_id, Outcome(error=FAILED), self._principal.name, self._session.job)
        return Answer(unrecorded(), answer.decision_id, command=answer.command)

    def _note_effort(self, question: Question, answer: Answer) -> None:
        """Of what is recorded by whoever shows it: whether best effort is enough, until it is over."""
        if not question.is_exchange and answer.decision.is_granted and may_stop(answer):
            self._forgiven.add(answer.decision_id)

    def _taken(self, question: Question, answer: Answer) -> Answer:
        """The answer once its exchange is recorded, where that is demanded; else a deny, and the session ends."""
        exchanges = self._exchanges
        if exchanges is None:
            if not demands(answer):
                return answer
            exchanges = self._exchanges = Exchanges(hides=self._gate.hides, failed=self._cannot_record)
            exchanges.begin(self._doors.recordings, self._about(answer.decision_id), forgives=may_stop(answer))
        taken = exchanges.take(question, answer)
        if taken is answer:
            return answer
        if answer.decision.is_granted:
            self._gate.finished(answer.decision_id, Outcome(error=FAILED), self._principal.name, self._session.job)
        elif answer.ticket is not None:
            self.withdraw(answer.ticket, "it cannot be recorded")
        return taken

    def _cannot_record(self) -> None:
        """What happens here can be recorded no more: it is over. Safe from any thread."""
        self._doors.sessions.end(self.id, Ending(Cause.UNRECORDED, UNRECORDED))

    def _decide(self, question: Question) -> Answer | Pending:
        if question.state is not self._given and question.state != self._state:
            # WHY a new object only then: the engine knows the facts of a session by the object that states them.
            self._state = dict(question.state)
            self._session = replace(self._session, state=self._state)
        self._given = question.state
        if self._login is not None and not self._is_gone:
            # INVARIANT: before anything else, also before what is remembered: whether this login still counts.
            trouble = self._doors.trouble(self._login)
            if trouble is not None:
                return self._gate.deny(self._asked(question), DenyKind.NOT_AUTHENTICATED, trouble)
        if self._known is self._doors.known and not self._is_gone:
            again = self._gate.again(self._memory, question, self._principal, self._session, self._resource)
            if again is not None:
                return again
        asked = self._asked(question)
        if self._known is not self._doors.known:
            self._known = self._doors.known
            renewed = self._doors.renew(asked)
            # INVARIANT: once gone, gone; whoever is known again signs in again.
            self._is_gone = self._is_gone or renewed is None
            if renewed is not None:
                asked, self._principal, self._resource = renewed, renewed.principal, renewed.resource
        if self._is_gone:
            return self._gate.deny(asked, DenyKind.NOT_AUTHENTICATED, GONE)
        return self._gate.decide_here(asked)

    def give_again(self, again: Again, lines: Lines) -> bool:
        """Give an answer once more; recorded when this says yes. No: ask."""
        if not isinstance(again, Remembered) or not all(
            getattr(owner, name) is wanted for owner, name, wanted in self._stands(again)
        ):
            return False
        # INVARIANT: as in `_decide`.
        if self._login is not None and self._doors.trouble(self._login) is not None:
            return False
        return self._gate.give_again(again, lines)

    def leave(self, again: Again) -> Leave | None:
        """Leave to give it again without asking here. None: there is none, ask each time."""
        if not isinstance(again, Remembered):
            return None
        mine = self._stands(again)
        login = Standings(()) if self._login is None else self._doors.login_stands(self._login)
        if login is None or not all(getattr(owner, name) is wanted for owner, name, wanted in mine):
            return None
        return self._gate.leave(again, Standings([*mine, *login.stands], login.until, login.lasts))

    def _stands(self, again: Remembered) -> list[Stand]:
        """What of this session decided an answer: (owner, attribute, what it has to be)."""
        doors = self._doors
        return [
            (self, "_is_gone", False),
            (doors, "known", self._known),
            (self, "_exchanges", None),
            (self, "_session", again.session),
            (self, "_principal", again.principal),
            (self, "_resource", again.resource),
        ]

    def _asked(self, question: Question) -> Asked:
        return Asked(
            *(question, self._principal, self._session, self._resource), memory=self._memory, login=self._login
        )

    def refuse(self, question: Question, reason: str) -> Answer:
        """Deny what an adapter does not carry, whatever the policies say, and record it. Never raises."""
        asked = Asked(question, self._principal, self._session, self._resource)
        return self._gate.deny(asked, DenyKind.RULE, reason, parse_command(question.protocol, question.text))

    async def fate(self, ticket: str) -> Answer:
        """Wait until a hold of this session is over; a granted one was decided again (and recorded)."""
        answer = await self._gate.fate(ticket)
        self._tickets.discard(ticket)
        is_exchange = ticket in self._held
        question = self._held.pop(ticket, None)
        if question is not None:
            answer = self._taken(question, answer)
        elif is_exchange:
            answer = self._forgotten(answer)
        elif answer.decision.is_granted and may_stop(answer):
            self._forgiven.add(answer.decision_id)
        self._last = answer.decision.verdict
        return answer

    def withdraw(self, ticket: str, reason: str) -> None:
        """Take back a hold of this session."""
        if ticket in self._tickets:
            self._tickets.discard(ticket)
            self._held.pop(ticket, None)
            self._gate.withdraw(ticket, reason)

    def finished(self, decision_id: str, outcome: Outcome) -> None:
        """Record what became of a granted command."""
        self._forgiven.discard(decision_id)
        self._gate.finished(decision_id, outcome, self._principal.name, self._session.job)
        if self._exchanges is not None:
            self._exchanges.finished(decision_id, outcome)

    def show(self, decision_id: str, part: Part) -> None:
        """Record some of the result of an exchange. Raises RecorderFailed."""
        if self._exchanges is None:
            raise RecorderFailed("no exchange of this session is recorded", code=FAILED)
        self._exchanges.show(decision_id, part)

    @property
    def records_commands(self) -> bool:
        """Whether every command is recorded, not only where a policy says so."""
        return self._doors.records_commands

    def record(self, decision_id: str, screen: Screen | None, failed: Callable[[], None]) -> Recording:
        """Begin a recording of what a grant shows. Raises RecorderFailed."""
        recordings = self._doors.recordings
        if recordings is None:
            raise RecorderFailed("no recordings are kept here", code=FAILED)
        # WHY never of a terminal: what runs in one may demand more than it does.
        forgives = screen is None and decision_id in self._forgiven
        return recordings.begin(self._about(decision_id), screen, failed, may_stop=forgives)

    def _about(self, decision_id: str) -> About:
        return About(self._session.id, self._principal.name, self._resource.name, decision_id, self._session.job)

    def reached_over(self, connection: str) -> None:
        """Record which connection to the target serves it. Raises AuditUnavailable."""
        self._doors.connected(self._session, self._principal, self._resource, connection)

    def close(self, reason: str) -> None:
        """The session is over. A second call changes nothing."""
        if not self._is_closed:
            self._is_closed = True
            self.connection = None
            if self._exchanges is not None:
                self._exchanges.end()
            for ticket in self._tickets:
                self._gate.left(ticket, self._session.id)
            self._doors.closed(self._session, self._principal, self._resource.protocol, self._ending or reason)


def _size(question: Question) -> int:
    return len(question.text) + sum(len(one or "") for one in question.parameters or ())
