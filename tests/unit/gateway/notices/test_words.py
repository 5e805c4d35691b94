"""The words of a notice: one line as the title, what there is to know, and nothing that paints or hides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.approvals.estimate import Estimate, PlanStep
from gateway.approvals.states import Demand, Escalation
from gateway.audit.entry import Kind
from gateway.notices.words import MAX_COMMAND, command_of, facts_of, plain, rules_of, title_of
from tests.strategies.notices import DENIED, NOW, TICKET, line, told


def test_a_hold_says_what_it_needs_and_how_to_answer() -> None:
    notice = told(line())
    assert notice is not None
    facts = dict(facts_of(notice))
    assert title_of(notice) == "ana waits for approval on orders"
    assert facts["needs"] == "2 of group dba, bo"
    assert facts["until"] == "2027-01-15T09:00:00Z"
    assert facts["answer with"] == "sallyport approve h-1  or  sallyport refuse h-1"
    assert rules_of(notice) == ["p/WRITE"]


def test_a_hold_says_what_the_planner_expects() -> None:
    steps = tuple(PlanStep("Seq Scan", f"t{number}\x1b[2J", 7, 1) for number in range(9))
    notice = told(line(), ticket=replace(TICKET, shown=replace(TICKET.shown, estimate=Estimate(40, 2, True, steps))))
    assert notice is not None
    said = dict(facts_of(notice))["would touch"]
    assert said.startswith("about 40 rows would be changed, cost 2, says the planner; Seq Scan on t0\ufffd[2J: 7; ")
    assert ("t5" in said, "t6" in said) == (True, False)


def test_a_denial_says_which_decision_and_which_rule() -> None:
    notice = told(line(DENIED))
    assert notice is not None
    assert title_of(notice) == "ana was denied a command on orders"
    assert command_of(notice) == "DROP TABLE a"
    assert facts_of(notice) == [
        ("decision", "d-9"),
        ("job", "build-42"),
        ("who", "agent ana"),
        ("denied by", "p/DROP"),
        ("because of", "policy"),
    ]


def test_what_became_of_it_says_who_said_what() -> None:
    notice = told(line(kind=Kind.APPROVAL, step="refused", person="bo", note="batch this", verdict="refused", rules=()))
    assert notice is not None
    assert title_of(notice) == "What ana asked for on orders was refused by bo"
    assert ("said", "batch this") in facts_of(notice)


def test_the_way_to_the_console_and_the_beginning_of_the_prompt_are_told() -> None:
    asked = replace(TICKET, shown=replace(TICKET.shown, prompt="p" * 1_000))
    notice = told(line(), ticket=asked, link=lambda ticket: f"https://console/holds/{ticket}")
    assert notice is not None
    facts = dict(facts_of(notice))
    assert facts["see it at"] == "https://console/holds/h-1"
    assert facts["prompt"] == "p" * 299 + "…"


@pytest.mark.parametrize("name", ["a\nb", "a\r\nBcc: c@d", "a\u2028b", "a\x00b", "x" * 500])
def test_a_title_is_one_line_whoever_it_names(name: str) -> None:
    notice = told(line(principal=name))
    assert notice is not None
    title = title_of(notice)
    assert len(title.splitlines()) == 1
    assert "\x00" not in title
    assert len(title) < 200


def test_a_text_is_cut_where_it_is_too_long() -> None:
    assert plain("x" * 10, 10) == "x" * 10
    assert plain("x" * 11, 10) == "x" * 9 + "…"
    notice = told(line(text="x" * 9_000))
    assert notice is not None
    assert len(command_of(notice)) == MAX_COMMAND


def test_a_job_that_is_the_requesters_own_word_is_told_as_that() -> None:
    facts = {}
    for stated in ((), ("prompt",), ("job",)):
        notice = told(line(), ticket=replace(TICKET, shown=replace(TICKET.shown, stated=stated)))
        assert notice is not None
        facts[stated] = dict(facts_of(notice))["job"]
    assert facts[()] == facts[("prompt",)]
    assert facts[("job",)] == f"{facts[()]} (its own word)"


def test_a_hold_says_what_the_requester_did_before_and_why_it_is_unusual() -> None:
    shown = replace(TICKET.shown, lately=(("rows_last_hour", 7),), unusual="never done by ana")
    notice = told(line(), ticket=replace(TICKET, shown=shown))
    assert notice is not None
    facts = dict(facts_of(notice))
    assert (facts["unusual"], facts["before it"]) == ("never done by ana", "rows_last_hour 7")


def test_an_escalation_says_who_is_told_and_how_to_answer() -> None:
    step = Escalation(60, users=("chief",), groups=("on\u202ecall",))
    ticket = replace(TICKET, demands=(Demand(groups=("dba",), escalate=(step,)),), told_at=(NOW,))
    notice = told(line(kind=Kind.APPROVAL, step="escalated", verdict="requested", text="", rows=1), ticket=ticket)
    assert notice is not None
    assert title_of(notice) == "ana still waits for approval on orders: group on\ufffdcall and chief told"
    assert dict(facts_of(notice))["answer with"] == "sallyport approve h-1  or  sallyport refuse h-1"
