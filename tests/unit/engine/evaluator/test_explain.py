"""Each candidate rule is told once, with whether it matched and where it stands."""

from __future__ import annotations

import json

from engine import Principal, Request, Resource, Session, Source, compile_policies, parse_command
from engine.decision import Location
from engine.evaluator.explain import Explained, explain, explained_json
from engine.rego.contract import RuleKind

POLICY = Source(
    "shop/shop.rego",
    """package policies.shop

allow contains {"code": "READ"} if {
	input.command.protocol == "postgres"
	"readers" in input.principal.groups
}

deny contains {"code": "NIGHT"} if {
	input.command.protocol == "postgres"
	startswith(input.principal.name, "night-")
}

deny contains {"code": code} if {
	input.command.protocol == "postgres"
	some code in ["ONE", "TWO"]
	input.resource.name == "locked"
}

deny contains {"code": "BROKEN"} if {
	input.command.protocol == "postgres"
	to_number(input.principal.name) > 1
}

deny contains {"code": "SHELL"} if input.command.protocol == "shell"
""",
)


def told(name: str = "7", resource: str = "open") -> tuple[Explained, ...]:
    request = Request(
        Principal(name, groups=("readers",)),
        Session("s"),
        Resource(resource, "postgres"),
        parse_command("postgres", "SELECT 1"),
        1,
    )
    return explain(compile_policies([POLICY]), request)


def test_matched_rules_come_first_and_rules_that_could_not_match_are_left_out() -> None:
    assert [(item.rule, item.matched, item.location.line) for item in told()] == [
        ("shop/BROKEN", True, 19),
        ("shop/READ", True, 3),
        ("shop/NIGHT", False, 8),
    ]


def test_a_rule_whose_code_is_computed_is_called_by_what_it_said() -> None:
    found = [item.rule for item in told(resource="locked") if item.matched]
    assert found == ["shop/BROKEN", "shop/ONE", "shop/READ", "shop/TWO"]


def test_a_rule_that_failed_says_so() -> None:
    broken = next(item for item in told(name="ana") if item.rule == "shop/BROKEN")
    assert not broken.matched
    assert broken.condition is not None
    assert broken.condition.startswith("failed: ")


def test_the_json_is_the_shape_of_the_lines() -> None:
    line = explained_json(Explained("a/B", RuleKind.DENY, False, Location("a.rego", 3), "x == 1", {"x": 2}))
    assert json.loads(json.dumps(line)) == {
        "rule": "a/B",
        "kind": "deny",
        "matched": False,
        "condition": "x == 1",
        "location": {"file": "a.rego", "line": 3},
        "values": {"x": 2},
    }
