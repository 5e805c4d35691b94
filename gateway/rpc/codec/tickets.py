"""Held commands as messages, both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.decision import Decision
from engine.request import Json
from gateway.approvals.estimate import Estimate, PlanStep
from gateway.rpc.codec.answers import Particulars, answer_of, read_approvers, write_approvers
from gateway.rpc.codec.questions import parsed
from gateway.rpc.limits import MAX_COMMENT, MAX_NAME, MAX_PAGE
from gateway.rpc.ports import Ticket
from gateway.rpc.refusals import bad_input, too_large
from grpc_proto.sallyport.approval.v1 import approval_pb2 as pb
from grpc_proto.sallyport.decision.v1 import decision_pb2

_STATES: dict[int, str] = {number: name.lower() for name, number in pb.State.items() if number != pb.UNSPECIFIED}
_STATE_NUMBERS = {name: pb.State.ValueType(number) for number, name in _STATES.items()}
SECOND = 1_000_000_000
FINAL_STATES = frozenset({"granted", "refused", "expired", "withdrawn", "superseded"})

EstimateOf: TypeAlias = Callable[[Ticket], Estimate | None]
"""What somebody may see of the estimate of a ticket."""

_Vote = pb.ApproveRequest | pb.RefuseRequest | pb.WithdrawRequest


@dataclass(frozen=True, slots=True)
class CastVote:
    """What one person said, as a client reads it."""

    approver: str
    granted: bool
    comment: str
    at: int


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told when nobody decides, as a client reads it. `due_at`: when; `told_at`: when they were, 0 where they were not."""

    due_at: int
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    may_approve: bool = False
    told_at: int = 0


@dataclass(frozen=True, slots=True)
class HeldCommand:
    """A ticket as a client reads it. Times are UTC nanoseconds."""

    id: str
    state: str
    principal: str
    session: str
    resource: str
    protocol: str
    text: str
    digest: str
    rules: tuple[str, ...]
    reason: str
    approvers: tuple[Mapping[str, Json], ...]
    requested_at: int
    expires_at: int
    job: str | None = None
    votes: tuple[CastVote, ...] = ()
    estimate: Estimate | None = None
    lately: tuple[tuple[str, int], ...] = ()
    unusual: str = ""
    stated: tuple[str, ...] = ()
    remember: int = 0
    escalations: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True)
class Fate:
    """A ticket as it stands. `decision` is there in the last one of a stream: what became of the command."""

    ticket: HeldCommand
    decision: Decision | None = None
    particulars: Particulars | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says about a ticket."""

    ticket_id: str
    comment: str = ""
    remember: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tickets somebody wants to see."""

    states: tuple[str, ...] = field(default=())
    limit: int = MAX_PAGE


def read_list(data: bytes) -> Wanted:
    """The wish of a ListRequest."""
    request = parsed(pb.ListRequest, data)
    if any(state not in _STATES for state in request.states) or len(request.states) > len(_STATES):
        raise bad_input("states: no such number")
    return Wanted(tuple(_STATES[state] for state in request.states), page(request.limit))


def page(limit: int) -> int:
    """How many may come at once, of a wish for `limit` (0: as many as there may be)."""
    if not 0 <= limit <= MAX_PAGE:
        raise bad_input(f"limit: from 1 to {MAX_PAGE}, or 0 for that")
    return limit or MAX_PAGE


def read_approve(data: bytes) -> Said:
    """What an ApproveRequest says."""
    message = parsed(pb.ApproveRequest, data)
    if message.remember_seconds < 0:
        raise bad_input("remember_seconds: less than nothing")
    said = _said(message)
    return Said(said.ticket_id, said.comment, message.remember_seconds)


def read_refuse(data: bytes) -> Said:
    """What a RefuseRequest says."""
    return _said(parsed(pb.RefuseRequest, data))


def read_withdraw(data: bytes) -> Said:
    """What a WithdrawRequest says."""
    return _said(parsed(pb.WithdrawRequest, data))


def read_await(data: bytes) -> str:
    """The ticket of an AwaitReleaseRequest."""
    return _ticket_id(parsed(pb.AwaitReleaseRequest, data).ticket_id)


def _said(message: _Vote) -> Said:
    if len(message.comment) > MAX_COMMENT:
        raise too_large("characters of comment", len(message.comment), MAX_COMMENT)
    return Said(_ticket_id(message.ticket_id), message.comment)


def _ticket_id(given: str) -> str:
    if not given or len(given) > MAX_NAME or not given.isprintable():
        raise bad_input("ticket_id: missing, or none")
    return given


def write_list(tickets: Sequence[Ticket], estimate_of: EstimateOf = lambda ticket: None) -> bytes:
    """A ListResponse."""
    response = pb.ListResponse()
    for ticket in tickets:
        _write(response.tickets.add(), ticket)
        _write_estimate(response.tickets[-1], estimate_of(ticket))
    return response.SerializeToString()


def write_ticket(ticket: Ticket, estimate: Estimate | None = None) -> bytes:
    """The response to Approve, Refuse and Withdraw, which are of one shape."""
    response = pb.ApproveResponse()
    _write(response.ticket, ticket)
    _write_estimate(response.ticket, estimate)
    return response.SerializeToString()


def write_fate(ticket: Ticket, answer: bytes | None) -> bytes:
    """An AwaitReleaseResponse; `answer` is a DecideResponse in bytes."""
    response = pb.AwaitReleaseResponse()
    _write(response.ticket, ticket)
    if answer is not None:
        response.decision.CopyFrom(decision_pb2.DecideResponse.FromString(answer))
    return response.SerializeToString()


def _write(into: pb.Ticket, ticket: Ticket) -> None:
    into.id, into.state = ticket.id, _STATE_NUMBERS[str(ticket.state)]
    into.principal, into.session = ticket.principal, ticket.session
    if ticket.job is not None:
        into.job = ticket.job
    into.resource, into.protocol = ticket.resource, ticket.protocol
    into.text, into.digest = ticket.text, ticket.digest
    into.rules.extend(ticket.rules)
    into.reason = ticket.reason
    write_approvers(into.approvers, ticket.approvers)
    into.requested_at, into.expires_at = ticket.requested_at, ticket.expires_at
    for name, value in ticket.lately:
        into.lately.add(name=name, value=value)
    into.unusual = ticket.unusual
    into.stated.extend(ticket.stated)
    into.may_remember = ticket.remember
    for number, step in enumerate(ticket.escalations):
        told = into.escalations.add(due_at=ticket.requested_at + step.after * SECOND, may_approve=step.may_approve)
        told.users.extend(step.users)
        told.groups.extend(step.groups)
        told.told_at = ticket.told_at[number] if number < len(ticket.told_at) else 0
    for vote in ticket.votes:
        into.votes.add(approver=vote.approver, granted=vote.granted, comment=vote.comment, at=vote.at)


def _write_estimate(into: pb.Ticket, estimate: Estimate | None) -> None:
    if estimate is None:
        return
    found = into.estimate
    found.SetInParent()
    found.rows, found.cost, found.changes = estimate.rows, estimate.cost, estimate.changes
    found.more_steps, found.why_not, found.pending = estimate.more, estimate.why_not, estimate.is_pending
    for step in estimate.steps:
        found.steps.add(node=step.node, relation=step.relation, rows=step.rows, depth=step.depth)


def _estimate(found: pb.Estimate) -> Estimate:
    steps = tuple(PlanStep(step.node, step.relation, step.rows, step.depth) for step in found.steps)
    return Estimate(
        found.rows, found.cost, found.changes, steps, found.more_steps, found.why_not, is_pending=found.pending
    )


def read_tickets(data: bytes) -> tuple[HeldCommand, ...]:
    """The tickets of a ListResponse."""
    return tuple(_held(ticket) for ticket in parsed(pb.ListResponse, data).tickets)


def read_ticket(data: bytes) -> HeldCommand:
    """The ticket of a response to Approve, Refuse or Withdraw."""
    return _held(parsed(pb.ApproveResponse, data).ticket)


def read_fate(data: bytes) -> Fate:
    """The fate of an AwaitReleaseResponse."""
    message = parsed(pb.AwaitReleaseResponse, data)
    if not message.HasField("decision"):
        return Fate(_held(message.ticket))
    return Fate(_held(message.ticket), *answer_of(message.decision))


def _held(message: pb.Ticket) -> HeldCommand:
    if message.state not in _STATES:
        raise bad_input("ticket.state: missing, or no such number")
    return HeldCommand(
        id=message.id,
        state=_STATES[message.state],
        principal=message.principal,
        session=message.session,
        job=message.job if message.HasField("job") else None,
        resource=message.resource,
        protocol=message.protocol,
        text=message.text,
        digest=message.digest,
        rules=tuple(message.rules),
        reason=message.reason,
        approvers=read_approvers(message.approvers),
        requested_at=message.requested_at,
        expires_at=message.expires_at,
        votes=tuple(CastVote(vote.approver, vote.granted, vote.comment, vote.at) for vote in message.votes),
        estimate=_estimate(message.estimate) if message.HasField("estimate") else None,
        lately=tuple((one.name, one.value) for one in message.lately),
        unusual=message.unusual,
        stated=tuple(message.stated),
        remember=message.may_remember,
        escalations=tuple(
            Told(one.due_at, tuple(one.users), tuple(one.groups), one.may_approve, one.told_at)
            for one in message.escalations
        ),
    )


def write_list_request(wanted: Wanted) -> bytes:
    """A ListRequest, for the client."""
    states = [_STATE_NUMBERS[state] for state in wanted.states]
    return pb.ListRequest(states=states, limit=wanted.limit).SerializeToString()


def write_said(said: Said) -> bytes:
    """An ApproveRequest, RefuseRequest or WithdrawRequest, which are of one shape, for the client."""
    return pb.ApproveRequest(
        ticket_id=said.ticket_id, comment=said.comment, remember_seconds=said.remember
    ).SerializeToString()


def write_await_request(ticket_id: str) -> bytes:
    """An AwaitReleaseRequest, for the client."""
    return pb.AwaitReleaseRequest(ticket_id=ticket_id).SerializeToString()
