"""Cases are run against policies, and each difference is told with its reason."""

from __future__ import annotations

from typing import Any

import pytest

from engine import command_reader
from engine.compiler.stages import compile_policies
from engine.decision import Verdict
from engine.evaluator.program import Program
from engine.source import Source
from engine.suite.cases import Case, case_of
from engine.suite.runner import Outcome, run_cases, run_rego_tests

POLICY = Source(
    "shop.rego",
    """package policies.shop

allow contains {"code": "READ", "reason": "reading"} if {
	input.command.protocol == "postgres"
	"readers" in input.principal.groups
}

hold contains {"code": "WRITE", "approvers": {"groups": ["dba"]}} if {
	input.command.protocol == "postgres"
	"writers" in input.principal.groups
}

mask contains {"code": "PAN", "columns": ["billing.cards.pan"], "method": "partial", "params": {"keep_last": 4}} if {
	input.command.protocol == "postgres"
}

limit contains {"code": "CAP", "type": "rows", "value": 5} if input.command.protocol == "postgres"

deny contains {"code": "LATE", "reason": "too late"} if {
	input.command.protocol == "postgres"
	input.context.hour > 20
}
""",
)
COMPILED = compile_policies([POLICY])
PROGRAM = Program.of(COMPILED, command_reader())
CATALOG = {"search_path": ["public"], "relations": {"billing.cards": ["id", "pan"]}}


def case(expect: dict[str, Any] | None, name: str = "one", **parts: Any) -> Case:
    whole: dict[str, Any] = {
        "name": name,
        "principal": {"name": "ana", "groups": ["readers"]},
        "resource": {"name": "orders", "protocol": "postgres"},
        "command": {"protocol": "postgres", "text": "SELECT id, pan FROM billing.cards"},
        "catalog": CATALOG,
        **parts,
    }
    return case_of(whole if expect is None else whole | {"expect": expect}, "suite", "a.yaml", 3)


def run(expect: dict[str, Any] | None, **parts: Any) -> Outcome:
    (outcome,) = run_cases(PROGRAM, [case(expect, **parts)])
    return outcome


@pytest.mark.parametrize(
    "expect",
    [
        {"verdict": "mask"},
        {"verdict": "mask", "rules": ["shop/READ", "shop/PAN"]},
        {"verdict": "mask", "masks": {"pan": "partial"}},
        {"verdict": "mask", "masks": {"1": "partial"}},
        {"verdict": "mask", "obligations": {"rows": 5}},
    ],
)
def test_what_is_expected_and_comes_out_passes(expect: dict[str, Any]) -> None:
    outcome = run(expect)
    assert outcome.passed
    assert outcome.decision is not None
    assert outcome.decision.verdict is Verdict.MASK
    assert outcome.rules == ()


@pytest.mark.parametrize(
    ("expect", "parts", "told"),
    [
        (None, {}, "expected deny, got mask\n  by shop/READ (shop.rego:3): reading"),
        ({"verdict": "allow"}, {}, "expected allow, got mask"),
        ({"verdict": "mask", "rules": ["shop/OTHER"]}, {}, "expected rule shop/OTHER to have a say, it had none"),
        ({"verdict": "mask", "masks": {"pan": "null"}}, {}, "expected output pan masked by null, got partial"),
        ({"verdict": "mask", "masks": {"id": "null"}}, {}, "expected output id masked by null, got no mask"),
        ({"verdict": "mask", "obligations": {"rows": 6}}, {}, "expected limit rows 6, got 5"),
        ({"verdict": "mask"}, {"context": {"hour": 23}}, "by shop/LATE (shop.rego:19): too late"),
        ({"verdict": "mask"}, {"catalog": None}, "engine/MASK_UNPROVEN"),
        ({"deny_kind": "RULE"}, {"principal": {"name": "x"}}, "expected deny kind RULE, got NO_MATCH"),
    ],
)
def test_a_difference_is_told_with_what_decided(expect: Any, parts: dict[str, Any], told: str) -> None:
    outcome = run(expect, **parts)
    assert not outcome.passed
    assert told in "\n".join(outcome.differences)


def test_a_failed_case_shows_the_rules_that_did_not_match() -> None:
    outcome = run({"verdict": "hold"}, context={"hour": 9})
    assert [(item.rule, item.matched) for item in outcome.rules] == [
        ("shop/CAP", True),
        ("shop/PAN", True),
        ("shop/READ", True),
        ("shop/LATE", False),
        ("shop/WRITE", False),
    ]


def test_an_approval_may_be_stated() -> None:
    writers = {"name": "bo", "groups": ["writers"]}
    assert run({"verdict": "hold"}, principal=writers).passed
    assert run({"verdict": "mask"}, principal=writers, approval={"rules": ["shop/WRITE"]}).passed


def test_a_case_that_states_no_request_fails() -> None:
    outcome = run(None, principal=None)
    assert "principal" in outcome.differences[0]
    assert outcome.decision is None


def test_cases_are_chosen_by_a_glob_over_suite_and_name() -> None:
    cases = [case(None, "one"), case(None, "two")]
    assert [o.name for o in run_cases(PROGRAM, cases, pattern="t*")] == ["two"]
    assert [o.name for o in run_cases(PROGRAM, cases, pattern="suite/o*")] == ["one"]
    assert len(run_cases(PROGRAM, cases, pattern="suite")) == 2
    assert run_cases(PROGRAM, cases, pattern="nothing") == ()


TESTS = Source(
    "shop_test.rego",
    """package policies.shop_test

import data.policies.shop

test_readers_read if {
	count(shop.allow) == 1 with input as {"command": {"protocol": "postgres"}, "principal": {"groups": ["readers"]}}
}

test_wrong if {
	count(shop.allow) == 2 with input as {"command": {"protocol": "postgres"}, "principal": {"groups": ["readers"]}}
}
""",
)


def test_the_test_rules_of_rego_are_run() -> None:
    outcomes = run_rego_tests(compile_policies([POLICY, TESTS]))
    assert [(o.name.rpartition(".")[2], o.passed, o.source) for o in outcomes] == [
        ("test_readers_read", True, "shop_test.rego"),
        ("test_wrong", False, "shop_test.rego"),
    ]
    assert outcomes[1].line == 9
    assert [o.passed for o in run_rego_tests(compile_policies([POLICY, TESTS]), pattern="*_read")] == [True]
