"""Conditions of both languages are seen as they come out, merged over all requests; what binds names is none."""

from __future__ import annotations

from engine import command_reader
from engine.compiler.stages import compile_policies
from engine.evaluator.program import Program
from engine.source import Source
from engine.suite.cases import case_of
from engine.suite.coverage import ConditionCovered, Coverage, RuleCovered, Watch, merged
from engine.suite.runner import Runner
from engine.suite.stated import DEFAULT_NOW, parse_time

REGO = Source(
    "shop.rego",
    """package policies.shop

allow contains {"code": "READ"} if {
	input.resource.name == "orders"
	some op in input.command.operations
	reads(op)
}

reads(op) if op.effect == "read"

deny contains {"code": "NEVER"} if input.resource.name == "never"
""",
)
GATE = Source(
    "extra.gate",
    """policy extra "Extra"

deny eve "Not eve"
  when principal.name == "eve" and session.application == "psql"
""",
)
TESTS = Source(
    "shop_test.rego",
    'package policies.shop_test\n\nimport data.policies.shop\n\ntest_reads if shop.reads({"effect": "read"})\n',
)


def covered(*parts: dict[str, str], tests: bool = False, sources: tuple[Source, ...] = (REGO, GATE)) -> Coverage:
    compiled = compile_policies(sources)
    watch = Watch(compiled)
    runner = Runner(Program.of(compiled, command_reader()), watch=watch)
    for part in parts:
        stated = {"name": "ana", "resource": "orders", "text": "SELECT 1", **part}
        runner.run(
            case_of(
                {
                    "name": "one",
                    "principal": {"name": stated["name"]},
                    "resource": {"name": stated["resource"], "protocol": "postgres"},
                    "command": {"protocol": "postgres", "text": stated["text"]},
                },
                "suite",
                "s.yaml",
                1,
            )
        )
    if tests:
        watch.add_tests(parse_time(DEFAULT_NOW))
    return watch.coverage()


def told(coverage: Coverage) -> dict[str, str]:
    return {f"{one.file}:{one.line}": one.missing for one in coverage.conditions}


def test_each_condition_is_seen_as_it_comes_out() -> None:
    assert told(covered({})) == {
        "extra.gate:4": "never tried",
        "shop.rego:11": "never true",
        "shop.rego:4": "never false",
        "shop.rego:6": "never false",
        "shop.rego:9": "never false",
    } | {"extra.gate:4": "never tried"}


def test_outcomes_of_all_requests_are_merged() -> None:
    found = told(covered({}, {"resource": "never"}, {"text": "DELETE FROM t"}))
    assert {found[place] for place in ("shop.rego:4", "shop.rego:6", "shop.rego:9", "shop.rego:11")} == {""}


def test_conditions_of_a_gate_file_are_seen_with_their_third_value() -> None:
    found = [one for one in covered({"name": "eve"}).conditions if one.file == "extra.gate"]
    assert [(one.text, one.was_true, one.was_false, one.was_unknown) for one in found] == [
        ('principal.name == "eve"', True, False, False),
        ('session.application == "psql"', False, False, True),
    ]


def test_rules_that_matched_are_known() -> None:
    rules = {f"{one.policy}/{one.name}": one.matched for one in covered({}).rules}
    assert rules == {"shop/READ": True, "shop/NEVER": False, "extra/EVE": False}
    assert covered({}).share_of_policies == 0.5


def test_test_rules_try_conditions_and_have_none_of_their_own() -> None:
    coverage = covered(tests=True, sources=(REGO, TESTS))
    assert told(coverage) == {
        "shop.rego:4": "never tried",
        "shop.rego:6": "never tried",
        "shop.rego:9": "never false",
        "shop.rego:11": "never tried",
    }


def test_a_share_counts_outcomes() -> None:
    one = ConditionCovered("a", 1, 1, 1, 5, "x", "r", was_true=True)
    other = ConditionCovered("a", 2, 1, 2, 5, "y", "r", was_true=True, was_false=True)
    assert Coverage((), (one, other)).share_of_conditions == 0.75
    assert Coverage().share_of_conditions == Coverage().share_of_rules == Coverage().share_of_policies == 1.0
    assert Coverage((), (one, other)).uncovered == (one,)


def test_parts_are_merged_by_place() -> None:
    true = Coverage((RuleCovered("a", 1, "p", "R"),), (ConditionCovered("a", 1, 1, 1, 5, "x", "r", was_true=True),))
    false = Coverage(
        (RuleCovered("a", 1, "p", "R", matched=True),), (ConditionCovered("a", 1, 1, 1, 5, "x", "r", was_false=True),)
    )
    both = merged([true, false])
    assert both.conditions[0].is_covered
    assert both.rules[0].matched
