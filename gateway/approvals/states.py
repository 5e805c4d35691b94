"""The life of a ticket as a pure machine: ticket and event in, ticket out. No clock, no database.

    requested --Approved (all demands met)--> granted --Used--> granted, used once
        |  \\--Approved (not yet all)--> requested      |
        +-- Refused / Withdrawn / Superseded / Expired -+--> refused withdrawn superseded expired   (final)

A grant binds to the exact command, its parameters, principal, job, prompt, resource and policy revision (`Binding`); it is
good for one use before it expires; every demand needs its quorum of different people; the requester is never one of them.
Called by `store` (which adds compare-and-set) and by the property test.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias, assert_never

from engine.request import Json
from gateway.approvals.estimate import Estimate, answered
from gateway.approvals.likeness import Likeness
from gateway.errors import ApprovalConflict

MAX_REASON = 2_000
"""Characters of a reason that are kept; more is cut, so that a vote cannot fill the store."""


class State(StrEnum):
    REQUESTED = "requested"
    GRANTED = "granted"
    REFUSED = "refused"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Binding:
    """What a grant is good for, and nothing else.

    `digest` is the command's, `parameters` one of the bound values, `meaning` one of what the command's names resolved to
    and of where it would run (database, role); `prompt` is the digest of what set the job off, empty where nobody stated it.
    """

    principal: str
    resource: str
    protocol: str
    digest: str
    parameters: str
    meaning: str
    revision: str
    job: str | None = None
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who is told when nobody has decided `after` seconds; with `may_approve` they count for the demand from then on."""

    after: int
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    may_approve: bool = False

    @property
    def people(self) -> str:
        """Who, in words."""
        return " and ".join([*(f"group {name}" for name in self.groups), *self.users])


@dataclass(frozen=True, slots=True)
class Demand:
    """One hold's wish: `quorum` different people, each named in `users` or in one of `groups`."""

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    quorum: int = 1
    escalate: tuple[Escalation, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who votes, as identity knows them at that moment. `also`: other names of the same human."""

    name: str
    groups: tuple[str, ...] = ()
    also: frozenset[str] = frozenset()

    def is_called(self, name: str) -> bool:
        """Whether a name is one of theirs."""
        return name == self.name or name in self.also


@dataclass(frozen=True, slots=True)
class Vote:
    """What one person said. `groups` are theirs at that moment: a demand is met by what was so when they voted.

    `remember`: for how many seconds they want the yes remembered for what is like the command; 0: not at all.
    """

    approver: str
    groups: tuple[str, ...]
    granted: bool
    at: int
    comment: str = ""
    remember: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """What approvers are shown of the command. Never used to decide anything."""

    text: str
    operations: tuple[str, ...] = ()
    session: str = ""
    job: str | None = None
    application: str | None = None
    client_address: str | None = None
    prompt: str | None = None
    """What set the job off, as whoever asked for its token stated it."""
    estimate: Estimate | None = None
    """What a planner expects it to touch; None where nobody asks one. INVARIANT: never shown to who wants to run it."""
    lately: tuple[tuple[str, int], ...] = ()
    """The numbers of what the requester did lately that the policies read, by name, as they were decided with."""
    unusual: str = ""
    """Why the command is not what that kind of job does, in a sentence; empty when it is."""
    stated: tuple[str, ...] = ()
    """What of the job's circumstances (`job`, `prompt`) nobody vouches for but the requester itself."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One held command. Times are UTC nanoseconds. `version` grows with every step (compare-and-set).

    `reason` is why it is held; once it is closed, why that. `remember` is for how many seconds at most a yes may be remembered
    for what is like the command (`likeness`); 0: not at all.
    """

    id: str
    binding: Binding
    demands: tuple[Demand, ...]
    rules: tuple[str, ...]
    requested_at: int
    expires_at: int
    shown: Shown
    reason: str = ""
    may_withdraw: bool = True
    state: State = State.REQUESTED
    votes: tuple[Vote, ...] = ()
    closed_by: str | None = None
    closed_at: int | None = None
    granted_at: int | None = None
    used_at: int | None = None
    version: int = 0
    remember: int = 0
    likeness: Likeness | None = None
    told_at: tuple[int, ...] = ()
    """When each of the first of `escalations` was told."""

    @property
    def escalated(self) -> int:
        """How many of `escalations` were told."""
        return len(self.told_at)

    @property
    def escalations(self) -> tuple[Escalation, ...]:
        """All steps of all demands, in the order of their times."""
        return tuple(step for _, step in _escalations(self))

    @property
    def next_escalation_at(self) -> int | None:
        """When the next step is due; None when there is none left, or nothing to wait for."""
        steps = self.escalations
        if not self.is_open or self.escalated >= len(steps):
            return None
        return self.requested_at + steps[self.escalated].after * 1_000_000_000

    @property
    def remembered(self) -> int:
        """For how many seconds the grant is remembered: the shortest time of all who said yes; 0 when one of them said nothing of it."""
        times = [vote.remember for vote in self.votes if vote.granted]
        return 0 if self.granted_at is None else min(times, default=0)

    @property
    def is_open(self) -> bool:
        """Whether people may still vote."""
        return self.state is State.REQUESTED

    @property
    def is_usable(self) -> bool:
        """Whether it is granted and not yet used (time apart)."""
        return self.state is State.GRANTED and self.used_at is None

    @property
    def is_alive(self) -> bool:
        """Whether any step can still be taken (time apart)."""
        return self.is_open or self.is_usable

    @property
    def is_over(self) -> bool:
        """Whether waiting for people is over, one way or the other."""
        return self.state is not State.REQUESTED

    @property
    def principal(self) -> str:
        return self.binding.principal

    @property
    def resource(self) -> str:
        return self.binding.resource

    @property
    def protocol(self) -> str:
        return self.binding.protocol

    @property
    def digest(self) -> str:
        return self.binding.digest

    @property
    def text(self) -> str:
        return self.shown.text

    @property
    def session(self) -> str:
        return self.shown.session

    @property
    def job(self) -> str | None:
        return self.shown.job

    def estimate_for(self, viewer: str, now: int) -> Estimate | None:
        """What the planner expects, for one of those who may see the ticket; not for the requester.

        WHY: it is made of the statistics of tables, which they may not see before somebody approves.
        """
        return None if viewer == self.binding.principal else answered(self.shown.estimate, self.requested_at, now)

    @property
    def lately(self) -> tuple[tuple[str, int], ...]:
        return self.shown.lately

    @property
    def unusual(self) -> str:
        return self.shown.unusual

    @property
    def stated(self) -> tuple[str, ...]:
        return self.shown.stated

    @property
    def approvers(self) -> tuple[Mapping[str, Json], ...]:
        """The demands, as a policy states them."""
        return tuple(
            {"users": list(demand.users), "groups": list(demand.groups), "quorum": demand.quorum}
            for demand in self.demands
        )


@dataclass(frozen=True, slots=True)
class Approved:
    person: Person
    comment: str = ""
    remember: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    person: Person
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The requester, or the session that waited, does not want it any more. `by_choice`: a person's wish, not a lost client."""

    reason: str
    by_choice: bool = False


@dataclass(frozen=True, slots=True)
class Superseded:
    """What it was bound to is not so any more (the policy changed)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Expired:
    """Its time is over."""


@dataclass(frozen=True, slots=True)
class Used:
    """The granted command is about to be decided again with this grant."""

    binding: Binding


@dataclass(frozen=True, slots=True)
class Escalated:
    """The time of the next escalation has come and nobody has decided."""


@dataclass(frozen=True, slots=True)
class Estimated:
    """What it would touch is known, or why not. Changes what people are shown, and nothing that anything is decided by."""

    estimate: Estimate


Step: TypeAlias = Approved | Refused | Withdrawn | Superseded | Expired | Used | Estimated | Escalated


def parameters_digest(parameters: Sequence[str | None] | None) -> str:
    """A digest of bound values that differs whenever one of them does. Empty text when there are none at all."""
    if parameters is None:
        return ""
    parts = []
    for value in parameters:
        # INVARIANT: length before content, so no two lists of values share an encoding.
        encoded = b"" if value is None else value.encode("utf-8", "surrogateescape")
        parts.append(b"-1:" if value is None else b"%d:%b" % (len(encoded), encoded))
    return hashlib.sha256(b"".join(parts)).hexdigest()


def demands_of(approvers: Sequence[Mapping[str, Json]]) -> tuple[Demand, ...]:
    """Read a decision's approvers. Raises ApprovalConflict for a demand that nobody could meet or that says what we do not know."""
    if not approvers:
        raise ApprovalConflict("a hold names no approvers", code="DEMAND_INVALID")
    return tuple(_demand(item) for item in approvers)


def _demand(item: Mapping[str, Json]) -> Demand:
    unknown = set(item) - {"users", "groups", "quorum", "escalate"}
    if unknown:
        raise ApprovalConflict(f"approvers say `{min(unknown)}`, which nobody knows", code="DEMAND_INVALID")
    users, groups, quorum = _names(item.get("users")), _names(item.get("groups")), item.get("quorum", 1)
    if not isinstance(quorum, int) or isinstance(quorum, bool) or quorum < 1:
        raise ApprovalConflict("a quorum must be a whole number above 0", code="DEMAND_INVALID")
    if not users and not groups:
        raise ApprovalConflict("approvers name neither users nor groups", code="DEMAND_INVALID")
    steps = item.get("escalate", [])
    if not isinstance(steps, list | tuple):
        raise ApprovalConflict("escalations must be a list", code="DEMAND_INVALID")
    return Demand(users, groups, quorum, tuple(_escalation(step) for step in steps))


def _escalation(item: Json) -> Escalation:
    if not isinstance(item, dict) or set(item) - {"after", "users", "groups", "may_approve"}:
        raise ApprovalConflict("an escalation has another shape", code="DEMAND_INVALID")
    after, may_approve = item.get("after"), item.get("may_approve", False)
    users, groups = _names(item.get("users")), _names(item.get("groups"))
    if not isinstance(after, int) or isinstance(after, bool) or after < 1 or not isinstance(may_approve, bool):
        raise ApprovalConflict("an escalation has another shape", code="DEMAND_INVALID")
    if not users and not groups:
        raise ApprovalConflict("an escalation tells nobody", code="DEMAND_INVALID")
    return Escalation(after, users, groups, may_approve)


def _names(value: Json | None) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise ApprovalConflict("approvers must be lists of names", code="DEMAND_INVALID")
    names = tuple(name for name in value if isinstance(name, str) and name)
    if len(names) != len(value):
        raise ApprovalConflict("approvers must be lists of names", code="DEMAND_INVALID")
    return names


def step(ticket: Ticket, event: Step, now: int) -> Ticket:
    """The ticket after the event, or ApprovalConflict with the code that says why not. An illegal step changes nothing."""
    # INVARIANT: the clock closes a ticket whether or not anybody noticed; only Expired itself may be said of an overdue one.
    if now >= ticket.expires_at and not isinstance(event, Expired | Withdrawn) and ticket.is_alive:
        raise ApprovalConflict(f"ticket `{ticket.id}` has expired", code="TICKET_CLOSED")
    if not ticket.is_alive:
        raise _closed(ticket)
    match event:
        case Approved():
            _check_remember(ticket, event.remember)
            return _approve(ticket, event, now)
        case Refused(person, comment):
            return _refuse(ticket, person, comment, now)
        case Withdrawn(reason, by_choice):
            if by_choice and not ticket.may_withdraw:
                raise ApprovalConflict(f"the policy does not let `{ticket.id}` be withdrawn", code="WITHDRAW_FORBIDDEN")
            return _close(ticket, State.WITHDRAWN, reason, ticket.binding.principal, now)
        case Superseded(reason):
            return _close(ticket, State.SUPERSEDED, reason, None, now)
        case Expired():
            if now < ticket.expires_at:
                raise ApprovalConflict(f"ticket `{ticket.id}` has time left", code="NOT_EXPIRED")
            return _close(ticket, State.EXPIRED, "nobody decided in time", None, now)
        case Used(binding):
            return _use(ticket, binding, now)
        case Estimated(estimate):
            return _show(ticket, estimate)
        case Escalated():
            return _escalate(ticket, now)
        case _:
            assert_never(event)


def _closed(ticket: Ticket) -> ApprovalConflict:
    if ticket.used_at is not None:
        return ApprovalConflict(f"ticket `{ticket.id}` was used already", code="ALREADY_USED")
    return ApprovalConflict(f"ticket `{ticket.id}` is {ticket.state.value}", code="TICKET_CLOSED")


def _check_remember(ticket: Ticket, seconds: int) -> None:
    longest = 0 if ticket.likeness is None else ticket.remember
    if not 0 <= seconds <= longest:
        how = f"for {longest} seconds at most" if longest else "by itself only"
        raise ApprovalConflict(f"ticket `{ticket.id}` may be approved {how}", code="REMEMBER_FORBIDDEN")


def _approve(ticket: Ticket, said: Approved, now: int) -> Ticket:
    person = said.person
    if ticket.state is not State.REQUESTED:
        raise ApprovalConflict(f"ticket `{ticket.id}` is granted already", code="TICKET_CLOSED")
    _check_person(ticket, person)
    if any(person.is_called(vote.approver) for vote in ticket.votes):
        raise ApprovalConflict(f"`{person.name}` has approved `{ticket.id}` already", code="ALREADY_VOTED")
    votes = (*ticket.votes, Vote(person.name, person.groups, True, now, said.comment[:MAX_REASON], said.remember))
    if all(_is_met(demand, votes) for demand in ticket.demands):
        return replace(ticket, votes=votes, state=State.GRANTED, granted_at=now, version=ticket.version + 1)
    return replace(ticket, votes=votes, version=ticket.version + 1)


def _refuse(ticket: Ticket, person: Person, comment: str, now: int) -> Ticket:
    _check_person(ticket, person)
    vote = Vote(person.name, person.groups, False, now, comment[:MAX_REASON])
    return replace(_close(ticket, State.REFUSED, comment, person.name, now), votes=(*ticket.votes, vote))


def _use(ticket: Ticket, binding: Binding, now: int) -> Ticket:
    if ticket.state is not State.GRANTED:
        raise ApprovalConflict(f"ticket `{ticket.id}` is not granted", code="NOT_GRANTED")
    if binding != ticket.binding:
        raise ApprovalConflict(f"ticket `{ticket.id}` was granted for something else", code="BINDING_DIFFERS")
    return replace(ticket, used_at=now, version=ticket.version + 1)


def _escalations(ticket: Ticket) -> list[tuple[int, Escalation]]:
    """Each step with the number of the demand it belongs to."""
    steps = [(number, step) for number, demand in enumerate(ticket.demands) for step in demand.escalate]
    return sorted(steps, key=lambda one: one[1].after)


def _escalate(ticket: Ticket, now: int) -> Ticket:
    due = ticket.next_escalation_at
    if due is None or now < due:
        raise ApprovalConflict(f"nobody else is to be told of `{ticket.id}` yet", code="NOT_DUE")
    number, step = _escalations(ticket)[ticket.escalated]
    demands = list(ticket.demands)
    if step.may_approve:
        # INVARIANT: only a policy lets others approve, and only for the demand of the rule that says so.
        old = demands[number]
        users, groups = dict.fromkeys((*old.users, *step.users)), dict.fromkeys((*old.groups, *step.groups))
        demands[number] = replace(old, users=tuple(users), groups=tuple(groups))
    return replace(ticket, demands=tuple(demands), told_at=(*ticket.told_at, now), version=ticket.version + 1)


def _show(ticket: Ticket, estimate: Estimate) -> Ticket:
    if ticket.state is not State.REQUESTED:
        raise ApprovalConflict(f"ticket `{ticket.id}` is decided", code="TICKET_CLOSED")
    return replace(ticket, shown=replace(ticket.shown, estimate=estimate), version=ticket.version + 1)


def _close(ticket: Ticket, state: State, reason: str, by: str | None, now: int) -> Ticket:
    kept = reason[:MAX_REASON]
    return replace(ticket, state=state, reason=kept, closed_by=by, closed_at=now, version=ticket.version + 1)


def touch(ticket: Ticket) -> Ticket:
    """The ticket as it is, under the next version: whatever was computed from this one can not be written any more."""
    return replace(ticket, version=ticket.version + 1)


def _check_person(ticket: Ticket, person: Person) -> None:
    if person.is_called(ticket.binding.principal):
        raise ApprovalConflict("nobody decides about their own command", code="OWN_REQUEST")
    if not any(may_meet(demand, person) for demand in ticket.demands):
        raise ApprovalConflict(f"`{person.name}` is no approver of `{ticket.id}`", code="NOT_APPROVER")


def may_meet(demand: Demand, person: Person) -> bool:
    """Whether the person counts for the demand."""
    return person.name in demand.users or not set(demand.groups).isdisjoint(person.groups)


def _is_met(demand: Demand, votes: Sequence[Vote]) -> bool:
    # INVARIANT: people are counted, not votes.
    said_yes = (Person(vote.approver, vote.groups) for vote in votes if vote.granted)
    return len({person.name for person in said_yes if may_meet(demand, person)}) >= demand.quorum
