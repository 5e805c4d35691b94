"""What a viewer sees of a ticket, and whether there are buttons for them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.approvals.estimate import PENDING, Estimate, PlanStep
from gateway.approvals.states import Approved, Demand, Escalated, Escalation, Person, State, Ticket, step
from gateway.audit.entry import Entry, Kind
from gateway.console.calls import Viewer
from gateway.console.showing import Decided, Work, held, need
from tests.strategies.console import SECOND, new_ticket, viewer

NEW = new_ticket(expires_at=600 * SECOND)
TICKET = Ticket("h-1", NEW.binding, NEW.demands, NEW.rules, 0, NEW.expires_at, NEW.shown, NEW.reason)


def test_an_approver_may_decide_about_anothers_command() -> None:
    shown = held(TICKET, viewer(), 0)
    assert (shown.may_decide, shown.word, shown.is_short, shown.lines, shown.left) == (
        True,
        "waiting",
        True,
        1,
        600 * SECOND,
    )
    assert shown.works == [Work("delete", "delete", "public.t")]
    assert shown.needs == ["0 of 1 from group dba"]
    assert not shown.is_ending
    assert held(TICKET, viewer(), 550 * SECOND).is_ending


@pytest.mark.parametrize(
    ("who", "said"),
    [
        (viewer("ana"), "It is yours: somebody else decides."),
        (viewer("vera", ("auditor",)), "You may look, and need the role `approver` to decide."),
        (viewer("otto", groups=("ops",)), "It asks for other people than you."),
    ],
)
def test_who_may_not_decide_is_told_why(who: Viewer, said: str) -> None:
    shown = held(TICKET, who, 0)
    assert (shown.may_decide, shown.why_not) == (False, said)


def test_the_page_and_the_machine_agree_on_who_may_decide() -> None:
    from gateway.errors import ApprovalConflict

    for who in (viewer("ana"), viewer("otto", groups=("ops",)), viewer("dora"), viewer("ana", groups=())):
        try:
            step(TICKET, Approved(Person(who.name, who.groups)), 1)
            agrees = True
        except ApprovalConflict:
            agrees = False
        assert held(TICKET, who, 1).may_decide is agrees


def test_what_it_would_touch_is_shown_to_everybody_but_the_requester() -> None:
    known = Estimate(40, 2.0, True, (PlanStep("Delete", "t", 40), PlanStep("Seq Scan", "t", 40, 1)))
    ticket = replace(TICKET, shown=replace(TICKET.shown, estimate=known))
    shown = held(ticket, viewer(), 0)
    assert shown.expected == "about 40 rows would be changed, cost 2, says the planner"
    assert shown.plan == ["Delete on t: 40", "  Seq Scan on t: 40"]
    own = held(ticket, viewer("ana"), 0)
    assert (own.expected, own.plan) == ("", [])
    pending = held(replace(TICKET, shown=replace(TICKET.shown, estimate=PENDING)), viewer(), 0)
    assert pending.expected == "the planner is being asked"


def test_a_quorum_is_counted_and_nobody_votes_twice() -> None:
    ticket = replace(TICKET, demands=(Demand(users=("zoe",), groups=("dba",), quorum=2),))
    after = step(ticket, Approved(Person("dora", ("dba",))), 1)
    shown = held(after, viewer(), 1)
    assert shown.why_not == "You approved it; others are still to decide."
    assert shown.needs == ["1 of 2 from zoe or group dba"]
    assert [vote.approver for vote in shown.yes] == ["dora"]
    assert need(after.demands[0], after) == "1 of 2 from zoe or group dba"


def test_words_for_states() -> None:
    assert held(TICKET, viewer(), 600 * SECOND).word == "expired"
    granted = step(TICKET, Approved(Person("dora", ("dba",))), 1)
    assert held(granted, viewer(), 1).word == "approved"
    assert held(replace(granted, used_at=2), viewer(), 3).word == "released"
    assert held(replace(TICKET, state=State.REFUSED), viewer(), 3).word == "refused"


def test_a_long_command_is_not_short() -> None:
    for text in ("\n" * 20, "x" * 2_000):
        assert not held(replace(TICKET, shown=replace(TICKET.shown, text=text)), viewer(), 0).is_short


def test_an_operation_of_another_shape_is_shown_as_it_is() -> None:
    ticket = replace(TICKET, shown=replace(TICKET.shown, operations=("something odd",)))
    assert held(ticket, viewer(), 0).works == [Work("something odd", "", "")]


def test_a_decision_names_each_rule_once() -> None:
    entry = Entry(
        kind=Kind.DECISION, time=1, verdict="mask", rules=(("a/B", "allow"), ("a/C", "mask"), ("a/B", "mask"))
    )
    assert (Decided(entry).rules, Decided(entry).verdict) == ("a/B, a/C", "mask")
    assert Decided(Entry(kind=Kind.DECISION, time=1)).verdict == "deny"


def test_a_hold_says_who_was_told_and_who_comes_next_and_when() -> None:
    first, second = Escalation(60, groups=("oncall",)), Escalation(120, users=("chief",), may_approve=True)
    ticket = replace(TICKET, demands=(Demand(groups=("dba",), escalate=(first, second)),))
    assert (held(ticket, viewer(), 0).told, held(ticket, viewer(), 0).comes) == (
        (),
        [(60 * SECOND, first), (120 * SECOND, second)],
    )
    once = step(ticket, Escalated(), 60 * SECOND)
    shown = held(once, viewer(), 61 * SECOND)
    assert (shown.told, shown.comes, shown.needs) == ((first,), [(120 * SECOND, second)], ["0 of 1 from group dba"])
    twice = step(once, Escalated(), 120 * SECOND)
    assert held(twice, viewer(), 121 * SECOND).needs == ["0 of 1 from chief or group dba"]
    assert held(twice, viewer("chief", groups=()), 121 * SECOND).may_decide
    assert held(step(once, Approved(Person("dora", ("dba",))), 70 * SECOND), viewer(), 71 * SECOND).comes == []
