"""Commands that are held: a ticket opened, or the grant of one used; and what a ticket came to. All of it may wait for the store.

Whoever calls is the thread that may wait (`aside`): INVARIANT: an answer is recorded, and so given, only once its turn was taken; where
nobody waits for it any more, what was opened for it is taken back and nothing is released. Used by the gate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from adapters.core.ports import Answer
from engine.command.tree import ParsedCommand
from engine.decision import Decision, Verdict
from engine.evaluator.cache import Judgement
from engine.request import Approval
from gateway.approvals.estimate import PENDING, Estimate
from gateway.approvals.states import Binding, Estimated, Expired, State, Step, Superseded, Ticket, Used, Withdrawn
from gateway.approvals.store import Approvals
from gateway.approvals.ticketing import binding_of, ticket_for
from gateway.aside import TooLate, Turn
from gateway.asked import Asked, Program
from gateway.audit.unusual import numbers_in, unusual_in
from gateway.counting import ACTIVITY
from gateway.denials import closed, no_policy, refused
from gateway.errors import ApprovalConflict, AuditUnavailable, GatewayError
from gateway.estimating import Estimating
from gateway.identity.speaking import stated_in
from gateway.recalling import Recalling
from gateway.telemetry import logger
from gateway.waiting import Waiting


class Desk(Protocol):
    """The gate, as whoever holds commands needs it."""

    @property
    def program(self) -> Program | None:
        """The program that decides now."""

    def now(self) -> int:
        """UTC nanoseconds."""

    def informed(self, asked: Asked, now: int) -> Asked:
        """The question with what is known of who asks."""

    def renewed(self, asked: Asked) -> Asked | None:
        """The question as who asks and where are known now; None when they are not any more."""

    def record(self, asked: Asked, judged: Judgement, now: int, ticket: Ticket | None) -> Answer:
        """Write the entry, then make the answer. Raises AuditUnavailable."""

    def advance(self, ticket_id: str, event: Step) -> Ticket:
        """A step of a ticket, recorded before it counts."""


class Holding:
    """What becomes of held commands. Safe from any thread; every method may wait for the store."""

    def __init__(
        self, desk: Desk, approvals: Approvals, waiting: Waiting, recalling: Recalling, estimating: Estimating | None
    ) -> None:
        self._desk = desk
        self._approvals = approvals
        self._waiting = waiting
        self._recalling = recalling
        self._estimating = estimating

    def hold(self, asked: Asked, program: Program, judged: Judgement, now: int, turn: Turn) -> Answer:
        """The answer to a command that is held: that it waits, or what a grant of before comes to. Raises GatewayError."""
        command = tree_of(judged)
        binding = bind(asked, program, command)
        # WHY without those that somebody waits for: their grants would be taken from under their hands.
        found = self._approvals.find(binding, now, self._waiting.is_awaited)
        if found is not None and found.is_usable:
            try:
                return self._release(found, asked, turn)
            except ApprovalConflict as conflict:
                # WHY held anew: the same was asked before, and who waited for it was faster, or had left when the grant was used up.
                self._ended(found.id, conflict)
                found = None
        turn.check()
        recalled = self._recalling.recall(asked, program, judged, now, turn)
        if recalled is not None:
            try:
                turn.must_take()
                return self._desk.record(asked, recalled.judged, now, recalled.ticket)
            except (AuditUnavailable, TooLate):
                self._recalling.undo(recalled)
                raise
        waiters = 0 if found is None else self._approvals.bell.waiters(found.id)
        if found is not None and waiters == 0 and self._waiting.keep(found.id, asked, found.expires_at):
            # WHY not a second ticket: this is the retry of a command whose first try nobody waits for any more.
            ticket = found
        else:
            estimate = None if self._estimating is None else self._estimating.first(asked, command)
            did = asked.context.get(ACTIVITY)
            lately, unusual = numbers_in(did, program.activity_numbers), unusual_in(did, asked.principal.name)
            like = self._recalling.likeness(asked, program, judged)
            told = (asked.prompt, estimate, lately, unusual, stated_in(asked.principal), like)
            new = ticket_for(binding, judged.decision, command, asked.session, now, *told)
            turn.check()
            ticket, found = self._approvals.request(new, now), None
            self._waiting.keep(ticket.id, asked, ticket.expires_at)
        if not turn.take():
            self.withdraw(ticket.id, "it was opened after its session had been told no")
            turn.check()
        try:
            answer = self._desk.record(asked, judged, now, ticket)
        except AuditUnavailable:
            self._forget(ticket.id)
            raise
        if self._estimating is not None and found is None and ticket.shown.estimate == PENDING:
            self._estimating.begin(ticket.id, asked, command, self._estimated)
        return answer

    def _estimated(self, ticket_id: str, estimate: Estimate) -> None:
        """What a held statement would touch is known, or why not. Never raises: then nobody is shown it."""
        try:
            self._desk.advance(ticket_id, Estimated(estimate))
        except GatewayError as error:
            logger("gate").info("an estimate comes too late", ticket=ticket_id, code=error.code)

    def _forget(self, ticket_id: str) -> None:
        """Take back a ticket whose hold could not be recorded; nobody was told of it."""
        self._waiting.take(ticket_id)
        self._approvals.advance(ticket_id, Withdrawn("its record could not be written"), self._desk.now())

    def withdraw(self, ticket_id: str, reason: str) -> None:
        """The session that waited does not want it any more. Never raises."""
        self._waiting.take(ticket_id)
        try:
            self._desk.advance(ticket_id, Withdrawn(reason))
        except GatewayError as error:
            logger("gate").info("a hold could not be withdrawn", ticket=ticket_id, code=error.code)

    def settle(self, ticket_id: str, asked: Asked | None, turn: Turn) -> Answer:
        """What a ticket came to, that is over or out of time; `asked` is the question that waited for it. Raises GatewayError."""
        ticket = self._approvals.get(ticket_id)
        if ticket is None or asked is None:
            # WHY: asked by another process or before a restart; the grant is found when the command comes again.
            return Answer(refused("nobody here waits for this approval", "run the command again"), "")
        if ticket.is_open:
            ticket = self._expired(ticket_id)
        if ticket.state is State.GRANTED:
            renewed = self._desk.renewed(asked)
            if renewed is None:
                ticket = self._desk.advance(ticket_id, Withdrawn("the login is not valid any more"))
            else:
                try:
                    return self._release(ticket, renewed, turn)
                except ApprovalConflict as conflict:
                    ticket = self._ended(ticket_id, conflict)
        turn.must_take()
        return self._desk.record(asked, Judgement(closed(ticket), None), self._desk.now(), ticket)

    def _expired(self, ticket_id: str) -> Ticket:
        """A ticket whose time is over, as it ended."""
        try:
            return self._desk.advance(ticket_id, Expired())
        except ApprovalConflict:
            # WHY: whoever looks for overdue ones, or a person, may have been faster; it ended as they said then.
            found = self._approvals.get(ticket_id)
            if found is None or found.is_open:
                raise
            return found

    def _ended(self, ticket_id: str, conflict: ApprovalConflict) -> Ticket:
        """A ticket that somebody else has ended by now, who was faster. Raises `conflict` where it is not over."""
        found = self._approvals.get(ticket_id)
        if found is None or found.is_alive:
            raise conflict
        return found

    def _release(self, ticket: Ticket, asked: Asked, turn: Turn) -> Answer:
        """Decide again with the grant; only what was approved, where the policy still agrees, comes out, and once."""
        desk = self._desk
        now, program = desk.now(), desk.program
        if program is None:
            turn.must_take()
            return desk.record(asked, Judgement(no_policy(), None), now, ticket)
        names = tuple(vote.approver for vote in ticket.votes if vote.granted)
        approval = Approval(ticket.id, names, ticket.rules, ticket.granted_at or now)
        asked = desk.informed(asked, now)
        judged = program.judge(asked, now, approval)
        # WHY before the step: a grant that nobody waits for stays, for the command when it comes again.
        turn.check()
        binding = bind(asked, program, tree_of(judged))
        if binding != ticket.binding:
            changed = "the policy" if binding.revision != ticket.binding.revision else "the command"
            denial = refused(f"{changed} changed while this waited", "run it again")
            return self._supersede(ticket, asked, judged, denial, turn)
        if judged.decision.verdict is Verdict.HOLD:
            return self._supersede(ticket, asked, judged, refused("other rules hold this now", "run it again"), turn)
        if not judged.decision.is_granted:
            return self._supersede(ticket, asked, judged, judged.decision, turn)
        # INVARIANT: the grant is used up, in the store and for all replicas, before anybody learns that it may run.
        used = desk.advance(ticket.id, Used(binding))
        turn.must_take()
        return desk.record(asked, judged, now, used)

    def _supersede(self, ticket: Ticket, asked: Asked, judged: Judgement, denial: Decision, turn: Turn) -> Answer:
        reason = denial.reasons[0].reason if denial.reasons else "denied now"
        after = self._desk.advance(ticket.id, Superseded(reason))
        turn.must_take()
        return self._desk.record(asked, Judgement(denial, judged.command, judged.exact), self._desk.now(), after)


def bind(asked: Asked, program: Program, command: ParsedCommand) -> Binding:
    """What a grant of a command is good for."""
    return binding_of(
        *(asked.principal, asked.session, asked.resource, command, asked.parameters, program.revision), asked.prompt
    )


def tree_of(judged: Judgement) -> ParsedCommand:
    """The tree of exactly this command. A hold without one is a bug, and so a deny."""
    if judged.command is None or not judged.exact:
        raise ApprovalConflict("this cannot be held: its tree is not known", code="NO_TREE")
    return judged.command


Later = Callable[[Turn], Answer]
"""The rest of a decision that may wait for the store."""
