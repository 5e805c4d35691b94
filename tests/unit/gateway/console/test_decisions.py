"""The pages of decisions: found by what somebody remembers, and the reason why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.core.ports import Outcome
from engine import command_reader
from engine.request import Principal, Resource, Session
from engine.source import Source
from gateway.app.policies import compile_judge
from gateway.approvals.estimate import Estimate
from gateway.approvals.states import Estimated
from gateway.asked import Asked
from gateway.audit.entry import Entry, Kind
from gateway.console.calls import PAGE, CallRefused, Page
from gateway.console.decisions import Decisions
from gateway.console.rendering import Renderer
from gateway.judge import Judge
from tests.strategies.console import call, viewer
from tests.strategies.gates import ANA, ORDERS, SESSION, House, asked, question

POLICY = """package policies.shop

allow contains {"code": "READ", "reason": "reading"} if {
	"data-readers" in input.principal.groups
	every op in input.command.operations { op.effect == "read" }
}

hold contains {"code": "WRITE", "reason": "look", "approvers": {"groups": ["dba"]}, "expires": "10m"} if {
	some op in input.command.operations
	op.effect == "delete"
}
"""


class Store:
    """A policy store with one set."""

    def __init__(self, judge: Judge | None) -> None:
        self.program = judge
        self.revision = "" if judge is None else judge.revision


@pytest.fixture(scope="module")
def judge() -> Judge:
    return compile_judge([Source("shop.rego", POLICY)], {}, command_reader())


@pytest.fixture
def house(tmp_path: Path, judge: Judge) -> Iterator[House]:
    made = House(tmp_path)
    made.policies = Store(judge)  # type: ignore[assignment]  # what the gate asks of policies
    made.gate = made.build()
    yield made
    made.close()


def pages(house: House, judge: Judge | None) -> Decisions:
    house.log.flush()
    return Decisions(house.folder / "audit", lambda: judge)


def listed(reply: object) -> list[str]:
    assert isinstance(reply, Page)
    found = reply.fields["decisions"]
    assert isinstance(found, list)
    return [one.entry.text for one in found]


def fields(reply: object) -> dict[str, object]:
    assert isinstance(reply, Page)
    return dict(reply.fields)


def test_the_newest_come_first_and_can_be_looked_for(house: House, judge: Judge) -> None:
    for text in ("SELECT 1", "DELETE FROM t WHERE a = 1", "CREATE TABLE x (a int)", "SELECT 2"):
        house.gate.decide(asked(text))
    house.gate.decide(Asked(question("SELECT 3"), Principal("bo"), SESSION, ORDERS))
    all_of = pages(house, judge)
    assert listed(all_of.list(call()))[:2] == ["SELECT 3", "SELECT 2"]
    for query, expected in (
        ({"principal": "BO"}, ["SELECT 3"]),
        ({"verdict": "hold"}, ["DELETE FROM t WHERE a = 1"]),
        ({"rule": "shop/read"}, ["SELECT 2", "SELECT 1"]),
        ({"text": "create"}, ["CREATE TABLE x (a int)"]),
        ({"job": "build-42", "verdict": "deny"}, ["SELECT 3", "CREATE TABLE x (a int)"]),
        ({"resource": "nowhere"}, []),
    ):
        assert listed(all_of.list(call(query=query))) == expected, query
    with pytest.raises(CallRefused):
        all_of.list(call(query={"verdict": "perhaps"}))


def test_without_the_role_only_ones_own_are_there(house: House, judge: Judge) -> None:
    house.gate.decide(asked("SELECT 1"))
    house.gate.decide(Asked(question("SELECT 3"), Principal("bo"), SESSION, ORDERS))
    mine = pages(house, judge)
    for roles in ((), ("approver",)):
        ana = viewer("ana", roles)
        assert listed(mine.list(call(ana))) == ["SELECT 1"]
        assert listed(mine.list(call(ana, query={"principal": "bo"}))) == []
        own = fields(mine.one(call(ana, path={"seq": "1"})))
        assert own["why"] is None, "conditions tell how to get around them"
        with pytest.raises(CallRefused) as caught:
            mine.one(call(ana, path={"seq": "2"}))
        assert caught.value.status == 404


def test_a_page_has_an_end_and_a_way_further_back(house: House, judge: Judge) -> None:
    for number in range(PAGE + 10):
        house.gate.decide(asked(f"SELECT {number}"))
    first = fields(pages(house, judge).list(call(query={"text": "SELECT", "verdict": "allow"})))
    assert first["older"] == "?text=SELECT&verdict=allow&before=11"
    second = pages(house, judge).list(call(query={"before": "11"}))
    assert len(listed(second)) == 10
    assert isinstance(second, Page)
    assert second.live == "", "what is past stands still"


def test_why_is_each_rule_with_its_condition_and_values(house: House, judge: Judge) -> None:
    house.gate.decide(asked("DELETE FROM t WHERE a = 1"))
    shown = fields(pages(house, judge).one(call(path={"seq": "1"})))
    assert (shown["is_same"], shown["problem"]) == (True, "")
    found = {rule.rule: rule for rule in shown["why"]}  # type: ignore[attr-defined]  # a list of explanations
    assert found["shop/WRITE"].matched
    assert not found["shop/READ"].matched
    assert "op.effect" in str(found["shop/READ"].condition)


def test_what_became_of_it_is_shown(house: House, judge: Judge) -> None:
    answer = house.gate.decide(asked("SELECT 1"))
    house.gate.finished(answer.decision_id, Outcome(rows=1, bytes=20, duration=0.001))
    held = house.gate.decide(asked("DELETE FROM t WHERE a = 1"))
    assert held.ticket is not None
    house.gate.withdraw(held.ticket, "gone")
    shown = pages(house, judge)
    (outcome,) = fields(shown.one(call(path={"seq": "1"})))["following"]  # type: ignore[misc]  # a list of entries
    assert outcome.rows == 1
    (step,) = fields(shown.one(call(path={"seq": "3"})))["following"]  # type: ignore[misc]  # as above
    assert step.step == "withdrawn"


def test_a_step_that_was_taken_back_is_told_not_to_have_happened(house: House, judge: Judge) -> None:
    held = house.gate.decide(asked("DELETE FROM t WHERE a = 1"))
    assert held.ticket is not None
    seq = house.log.append(Entry(kind=Kind.APPROVAL, time=1, ticket=held.ticket, step="approved", person="bo"))
    house.log.append(Entry(kind=Kind.APPROVAL, time=2, ticket=held.ticket, step="lost", takes_back=seq, person="bo"))
    reply = pages(house, judge).one(call(path={"seq": str(seq - 1)}))
    (step,) = fields(reply)["following"]  # type: ignore[misc]  # a list of entries
    assert (step.step, fields(reply)["lost"]) == ("approved", {seq})
    around = {"viewer": viewer("vera", ("auditor",)), "here": "/", "live": "", "version": "v", "waiting_count": 0}
    page = Renderer().render("decision.html", {**fields(reply), **around})
    assert page.index("did not happen") < page.index("approved by")


def test_what_the_planner_expects_is_not_shown_to_who_asked(house: House, judge: Judge) -> None:
    held = house.gate.decide(asked("DELETE FROM t WHERE a = 1"))
    assert held.ticket is not None
    house.gate.advance(held.ticket, Estimated(Estimate(40)))
    shown = pages(house, judge)
    (step,) = fields(shown.one(call(path={"seq": "1"})))["following"]  # type: ignore[misc]  # a list of entries
    assert (step.step, step.note) == ("estimated", "about 40 rows would be given back, cost 0, says the planner")
    for who in (viewer("ana", ()), viewer("ana", ("auditor",))):
        assert fields(shown.one(call(who, path={"seq": "1"})))["following"] == []


def test_other_policies_are_said_to_be_others(house: House, judge: Judge) -> None:
    house.gate.decide(asked("SELECT 1"))
    other = compile_judge([Source("shop.rego", POLICY.replace("READ", "LOOK"))], {}, command_reader())
    shown = fields(pages(house, other).one(call(path={"seq": "1"})))
    assert (shown["is_same"], shown["revision"]) == (False, other.revision)
    assert fields(pages(house, None).one(call(path={"seq": "1"})))["problem"] == "No policy is loaded at the moment."


def test_what_cannot_be_decided_again_is_said_to_be(house: House, judge: Judge) -> None:
    secret = "CREATE ROLE a PASSWORD 'hunter2hunter2'"
    house.gate.decide(asked(secret))
    shown = fields(pages(house, judge).one(call(path={"seq": "1"})))
    assert "hides a secret" in str(shown["problem"])


def test_a_tree_that_was_handed_in_is_explained_too(house: House, judge: Judge) -> None:
    tree = judge.program.reader.read("postgres", b"SELECT 1", None)
    house.gate.decide(Asked(tree, ANA, Session("s"), Resource("orders", "postgres"), caller="app"))
    assert fields(pages(house, judge).one(call(path={"seq": "1"})))["why"]


@pytest.mark.parametrize("seq", ["", "0", "2", "99", "x", "9" * 40, "-1"])
def test_what_is_no_decision_is_not_here(house: House, judge: Judge, seq: str) -> None:
    answer = house.gate.decide(asked("SELECT 1"))
    house.gate.finished(answer.decision_id, Outcome())
    with pytest.raises(CallRefused) as caught:
        pages(house, judge).one(call(path={"seq": seq}))
    assert caught.value.status == 404
