"""`sallyport.approval.v1.ApprovalService`: what people and adapters do with held commands. The tickets' rules are not here.

A vote is always the caller's own: the message has no field for another name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import grpc

from adapters.core.ports import Answer
from engine.decision import Decision, DenyKind, Reason
from gateway.approvals.estimate import Estimate
from gateway.errors import ApprovalConflict
from gateway.rpc.calls import Reception, StreamCall, UnaryCall
from gateway.rpc.codec import remembered
from gateway.rpc.codec import tickets as codec
from gateway.rpc.codec.answers import AnswerWriter, Particulars, Shown
from gateway.rpc.identity import Caller, Role
from gateway.rpc.mailbox import Mailbox
from gateway.rpc.permissions import require
from gateway.rpc.ports import ApprovalPort, DecisionPort, Remembered, Ticket
from gateway.rpc.refusals import CallRefused

NAME = "sallyport.approval.v1.ApprovalService"
_PREFIX = f"/{NAME}/"
_SEES_ALL = frozenset({Role.APPROVER, Role.ADAPTER, Role.AUDITOR})
_SEES_ESTIMATES = frozenset({Role.APPROVER, Role.AUDITOR})
_VOTERS = frozenset({Role.APPROVER})
_OPEN = "requested"


class ApprovalService:
    """One for the whole program."""

    def __init__(self, approvals: ApprovalPort, gate: DecisionPort, clock: Callable[[], int] = time.time_ns) -> None:
        """`clock` is UTC nanoseconds."""
        self._clock = clock
        self._approvals = approvals
        self._gate = gate
        self._writer = AnswerWriter()

    def handlers(self, reception: Reception) -> Mapping[str, grpc.RpcMethodHandler[bytes, bytes]]:
        """The handlers for one socket, by method name."""
        single = {"List": self.list, "Approve": self.approve, "Refuse": self.refuse, "Withdraw": self.withdraw}
        single |= {"ListRemembered": self.list_remembered, "TakeBack": self.take_back}
        release: StreamCall[None] = StreamCall(reception, _PREFIX + "AwaitRelease", self.await_release, room=1)
        return {
            **{
                name: grpc.stream_unary_rpc_method_handler(UnaryCall(reception, _PREFIX + name, answer))
                for name, answer in single.items()
            },
            "AwaitRelease": grpc.stream_stream_rpc_method_handler(release),
        }

    def list(self, message: bytes, caller: Caller) -> bytes:
        """Tickets, newest first; only one's own without a role to see all."""
        wanted = codec.read_list(message)
        principal = None if caller.roles & _SEES_ALL else caller.name
        tickets = self._approvals.tickets(states=wanted.states, limit=wanted.limit, principal=principal)
        reached = [one for one in tickets if caller.reaches(one.resource, one.job)]
        return codec.write_list(reached, lambda ticket: self._estimate(ticket, caller))

    def approve(self, message: bytes, caller: Caller) -> bytes:
        """Vote yes."""
        said = codec.read_approve(message)
        require(caller, _VOTERS, "Approve")
        ticket = self._approvals.approve(
            said.ticket_id, by=caller.principal, comment=said.comment, remember=said.remember
        )
        return codec.write_ticket(ticket, self._estimate(ticket, caller))

    def refuse(self, message: bytes, caller: Caller) -> bytes:
        """Vote no."""
        said = codec.read_refuse(message)
        require(caller, _VOTERS, "Refuse")
        ticket = self._approvals.refuse(said.ticket_id, by=caller.principal, comment=said.comment)
        return codec.write_ticket(ticket, self._estimate(ticket, caller))

    def list_remembered(self, message: bytes, caller: Caller) -> bytes:
        """Approvals that are remembered; only for one's own commands without a role to see all."""
        remembered.read_list(message)
        return remembered.write_list(self._remembered(caller))

    def take_back(self, message: bytes, caller: Caller) -> bytes:
        """End one of those that the caller sees."""
        wanted = remembered.read_take_back(message)
        found = next((one for one in self._remembered(caller) if one.id == wanted), None)
        if found is None:
            raise ApprovalConflict("no such remembered approval", code="LASTING_OVER")
        if found.principal != caller.name:
            require(caller, _VOTERS, "TakeBack")
        return remembered.write_one(self._approvals.take_back(wanted, by=caller.principal))

    def _remembered(self, caller: Caller) -> Sequence[Remembered]:
        principal = None if caller.roles & _SEES_ALL else caller.name
        return [one for one in self._approvals.remembered(principal) if caller.reaches(one.resource, one.job)]

    def _estimate(self, ticket: Ticket, caller: Caller) -> Estimate | None:
        return ticket.estimate_for(caller.name, self._clock()) if caller.roles & _SEES_ESTIMATES else None

    def withdraw(self, message: bytes, caller: Caller) -> bytes:
        """Take a request back, one's own or one that this caller asked for somebody."""
        said = codec.read_withdraw(message)
        self._check_reach(said.ticket_id, caller)
        return codec.write_ticket(self._approvals.withdraw(said.ticket_id, caller=caller.name, comment=said.comment))

    def await_release(self, message: bytes, caller: Caller, box: Mailbox[None]) -> Iterator[bytes]:
        """The ticket as it is, then each change, until there is an answer. For who asked the question."""
        ticket_id = codec.read_await(message)
        self._check_reach(ticket_id, caller)
        leave = self._approvals.subscribe(ticket_id, caller=caller.name, listener=lambda: box.put(None))
        try:
            # WHY subscribed first: a change in between rings, and is seen by the look that follows.
            box.put(None)
            told: tuple[str, int] | None = None
            for _ in box:
                ticket = self._approvals.ticket(ticket_id)
                if ticket.state != _OPEN:
                    yield codec.write_fate(ticket, self._answer(self._approvals.settle(ticket_id), ticket, caller))
                    return
                if told != (ticket.state, len(ticket.votes)):
                    told = (ticket.state, len(ticket.votes))
                    yield codec.write_fate(ticket, None)
        finally:
            leave()

    def _check_reach(self, ticket_id: str, caller: Caller) -> None:
        """Raises ApprovalConflict for what another job of the same principal asked for. WHY as if there were none: it is not theirs."""
        if caller.login is not None:
            ticket = self._approvals.ticket(ticket_id)
            if not caller.reaches(ticket.resource, ticket.job):
                raise ApprovalConflict("no such ticket", code="TICKET_UNKNOWN")

    def _answer(self, answer: Answer, ticket: Ticket, caller: Caller) -> bytes:
        shown = Shown(reasons=True, details=caller.may_see_details)
        particulars = Particulars(
            answer.decision_id, ticket=answer.ticket, link=answer.link, expires_at=ticket.expires_at
        )
        try:
            return self._writer.write(answer.decision, particulars, shown)
        except CallRefused as refused:
            method = _PREFIX + "AwaitRelease"
            self._gate.refused(caller=caller.name, method=method, code=refused.code, message=str(refused))
            reason = Reason(rule="", kind="deny", code=refused.code, reason=str(refused))
            denied = Decision(deny_kind=DenyKind.OBLIGATION_UNKNOWN, reasons=(reason,))
            return self._writer.write(denied, Particulars(answer.decision_id), shown)
