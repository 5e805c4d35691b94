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


GATE = Source(
    "shop/shop.gate",
    """policy gates
applies to postgres

deny drops
  when any operation has (effect read and statement > 3)

allow tickets
  when context.ticket like "OPS-*"
""",
)


def test_a_rule_of_a_gate_file_tells_its_first_unmet_condition_with_the_values_it_saw() -> None:
    request = Request(
        Principal("ana"), Session("s"), Resource("r", "postgres"), parse_command("postgres", "SELECT 1"), 1
    )
    found = {item.rule: item for item in explain(compile_policies([GATE]), request)}
    drops, tickets = found["gates/DROPS"], found["gates/TICKETS"]
    assert (drops.matched, drops.location) == (False, Location("shop/shop.gate", 4))
    assert drops.condition == "any operation has (effect read and statement > 3)"
    assert drops.values == {"command.operations[].effect": ["read"], "command.operations[].statement": [0]}
    assert tickets.condition == 'context.ticket like "OPS-*" (unknown)'
    assert tickets.values == {"context.ticket": None}
