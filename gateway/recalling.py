"""A held command that is like one whose approval is remembered: decided again with that, and told to the audit. Used by the gate.

The order is that of a ticket's release: the policies are asked with the approval in the input, as with a grant; where they agree, the
use is counted in the store and written to the audit in one transaction, before anybody learns that the command may run. Whatever is
not exactly so leaves the command held, for people to decide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adapters.core.ports import Question
from engine.decision import Verdict
from engine.evaluator.cache import Judgement
from engine.request import Approval
from gateway.approvals.lasting import LastingApproval
from gateway.approvals.likeness import Likeness, likeness_of
from gateway.approvals.states import Binding, Person, Ticket
from gateway.approvals.store import Approvals
from gateway.aside import MINE, Turn
from gateway.asked import Asked, Program
from gateway.audit.entry import Entry, Kind
from gateway.errors import ApprovalConflict
from gateway.identity.speaking import stated_in
from gateway.stepping import RECALLED, TAKEN_BACK, Steps

Bind = Callable[[Asked, Program, Judgement], Binding]


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a held command comes to, the ticket of the approval, and the entry of its use where it passes."""

    judged: Judgement
    ticket: Ticket
    entry: Entry | None = None


class Recalling:
    """Remembered approvals, used and taken back."""

    def __init__(self, approvals: Approvals, steps: Steps, bind: Bind, clock: Callable[[], int]) -> None:
        """`bind` says what a grant of a judged command would be good for; `clock` is UTC nanoseconds."""
        self._approvals = approvals
        self._steps = steps
        self._bind = bind
        self._clock = clock

    def likeness(self, asked: Asked, program: Program, judged: Judgement) -> Likeness | None:
        """What the command is like; None for one that nothing remembered may cover."""
        question, command = asked.question, judged.command
        if not isinstance(question, Question) or command is None or not judged.exact:
            return None
        # INVARIANT: a job that nobody vouches for but who asks is no job that anything is remembered for.
        if stated_in(asked.principal):
            return None
        shape = program.shape(question)
        return likeness_of(self._bind(asked, program, judged), command, shape, asked.resource, asked.session)

    def recall(self, asked: Asked, program: Program, judged: Judgement, now: int, turn: Turn = MINE) -> Recalled | None:
        """What a held command comes to with an approval that is remembered; None: people decide.

        Raises AuditUnavailable, StoreUnavailable; TooLate where nobody waits for it any more. Then nothing was used, or its entry is
        taken back.
        """
        hold = judged.decision.hold
        # WHY looked at again: other rules than those of that time may hold it, and they let nothing be remembered.
        if hold is None or hold.remember <= 0:
            return None
        likeness = self.likeness(asked, program, judged)
        found = None if likeness is None else self._approvals.lasting.find(likeness, now)
        ticket = None if found is None else self._approvals.get(found.ticket)
        if likeness is None or found is None or ticket is None:
            return None
        again = program.judge(asked, now, Approval(ticket.id, found.approvers, found.rules, found.granted_at))
        if again.decision.verdict is Verdict.HOLD or self.likeness(asked, program, again) != likeness:
            return None
        if not again.decision.is_granted:
            return Recalled(again, ticket)
        turn.check()
        recorded: list[Entry] = []

        def record(used: LastingApproval) -> None:
            turn.must_take()
            recorded.append(self._steps.record(_used(used, asked, again, now)))

        try:
            self._approvals.lasting.use(found.id, likeness, now, record)
            return Recalled(again, ticket, recorded.pop())
        except ApprovalConflict:
            return None  # WHY: it was taken back, or its time was over, a moment ago
        finally:
            # INVARIANT: recorded, and the store failed: whatever became of the count there, nothing passes with it.
            for entry in recorded:
                self._steps.void(entry)

    def undo(self, recalled: Recalled) -> None:
        """Nothing passed with it after all. Never raises."""
        if recalled.entry is not None:
            self._steps.void(recalled.entry)

    def take_back(self, lasting: str, person: Person) -> LastingApproval:
        """End one, for all replicas at once. Raises ApprovalConflict, AuditUnavailable, StoreUnavailable."""
        now = self._clock()
        with self._steps.recording() as record:
            ended = self._approvals.lasting.take_back(lasting, now, lambda one: record(_ended(one, person, now)))
        self._approvals.bell.ring(ended.ticket)
        return ended


def _used(one: LastingApproval, asked: Asked, judged: Judgement, now: int) -> Entry:
    """That a remembered approval let something pass, by which rules it was held."""
    command = judged.command
    return _step(
        one,
        RECALLED,
        now,
        session=asked.session.id,
        digest="" if command is None else command.command.digest,
        approvers=one.approvers,
    )


def _ended(one: LastingApproval, person: Person, now: int) -> Entry:
    return _step(one, TAKEN_BACK, now, person=person.name)


def _step(
    one: LastingApproval,
    step: str,
    now: int,
    *,
    person: str = "",
    session: str = "",
    digest: str = "",
    approvers: tuple[str, ...] = (),
) -> Entry:
    return Entry(
        kind=Kind.APPROVAL,
        time=now,
        step=step,
        note=one.id,
        ticket=one.ticket,
        person=person,
        session=session,
        digest=digest,
        approvers=approvers,
        principal=one.principal,
        job=one.job,
        resource=one.resource,
        protocol=one.likeness.protocol,
        rules=tuple((rule, "hold") for rule in one.rules),
        revision=one.likeness.revision,
        verdict="granted" if not person else "withdrawn",
    )
