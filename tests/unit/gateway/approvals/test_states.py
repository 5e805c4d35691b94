"""What a ticket permits, and the proof that no order of steps gets more out of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from engine.request import Json
from gateway.approvals.estimate import PENDING, Estimate, no_estimate
from gateway.approvals.likeness import Likeness
from gateway.approvals.states import (
    MAX_REASON,
    Approved,
    Binding,
    Demand,
    Escalated,
    Escalation,
    Estimated,
    Expired,
    Person,
    Refused,
    Shown,
    State,
    Step,
    Superseded,
    Ticket,
    Used,
    Withdrawn,
    demands_of,
    parameters_digest,
    step,
)
from gateway.errors import ApprovalConflict
from tests.strategies.lasting import LIKE

BOUND = Binding("ana", "orders", "postgres", "d" * 64, "", "m", "r1")
DBA = Demand(groups=("dba",), quorum=2)
OWNER = Demand(users=("olga",))
BO, CY, OLGA = Person("bo", ("dba",)), Person("cy", ("dba",)), Person("olga")
END = 1_000


def ticket(*demands: Demand, may_withdraw: bool = True) -> Ticket:
    return Ticket("h-1", BOUND, demands or (DBA,), ("p/R",), 0, END, Shown("DELETE"), may_withdraw=may_withdraw)


def code(caught: pytest.ExceptionInfo[ApprovalConflict]) -> str:
    return caught.value.code


def test_a_quorum_of_different_people_grants() -> None:
    once = step(ticket(), Approved(BO, "fine"), 5)
    assert once.state is State.REQUESTED
    twice = step(once, Approved(CY), 6)
    assert twice.state is State.GRANTED
    assert twice.granted_at == 6
    assert [(vote.approver, vote.comment) for vote in twice.votes] == [("bo", "fine"), ("cy", "")]


def test_nobody_counts_twice() -> None:
    with pytest.raises(ApprovalConflict) as caught:
        step(step(ticket(), Approved(BO), 5), Approved(BO), 6)
    assert code(caught) == "ALREADY_VOTED"


def test_all_demands_must_be_met() -> None:
    asked = ticket(Demand(groups=("dba",)), OWNER)
    half = step(asked, Approved(BO), 5)
    assert half.state is State.REQUESTED
    assert step(half, Approved(OLGA), 6).state is State.GRANTED


def test_the_requester_never_decides_whatever_their_groups() -> None:
    for event in (Approved(Person("ana", ("dba", "admins"))), Refused(Person("ana", ("dba",)))):
        with pytest.raises(ApprovalConflict) as caught:
            step(ticket(), event, 5)
        assert code(caught) == "OWN_REQUEST"


def test_a_human_is_one_whatever_they_are_called() -> None:
    asked = ticket(Demand(groups=("dba",), quorum=2))
    for event in (Approved, Refused):
        with pytest.raises(ApprovalConflict) as caught:
            step(asked, event(Person("corp:ana", ("dba",), frozenset({"ana", "lab:a"}))), 5)
        assert code(caught) == "OWN_REQUEST"
    half = step(asked, Approved(BO), 5)
    with pytest.raises(ApprovalConflict) as caught:
        step(half, Approved(Person("corp:bo", ("dba",), frozenset({"bo"}))), 6)
    assert code(caught) == "ALREADY_VOTED"
    assert step(half, Approved(Person("corp:cy", ("dba",), frozenset({"cy"}))), 6).state is State.GRANTED


def test_only_those_named_may_say_anything() -> None:
    for event in (Approved(OLGA), Refused(OLGA)):
        with pytest.raises(ApprovalConflict) as caught:
            step(ticket(), event, 5)
        assert code(caught) == "NOT_APPROVER"


def test_one_refusal_ends_it_and_says_why() -> None:
    refused = step(ticket(), Refused(CY, "not today"), 5)
    assert (refused.state, refused.reason, refused.closed_by) == (State.REFUSED, "not today", "cy")
    with pytest.raises(ApprovalConflict) as caught:
        step(refused, Approved(BO), 6)
    assert code(caught) == "TICKET_CLOSED"


def test_a_grant_is_good_once() -> None:
    granted = step(ticket(OWNER), Approved(OLGA), 5)
    used = step(granted, Used(BOUND), 6)
    assert used.used_at == 6
    with pytest.raises(ApprovalConflict) as caught:
        step(used, Used(BOUND), 7)
    assert code(caught) == "ALREADY_USED"


@pytest.mark.parametrize("part", ["principal", "resource", "protocol", "digest", "parameters", "meaning", "revision"])
def test_a_grant_is_good_for_nothing_else(part: str) -> None:
    granted = step(ticket(OWNER), Approved(OLGA), 5)
    with pytest.raises(ApprovalConflict) as caught:
        step(granted, Used(replace(BOUND, **{part: "other"})), 6)
    assert code(caught) == "BINDING_DIFFERS"


def test_what_is_not_granted_cannot_be_used() -> None:
    with pytest.raises(ApprovalConflict) as caught:
        step(ticket(), Used(BOUND), 5)
    assert code(caught) == "NOT_GRANTED"


def test_a_granted_ticket_takes_no_more_votes_but_can_be_refused() -> None:
    granted = step(ticket(OWNER), Approved(OLGA), 5)
    with pytest.raises(ApprovalConflict) as caught:
        step(granted, Approved(OLGA), 6)
    assert code(caught) == "TICKET_CLOSED"
    assert step(granted, Refused(OLGA), 6).state is State.REFUSED


def test_time_closes_it_even_when_nobody_said_so() -> None:
    granted = step(ticket(OWNER), Approved(OLGA), 5)
    for waiting, event in ((ticket(), Approved(BO)), (granted, Used(BOUND)), (ticket(), Superseded("x"))):
        with pytest.raises(ApprovalConflict) as caught:
            step(waiting, event, END)
        assert code(caught) == "TICKET_CLOSED"
    assert step(granted, Expired(), END).state is State.EXPIRED


def test_it_does_not_expire_early() -> None:
    with pytest.raises(ApprovalConflict) as caught:
        step(ticket(), Expired(), END - 1)
    assert code(caught) == "NOT_EXPIRED"


def test_a_lost_client_always_withdraws_a_person_only_if_the_policy_lets_them() -> None:
    strict = ticket(may_withdraw=False)
    with pytest.raises(ApprovalConflict) as caught:
        step(strict, Withdrawn("changed my mind", by_choice=True), 5)
    assert code(caught) == "WITHDRAW_FORBIDDEN"
    assert step(strict, Withdrawn("the client left"), 5).state is State.WITHDRAWN
    assert step(ticket(), Withdrawn("never mind", by_choice=True), 5).closed_by == "ana"


def test_a_policy_change_supersedes() -> None:
    assert step(ticket(), Superseded("the policy changed"), 5).state is State.SUPERSEDED


def test_long_reasons_are_cut() -> None:
    assert len(step(ticket(), Refused(BO, "x" * 10_000), 5).reason) == MAX_REASON


@pytest.mark.parametrize(
    "approvers",
    [
        [],
        [{}],
        [{"users": []}],
        [{"groups": "dba"}],
        [{"groups": [""]}],
        [{"groups": [7]}],
        [{"users": ["bo"], "quorum": 0}],
        [{"users": ["bo"], "quorum": True}],
        [{"users": ["bo"], "quorum": "1"}],
        [{"users": ["bo"], "anyone": True}],
    ],
)
def test_a_demand_nobody_could_meet_is_refused(approvers: list[dict[str, object]]) -> None:
    with pytest.raises(ApprovalConflict) as caught:
        demands_of(approvers)  # type: ignore[arg-type]  # wrong shapes are the point
    assert code(caught) == "DEMAND_INVALID"


def test_demands_are_read_and_shown_as_the_policy_states_them() -> None:
    stated = [{"users": ["olga"], "groups": ["dba"], "quorum": 2}]
    read = demands_of(stated)
    assert read == (Demand(("olga",), ("dba",), 2),)
    assert list(ticket(*read).approvers) == stated


values = st.none() | st.lists(st.none() | st.text(max_size=6), max_size=4).map(tuple)


@given(values, values)
def test_two_lists_of_values_share_a_digest_only_when_equal(
    one: tuple[str | None, ...], two: tuple[str | None, ...]
) -> None:
    assert (parameters_digest(one) == parameters_digest(two)) == (one == two)


ONCALL = Escalation(100, groups=("oncall",))
LEADS = Escalation(200, users=("chief",), groups=("leads",), may_approve=True)
SECOND = 10**9


def followed(*more: Demand) -> Ticket:
    """A ticket that is told again after 100 and 200 seconds."""
    demands = (replace(DBA, quorum=1, escalate=(ONCALL, LEADS)), *more)
    return replace(ticket(*demands), requested_at=0, expires_at=300 * SECOND)


def test_each_escalation_is_taken_once_when_its_time_has_come() -> None:
    first = followed()
    assert (first.escalations, first.next_escalation_at) == ((ONCALL, LEADS), 100 * SECOND)
    with pytest.raises(ApprovalConflict) as caught:
        step(first, Escalated(), 100 * SECOND - 1)
    assert code(caught) == "NOT_DUE"
    second = step(first, Escalated(), 100 * SECOND)
    assert (second.escalated, second.version, second.next_escalation_at) == (1, 1, 200 * SECOND)
    with pytest.raises(ApprovalConflict):
        step(second, Escalated(), 200 * SECOND - 1)
    third = step(second, Escalated(), 200 * SECOND)
    assert third.next_escalation_at is None
    with pytest.raises(ApprovalConflict):
        step(third, Escalated(), 250 * SECOND)


def test_only_a_step_that_says_so_lets_others_approve_and_only_for_its_own_demand() -> None:
    oncall, chief = Person("omar", ("oncall",)), Person("chief")
    first = followed(OWNER)
    second = step(first, Escalated(), 100 * SECOND)
    for person in (oncall, chief):
        with pytest.raises(ApprovalConflict) as caught:
            step(second, Approved(person), 101 * SECOND)
        assert code(caught) == "NOT_APPROVER"
    third = step(second, Escalated(), 200 * SECOND)
    assert third.demands[1:] == first.demands[1:]
    with pytest.raises(ApprovalConflict):
        step(third, Approved(oncall), 201 * SECOND)
    voted = step(third, Approved(chief), 201 * SECOND)
    assert voted.state is State.REQUESTED, "the owner is still asked"
    assert step(voted, Approved(OLGA), 202 * SECOND).state is State.GRANTED
    own = replace(third, binding=replace(BOUND, principal="chief"))
    with pytest.raises(ApprovalConflict) as caught:
        step(own, Approved(chief), 201 * SECOND)
    assert code(caught) == "OWN_REQUEST"


def test_what_is_decided_is_told_to_nobody_else() -> None:
    granted = step(followed(), Approved(BO), 50 * SECOND)
    for over in (granted, step(followed(), Refused(BO), 50 * SECOND), step(followed(), Withdrawn("left"), 50 * SECOND)):
        assert over.next_escalation_at is None
        with pytest.raises(ApprovalConflict):
            step(over, Escalated(), 150 * SECOND)
    with pytest.raises(ApprovalConflict):
        step(followed(), Escalated(), 300 * SECOND)


@pytest.mark.parametrize(
    "steps",
    [
        "soon",
        ["soon"],
        [{"after": 0, "groups": ["g"]}],
        [{"after": True, "groups": ["g"]}],
        [{"after": 60}],
        [{"after": 60, "groups": ["g"], "may_approve": 1}],
        [{"after": 60, "groups": ["g"], "quorum": 1}],
    ],
)
def test_an_escalation_of_another_shape_is_refused(steps: object) -> None:
    with pytest.raises(ApprovalConflict) as caught:
        demands_of([{"groups": ["dba"], "escalate": steps}])  # type: ignore[dict-item]  # wrong shapes are the point
    assert code(caught) == "DEMAND_INVALID"


def test_escalations_are_read_as_a_decision_states_them() -> None:
    stated: dict[str, Json] = {"after": 200, "users": ["chief"], "groups": ["leads"], "may_approve": True}
    (read,) = demands_of([{"groups": ["dba"], "quorum": 2, "escalate": [stated]}])
    assert read == Demand((), ("dba",), 2, (LEADS,))
    assert LEADS.people == "group leads and chief"


@pytest.mark.parametrize(
    ("longest", "likeness", "wanted"), [(0, LIKE, 1), (60, None, 60), (60, LIKE, 61), (60, LIKE, -1)]
)
def test_a_yes_is_remembered_only_as_long_as_the_ticket_lets_it(
    longest: int, likeness: Likeness | None, wanted: int
) -> None:
    with pytest.raises(ApprovalConflict) as caught:
        step(replace(ticket(), remember=longest, likeness=likeness), Approved(BO, "", wanted), 5)
    assert code(caught) == "REMEMBER_FORBIDDEN"


@pytest.mark.parametrize(("first", "second", "remembered"), [(60, 30, 30), (60, 0, 0), (0, 60, 0)])
def test_a_grant_is_remembered_as_all_who_gave_it_want(first: int, second: int, remembered: int) -> None:
    memorable = replace(ticket(), remember=60, likeness=LIKE)
    one = step(memorable, Approved(BO, "", first), 5)
    assert one.remembered == 0
    granted = step(one, Approved(CY, "", second), 6)
    assert (granted.state, granted.remembered) == (State.GRANTED, remembered)


PEOPLE = st.sampled_from([Person("ana", ("dba",)), BO, CY, OLGA, Person("eve"), Person("bo", ())])
EVENTS: st.SearchStrategy[Step] = st.one_of(
    st.builds(Approved, PEOPLE, st.just(""), st.sampled_from([0, 0, 30, 60, 61])),
    st.builds(Refused, PEOPLE),
    st.builds(Withdrawn, st.just("left"), st.booleans()),
    st.builds(Superseded, st.just("changed")),
    st.just(Escalated()),
    st.just(Expired()),
    st.just(Estimated(Estimate(7))),
    st.builds(Used, st.sampled_from([BOUND, replace(BOUND, digest="e" * 64)])),
)


def test_what_it_would_touch_is_shown_while_people_decide_and_never_to_the_requester() -> None:
    asked = replace(ticket(), shown=Shown("DELETE", estimate=PENDING))
    known = step(asked, Estimated(Estimate(7)), 5)
    assert (known.state, known.version, known.estimate_for("bo", 6)) == (State.REQUESTED, 1, Estimate(7))
    assert known.estimate_for("ana", 6) is None
    assert asked.estimate_for("bo", 11 * 10**9) == no_estimate("the planner gave no answer")
    assert ticket().estimate_for("bo", 6) is None
    for late in (step(known, Refused(BO), 6), step(step(known, Approved(BO), 6), Approved(CY), 7)):
        with pytest.raises(ApprovalConflict) as caught:
            step(late, Estimated(Estimate(8)), 8)
        assert code(caught) == "TICKET_CLOSED"


class Lifes(RuleBasedStateMachine):
    """Any events in any order, time going forward: at most one use, only after every demand was met by others."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1
        self.ticket = replace(ticket(DBA, OWNER), remember=60, likeness=LIKE)
        self.remember: list[int] = []
        self.yes: set[tuple[str, tuple[str, ...]]] = set()
        self.uses = 0
        self.final: State | None = None

    @rule(event=EVENTS, passes=st.sampled_from([0, 1, 300]))
    def happen(self, event: Step, passes: int) -> None:
        self.now += passes
        before = self.ticket
        try:
            self.ticket = step(before, event, self.now)
        except ApprovalConflict:
            return
        assert self.ticket.version == before.version + 1
        match event:
            case Approved(person, _, remember):
                self.yes.add((person.name, person.groups))
                self.remember.append(remember)
                assert remember <= 60
            case Used():
                self.uses += 1
                assert event.binding == BOUND
                assert self.now < END
                assert before.state is State.GRANTED
                assert len({name for name, groups in self.yes if "dba" in groups}) >= 2
                assert "olga" in {name for name, _ in self.yes}
            case Estimated():
                unchanged = replace(before, shown=self.ticket.shown, version=self.ticket.version)
                assert self.ticket == unchanged, "what people are shown decides nothing"
        assert before.state in (State.REQUESTED, State.GRANTED)

    @invariant()
    def holds(self) -> None:
        assert self.uses <= 1
        assert self.ticket.remembered == (min(self.remember) if self.ticket.granted_at is not None else 0)
        assert "ana" not in {vote.approver for vote in self.ticket.votes}
        if self.final is not None:
            assert self.ticket.state is self.final
        if self.ticket.state not in (State.REQUESTED, State.GRANTED):
            self.final = self.ticket.state


TestLifes = Lifes.TestCase
TestLifes.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
