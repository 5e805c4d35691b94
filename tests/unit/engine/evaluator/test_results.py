"""What evaluation gives."""

from __future__ import annotations

from engine.decision import Location
from engine.evaluator.results import Answer, Results, Rule
from engine.rego.contract import RuleKind, check_result


def test_a_rule_is_named_by_its_package_and_code() -> None:
    rule = Rule("postgres.prod_writes", RuleKind.DENY, Location("postgres/prod.rego", 7))
    assert Answer(rule, check_result(RuleKind.DENY, {"code": "PROD"})).id == "postgres.prod_writes/PROD"


def test_no_results_are_nothing_that_grants() -> None:
    assert Results().answers == ()
