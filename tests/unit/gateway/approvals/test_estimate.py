"""Of a plan only nodes, relations, rows and cost are read; everything else in it stays where it is."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.approvals.estimate import (
    MAX_DEPTH,
    MAX_PLAN,
    MAX_STEPS,
    MOST,
    PENDING,
    Estimate,
    PlanStep,
    answered,
    no_estimate,
    read_plan,
    step_lines,
    summary,
)


def node(kind: str, rows: float = 1, **more: object) -> dict[str, object]:
    return {"Node Type": kind, "Plan Rows": rows, "Total Cost": 2.5, **more}


def plan(*nodes: dict[str, object]) -> str:
    return json.dumps([{"Plan": one} for one in nodes])


def test_what_is_read_gives_its_rows() -> None:
    scan = node("Index Scan", 40, **{"Relation Name": "orders", "Index Cond": "(id = 7)", "Filter": "(ssn = '1')"})
    found = read_plan(plan(node("Sort", 40, Plans=[scan], **{"Sort Key": ["'x'"]})))
    steps = (PlanStep("Sort", "", 40), PlanStep("Index Scan", "orders", 40, 1))
    assert found == Estimate(40, 2.5, steps=steps)
    assert "ssn" not in repr(found)
    assert summary(found) == "about 40 rows would be given back, cost 2, says the planner"
    assert step_lines(found) == ["Sort: 40", "  Index Scan on orders: 40"]


def test_what_changes_rows_counts_those_that_it_takes() -> None:
    scan = node("Seq Scan", 1, **{"Relation Name": "t"})
    found = read_plan(plan(node("ModifyTable", 0, Operation="Delete", Plans=[scan], **{"Relation Name": "t"})))
    assert (found.rows, found.changes, found.steps[0]) == (1, True, PlanStep("Delete", "t", 1))
    assert summary(found).startswith("about 1 row would be changed")
    two = read_plan(plan(node("ModifyTable", 0, Plans=[node("Result", 5)]), node("Result", 7)))
    assert (two.rows, two.cost, two.steps[0].node) == (5, 5.0, "ModifyTable")


def test_long_and_huge_plans_are_shown_in_part() -> None:
    found = read_plan(plan(node("Append", 1e300, Plans=[node("Seq Scan", -4)] * 100)))
    assert (found.rows, len(found.steps), found.more) == (MOST, MAX_STEPS, 101 - MAX_STEPS)
    assert found.steps[1].rows == 0
    assert step_lines(found)[-1] == f"and {101 - MAX_STEPS} more"
    deep = node("Result")
    for _ in range(MAX_DEPTH + 1):
        deep = node("Result", Plans=[deep])
    for text in (plan(deep), "[]", "{}", "[[", "null", '[{"Plan": {}}]', "[" * 100_000, " " * (MAX_PLAN + 1)):
        with pytest.raises(ValueError):
            read_plan(text)


@settings(max_examples=200)
@given(
    st.text(max_size=200)
    | st.recursive(
        st.none() | st.floats() | st.text(),
        lambda x: (
            st.lists(x) | st.dictionaries(st.sampled_from(["Plan", "Plans", "Node Type", "Plan Rows", "Total Cost"]), x)
        ),
    ).map(json.dumps)
)
def test_whatever_a_database_answers_is_a_plan_or_none(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert read_plan(text).rows >= 0


def test_where_there_is_none_it_says_why() -> None:
    assert summary(no_estimate("nobody knows")) == "no estimate: nobody knows"
    assert summary(PENDING) == "the planner is being asked"
    assert step_lines(PENDING) == []


def test_an_answer_that_does_not_come_is_none() -> None:
    assert answered(PENDING, 0, 10**10) == PENDING
    assert answered(PENDING, 0, 10**10 + 1) == no_estimate("the planner gave no answer")
    assert answered(Estimate(1), 0, 10**12) == Estimate(1)
    assert answered(None, 0, 10**12) is None
