"""Ten decisions of the demonstration, by its policy in Rego and by the same in the policy language.

Each names the rules that decided; each rule that did not match is told with its first condition that did not hold
and the value it saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine import Decision, Principal, Program, Request, Resource, Session, Source, compile_policies
from engine.evaluator.explain import Explained, explain
from engine.suite.stated import Statements

DEMO = Path(__file__).parents[2] / "policies" / "examples" / "demo" / "shop.rego"
REGO = compile_policies([Source("shop.rego", DEMO.read_text(encoding="utf-8"))])
GATE = compile_policies(
    [
        Source(
            "shop.gate",
            """policy examples.demo "The demonstration"
applies to postgres where resource.name == "shop"

allow read "data readers may read"
  when principal in group "data-readers"
  when command.complete
  when every operation has effect read

mask card_number "card numbers show their last four digits"
  columns "shop.cards.card_number" with partial keep last 4
  unless principal in group "pii-readers"

hold prod_write "a DBA looks at every change in production"
  when principal in group "developers"
  when command.complete
  when any operation has kind in {insert, update, delete}
  when every operation has kind in {select, insert, update, delete}
  approvers group "dba"
  expires 15m

deny without_where "this has no WHERE"
  when any operation has (kind in {update, delete} and not has_where)

deny destructive "dropping and truncating go through migrations"
  when any operation has (effect delete and kind in {drop_column, drop_schema, drop_table, truncate})
""",
        )
    ]
)
CATALOG = {
    "search_path": ["public"],
    "relations": {
        "shop.orders": ["id", "customer_id", "placed_on", "total", "status"],
        "shop.cards": ["customer_id", "holder", "card_number", "expires"],
    },
}
ANA, BO, PIA, EVE = ["data-readers"], ["developers"], ["data-readers", "pii-readers"], list[str]()

# who, command, verdict, rules that decided, and of rules that did not match: a value that the blamed condition saw
DECISIONS: list[tuple[list[str], str, str, set[str], dict[str, Any]]] = [
    (ANA, "SELECT status FROM shop.orders", "allow", {"READ"}, {"PROD_WRITE": ANA}),
    (ANA, "SELECT card_number FROM shop.cards", "mask", {"READ", "CARD_NUMBER"}, {"PROD_WRITE": ANA}),
    (PIA, "SELECT card_number FROM shop.cards", "allow", {"READ"}, {"CARD_NUMBER": PIA}),
    (EVE, "SELECT status FROM shop.orders", "deny", set(), {"READ": EVE, "PROD_WRITE": EVE}),
    (ANA, "DELETE FROM shop.orders", "deny", {"WITHOUT_WHERE"}, {"DESTRUCTIVE": "delete"}),
    (BO, "UPDATE shop.orders SET status = 'x' WHERE id = 7", "hold", {"PROD_WRITE"}, {"READ": BO}),
    (ANA, "UPDATE shop.orders SET status = 'x' WHERE id = 7", "deny", set(), {"READ": "write", "PROD_WRITE": ANA}),
    (BO, "UPDATE shop.orders SET status = 'x'", "deny", {"WITHOUT_WHERE"}, {"READ": BO}),
    (BO, "DROP TABLE shop.orders", "deny", {"DESTRUCTIVE"}, {"PROD_WRITE": "drop_table", "READ": BO}),
    (BO, "TRUNCATE shop.orders", "deny", {"DESTRUCTIVE"}, {"PROD_WRITE": "truncate"}),
]


def explained(program: Program, groups: list[str], text: str) -> tuple[Decision, tuple[Explained, ...]]:
    command = program.reader.read("postgres", text.encode(), Statements().catalog(CATALOG))
    request = Request(
        Principal("somebody", groups=tuple(groups)), Session("s"), Resource("shop", "postgres"), command, 0
    )
    return program.decide(request), explain(program, request, every_rule=True)


def has_value(values: Mapping[str, Any], wanted: Any) -> bool:
    """Whether a value was seen: as it is, or among those of a loop's elements."""
    return any(value == wanted or (isinstance(value, list) and wanted in value) for value in values.values())


@pytest.mark.parametrize(("groups", "text", "verdict", "rules", "misses"), DECISIONS)
@pytest.mark.parametrize("program", [REGO, GATE], ids=["rego", "gate"])
def test_a_decision_is_explained(
    program: Program, groups: list[str], text: str, verdict: str, rules: set[str], misses: dict[str, Any]
) -> None:
    decision, told = explained(program, groups, text)
    assert decision.verdict == verdict
    names = {f"examples.demo/{name}" for name in rules}
    assert {one.rule for one in told if one.matched} >= names
    assert {reason.rule for reason in decision.reasons if reason.kind != "engine"} >= names
    for one in told:
        assert one.location.line > 1
        if not one.matched:
            assert one.condition, one
            assert one.values, one
    by_name = {one.rule.removeprefix("examples.demo/"): one for one in told}
    for name, value in misses.items():
        assert not by_name[name].matched
        assert has_value(by_name[name].values, value), by_name[name]


def test_there_are_ten() -> None:
    assert len(DECISIONS) == 10
