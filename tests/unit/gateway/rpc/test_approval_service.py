"""The approval service in front of stand-in tickets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.decision import DenyKind, Obligation, Verdict
from engine.request import Principal
from gateway.approvals.estimate import Estimate
from gateway.errors import ApprovalConflict
from gateway.identity.logins import Login
from gateway.rpc.approval_service import ApprovalService
from gateway.rpc.arrivals import Arrivals
from gateway.rpc.calls import Reception
from gateway.rpc.codec import remembered, tickets
from gateway.rpc.codec.tickets import Said, Wanted
from gateway.rpc.identity import Caller, OneCaller
from gateway.rpc.mailbox import Mailbox
from gateway.rpc.refusals import CallRefused
from grpc_proto.sallyport.approval.v1 import approval_pb2
from tests import rpc_stand_ins
from tests.rpc_stand_ins import ADAPTER, AGENT, APPROVER, AUDITOR, StandIns, StandInVote

ANA = Caller(Principal("ana"))
YES = tickets.write_said(Said("t-1", "looks right"))


def served() -> tuple[StandIns, ApprovalService]:
    stand_ins = StandIns()
    return stand_ins, ApprovalService(stand_ins.approvals, stand_ins.gate)


def test_tickets_are_seen_by_approvers_adapters_auditors_and_the_requester() -> None:
    _, service = served()
    message = tickets.write_list_request(Wanted())
    for caller, count in ((APPROVER, 1), (ADAPTER, 1), (AUDITOR, 1), (ANA, 1), (AGENT, 0)):
        assert len(tickets.read_tickets(service.list(message, caller))) == count
    closed = tickets.write_list_request(Wanted(("granted",)))
    assert tickets.read_tickets(service.list(closed, APPROVER)) == ()


def test_an_estimate_is_seen_by_approvers_and_auditors_and_by_nobody_who_asked() -> None:
    stand_ins, service = served()
    stand_ins.approvals.held = replace(stand_ins.approvals.held, estimate=Estimate(40))
    message = tickets.write_list_request(Wanted())
    own = Caller(Principal("ana"), roles=APPROVER.roles | AUDITOR.roles)
    for caller, seen in ((APPROVER, True), (AUDITOR, True), (ADAPTER, False), (ANA, False), (own, False)):
        (ticket,) = tickets.read_tickets(service.list(message, caller))
        assert (ticket.estimate is not None) is seen, caller
    assert tickets.read_ticket(service.approve(YES, APPROVER)).estimate == Estimate(40)
    assert tickets.read_ticket(service.withdraw(YES, ADAPTER)).estimate is None


def test_a_vote_is_the_callers_own() -> None:
    stand_ins, service = served()
    ticket = tickets.read_ticket(service.approve(YES, APPROVER))
    assert ticket.state == "granted"
    assert [(vote.approver, vote.comment) for vote in stand_ins.approvals.held.votes] == [("dora", "looks right")]


def test_a_refusal_is_a_vote_too() -> None:
    _, service = served()
    assert tickets.read_ticket(service.refuse(YES, APPROVER)).state == "refused"


@pytest.mark.parametrize("caller", [ANA, ADAPTER, AUDITOR, AGENT], ids=lambda caller: caller.name)
def test_only_approvers_vote(caller: Caller) -> None:
    stand_ins, service = served()
    for vote in (service.approve, service.refuse):
        with pytest.raises(CallRefused) as refused:
            vote(YES, caller)
        assert refused.value.code == "NOT_PERMITTED"
    assert stand_ins.approvals.held.votes == ()


def test_conflicts_keep_their_codes() -> None:
    _, service = served()
    with pytest.raises(ApprovalConflict) as unknown:
        service.approve(tickets.write_said(Said("t-9")), APPROVER)
    assert unknown.value.code == "TICKET_UNKNOWN"
    service.approve(YES, APPROVER)
    with pytest.raises(ApprovalConflict) as closed:
        service.refuse(YES, APPROVER)
    assert closed.value.code == "TICKET_CLOSED"


def test_a_request_is_taken_back_by_the_requester_or_its_adapter() -> None:
    for caller in (ANA, ADAPTER):
        _, service = served()
        assert tickets.read_ticket(service.withdraw(YES, caller)).state == "withdrawn"
    _, service = served()
    with pytest.raises(ApprovalConflict) as refused:
        service.withdraw(YES, AGENT)
    assert refused.value.code == "NOT_REQUESTER"


@pytest.mark.parametrize("caller", [ANA, ADAPTER], ids=lambda caller: caller.name)
def test_who_asked_sees_each_step_and_at_last_the_decision(caller: Caller) -> None:
    stand_ins, service = served()
    stand_ins.approvals.asker = caller.name
    box: Mailbox[None] = Mailbox(8)
    fates = service.await_release(tickets.write_await_request("t-1"), caller, box)
    first = tickets.read_fate(next(fates))
    assert (first.ticket.state, first.decision) == ("requested", None)
    service.approve(YES, APPROVER)
    last = tickets.read_fate(next(fates))
    assert last.ticket.state == "granted"
    assert last.decision is not None
    assert last.decision.verdict is Verdict.ALLOW
    assert [*fates] == []
    assert stand_ins.approvals.listeners == []


def test_a_vote_that_does_not_settle_it_is_news_and_a_ring_without_news_is_not() -> None:
    stand_ins, service = served()
    box: Mailbox[None] = Mailbox(1)
    fates = service.await_release(tickets.write_await_request("t-1"), ADAPTER, box)
    next(fates)
    stand_ins.approvals.held = replace(stand_ins.approvals.held, votes=(StandInVote("dora", True, "", 1),))
    box.put(None)
    assert [vote.approver for vote in tickets.read_fate(next(fates)).ticket.votes] == ["dora"]
    box.put(None)
    box.close()
    assert [*fates] == []


def test_a_ticket_that_is_closed_already_is_settled_at_once() -> None:
    _, service = served()
    service.approve(YES, APPROVER)
    (last,) = service.await_release(tickets.write_await_request("t-1"), ADAPTER, Mailbox(1))
    assert tickets.read_fate(last).decision is not None


def test_a_refused_command_ends_in_a_deny() -> None:
    _, service = served()
    box: Mailbox[None] = Mailbox(8)
    fates = service.await_release(tickets.write_await_request("t-1"), ADAPTER, box)
    next(fates)
    service.refuse(YES, APPROVER)
    decision = tickets.read_fate(next(fates)).decision
    assert decision is not None
    assert decision.deny_kind is DenyKind.APPROVAL_REFUSED


def test_others_do_not_learn_whether_a_ticket_is_there() -> None:
    _, service = served()
    for ticket_id, caller in (("t-1", AGENT), ("t-1", ANA), ("t-1", APPROVER), ("t-9", ADAPTER)):
        with pytest.raises(ApprovalConflict) as refused:
            next(service.await_release(tickets.write_await_request(ticket_id), caller, Mailbox(1)))
        assert (refused.value.code, str(refused.value)) == ("TICKET_UNKNOWN", "no such ticket")


def test_a_released_decision_that_cannot_be_said_is_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_ins, service = served()
    unsayable = replace(rpc_stand_ins.ALLOWED, obligations=(Obligation("teleport", 1, "r"),))
    monkeypatch.setattr(rpc_stand_ins, "ALLOWED", unsayable)
    fates = service.await_release(tickets.write_await_request("t-1"), ADAPTER, Mailbox(8))
    next(fates)
    service.approve(YES, APPROVER)
    decision = tickets.read_fate(next(fates)).decision
    assert decision is not None
    assert decision.deny_kind is DenyKind.OBLIGATION_UNKNOWN
    assert stand_ins.gate.codes() == ["OBLIGATION_UNKNOWN"]


def test_every_method_of_the_schema_has_a_handler() -> None:
    stand_ins, service = served()
    schema = approval_pb2.DESCRIPTOR.services_by_name["ApprovalService"]
    assert set(service.handlers(Reception(OneCaller(AGENT), stand_ins.gate, Arrivals(lambda: 0.0)))) == set(
        schema.methods_by_name
    )


def of_job(job: str | None, *resources: str) -> Caller:
    """Ana with a token of ours for a job."""
    login = Login(ANA.principal, 1, token="t-1", resources=frozenset(resources or ("orders",)), job=job)
    return Caller(ANA.principal, frozenset(), login)


def test_a_token_sees_and_takes_back_what_its_own_job_asked_for() -> None:
    stand_ins, service = served()
    stand_ins.approvals.held = replace(stand_ins.approvals.held, job="build-42")
    stand_ins.approvals.asker = ANA.name
    message = tickets.write_list_request(Wanted())
    for caller in (of_job("build-43"), of_job(None), of_job("build-42", "billing")):
        assert tickets.read_tickets(service.list(message, caller)) == ()
        with pytest.raises(ApprovalConflict) as refused:
            service.withdraw(YES, caller)
        assert refused.value.code == "TICKET_UNKNOWN"
        with pytest.raises(ApprovalConflict) as refused:
            next(service.await_release(tickets.write_await_request("t-1"), caller, Mailbox(8)))
        assert refused.value.code == "TICKET_UNKNOWN"
    assert stand_ins.approvals.listeners == []
    own = of_job("build-42")
    assert len(tickets.read_tickets(service.list(message, own))) == 1
    fates = service.await_release(tickets.write_await_request("t-1"), own, Mailbox(8))
    assert tickets.read_fate(next(fates)).ticket.state == "requested"
    assert tickets.read_ticket(service.withdraw(YES, own)).state == "withdrawn"


def test_a_token_for_a_job_decides_nothing_for_its_person() -> None:
    _, service = served()
    for vote in (service.approve, service.refuse):
        with pytest.raises(CallRefused) as refused:
            vote(YES, Caller(APPROVER.principal, frozenset(), Login(APPROVER.principal, 1, token="t-1")))
        assert refused.value.code == "NOT_PERMITTED"


def test_a_yes_says_for_how_long_it_is_to_be_remembered() -> None:
    stand_ins, service = served()
    service.approve(tickets.write_said(Said("t-1", "", 1800)), APPROVER)
    assert stand_ins.approvals.remember == 1800
    with pytest.raises(CallRefused):
        service.approve(tickets.write_said(Said("t-1", "", -1)), APPROVER)


def test_remembered_approvals_are_seen_as_tickets_are() -> None:
    _, service = served()
    message = remembered.write_list_request()
    for caller, count in ((APPROVER, 1), (ADAPTER, 1), (AUDITOR, 1), (ANA, 1), (AGENT, 0)):
        assert len(remembered.read_remembered(service.list_remembered(message, caller))) == count


@pytest.mark.parametrize("caller", [APPROVER, ANA], ids=lambda caller: caller.name)
def test_approvers_take_one_back_and_whom_it_lets_run_commands(caller: Caller) -> None:
    stand_ins, service = served()
    message = remembered.write_take_back_request("a-1")
    assert remembered.read_one(service.take_back(message, caller)).id == "a-1"
    assert stand_ins.approvals.taken_back_by == caller.name
    with pytest.raises(ApprovalConflict) as gone:
        service.take_back(message, caller)
    assert gone.value.code == "LASTING_OVER"


def test_nobody_else_takes_one_back() -> None:
    stand_ins, service = served()
    message = remembered.write_take_back_request("a-1")
    for caller in (AUDITOR, ADAPTER):
        with pytest.raises(CallRefused):
            service.take_back(message, caller)
    with pytest.raises(ApprovalConflict):
        service.take_back(message, AGENT)
    assert len(stand_ins.approvals.kept) == 1
