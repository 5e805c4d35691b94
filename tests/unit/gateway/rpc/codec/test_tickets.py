"""Tickets through messages and back."""

from __future__ import annotations

import pytest

from engine.decision import Decision
from gateway.approvals.estimate import PENDING, Estimate, PlanStep, no_estimate
from gateway.approvals.states import Escalation, State
from gateway.rpc.codec import tickets
from gateway.rpc.codec.answers import AnswerWriter, Particulars, Shown
from gateway.rpc.codec.tickets import Said, Told, Wanted
from gateway.rpc.limits import MAX_COMMENT, MAX_PAGE
from gateway.rpc.refusals import CallRefused
from grpc_proto.sallyport.approval.v1 import approval_pb2 as pb
from tests.rpc_stand_ins import StandInTicket, StandInVote

VOTED = StandInTicket(
    lately=(("rows_last_hour", 7), ("exact", 1)),
    unusual="never done",
    stated=("job", "prompt"),
    remember=1800,
    state="granted",
    job="build-42",
    votes=(StandInVote("dora", True, "ok", 2), StandInVote("otto", False, "", 3)),
)


@pytest.mark.parametrize("ticket", [StandInTicket(), VOTED], ids=["new", "voted"])
def test_a_ticket_comes_back_as_it_was(ticket: StandInTicket) -> None:
    read = tickets.read_ticket(tickets.write_ticket(ticket))
    for name in StandInTicket.__dataclass_fields__:
        if name not in ("votes", "estimate", "escalations", "told_at"):
            assert getattr(read, name) == getattr(ticket, name), name
    assert [(vote.approver, vote.granted, vote.comment, vote.at) for vote in read.votes] == [
        (vote.approver, vote.granted, vote.comment, vote.at) for vote in ticket.votes
    ]
    assert tickets.read_tickets(tickets.write_list([ticket, ticket])) == (read, read)


@pytest.mark.parametrize(
    "estimate",
    [
        Estimate(7, 2.5, True, (PlanStep("Delete", "t", 7), PlanStep("Seq Scan", "t", 7, 1)), 3),
        PENDING,
        no_estimate("so"),
        Estimate(),
    ],
)
def test_an_estimate_comes_back_as_it_was(estimate: Estimate) -> None:
    ticket = StandInTicket()
    assert tickets.read_ticket(tickets.write_ticket(ticket, estimate)).estimate == estimate
    listed = tickets.read_tickets(tickets.write_list([ticket], lambda one: estimate))
    assert listed[0].estimate == estimate
    assert tickets.read_ticket(tickets.write_ticket(ticket)).estimate is None


def test_who_is_told_when_comes_back_and_what_a_client_of_before_reads_is_the_same() -> None:
    steps = (Escalation(300, ("c",), ("oncall",)), Escalation(900, (), ("leads",), may_approve=True))
    written = tickets.write_ticket(StandInTicket(escalations=steps, told_at=(300_000_000_777,)))
    assert tickets.read_ticket(written).escalations == (
        Told(300_000_001_000, ("c",), ("oncall",), False, 300_000_000_777),
        Told(900_000_001_000, (), ("leads",), True, 0),
    )
    plain = pb.ApproveResponse.FromString(tickets.write_ticket(StandInTicket()))
    told = pb.ApproveResponse.FromString(written)
    assert len(told.ticket.escalations) == 2
    # Field 21 alone is new: without it the bytes are those of before.
    told.ticket.ClearField("escalations")
    assert told == plain
    assert tickets.read_ticket(plain.SerializeToString()).escalations == ()


def test_every_state_of_a_ticket_has_its_number() -> None:
    assert {name.lower() for name, _ in pb.State.items()} == {str(state) for state in State} | {"unspecified"}


def test_a_fate_has_its_decision_only_at_the_end() -> None:
    decision = Decision(revision="r1")
    answer = AnswerWriter().write(decision, Particulars("d-1"), Shown(reasons=True, details=True))
    assert tickets.read_fate(tickets.write_fate(VOTED, None)).decision is None
    last = tickets.read_fate(tickets.write_fate(VOTED, answer))
    assert (last.decision, last.particulars) == (decision, Particulars("d-1"))


def test_wishes_and_words_come_through() -> None:
    assert tickets.read_list(tickets.write_list_request(Wanted(("requested", "granted"), 7))) == Wanted(
        ("requested", "granted"), 7
    )
    assert tickets.read_list(b"") == Wanted((), MAX_PAGE)
    said = Said("t-1", "looks right")
    for read in (tickets.read_approve, tickets.read_refuse, tickets.read_withdraw):
        assert read(tickets.write_said(said)) == said
    assert tickets.read_await(tickets.write_await_request("t-1")) == "t-1"


@pytest.mark.parametrize("limit", [-1, MAX_PAGE + 1])
def test_a_page_is_bounded(limit: int) -> None:
    with pytest.raises(CallRefused, match="limit"):
        tickets.read_list(pb.ListRequest(limit=limit).SerializeToString())


@pytest.mark.parametrize("data", [b"\x08\x63", b"\x08\x00", b"\x08\x01" * 20])
def test_states_that_are_none_are_refused(data: bytes) -> None:
    with pytest.raises(CallRefused, match="states"):
        tickets.read_list(data)


@pytest.mark.parametrize("ticket_id", ["", "t\n1", "x" * 5_000])
def test_a_ticket_id_that_is_none_is_refused(ticket_id: str) -> None:
    with pytest.raises(CallRefused, match="ticket_id"):
        tickets.read_await(tickets.write_await_request(ticket_id))


def test_a_comment_is_bounded() -> None:
    with pytest.raises(CallRefused) as refused:
        tickets.read_approve(tickets.write_said(Said("t-1", "x" * (MAX_COMMENT + 1))))
    assert refused.value.code == "TOO_LARGE"


def test_a_client_takes_no_ticket_of_an_unknown_state() -> None:
    with pytest.raises(CallRefused, match="state"):
        tickets.read_ticket(pb.ApproveResponse(ticket=pb.Ticket(id="t-1")).SerializeToString())
