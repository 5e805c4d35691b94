"""The condition to blame is the first that did not hold, with the values it saw; helpers and loops are looked into."""

from __future__ import annotations

import msgspec
import pytest

from engine.compiler.stages import compile_policies
from engine.evaluator.near_miss import Blamed, NearMisses
from engine.request import Json
from engine.source import Source

OPERATIONS: list[Json] = [{"kind": "select", "effect": "read"}, {"kind": "update", "effect": "write"}]


def blamed(rule: str, document: dict[str, Json], helpers: str = "") -> Blamed | None:
    text = f"package policies.p\n\n{rule}\n\n{helpers}\n"
    core = compile_policies([Source("p.rego", text)], has_schema=False).core
    return NearMisses(core, msgspec.msgpack.encode(document), 0).of("p.rego", 3)


def deny(*lines: str) -> str:
    return 'deny contains {"code": "A"} if {\n\t' + "\n\t".join(lines) + "\n}"


def test_the_first_condition_that_failed_is_told_with_its_value() -> None:
    rule = deny('input.protocol == "postgres"', 'input.name == "orders"', 'input.owner == "ana"')
    found = blamed(rule, {"protocol": "postgres", "name": "shop", "owner": "bo"})
    assert found == Blamed('input.name == "orders"', {"input.name": "shop"})


def test_what_is_absent_has_no_value() -> None:
    assert blamed(deny('input.labels.environment == "prod"'), {"labels": {}}) == Blamed(
        'input.labels.environment == "prod"', {"input.labels.environment": None}
    )


def test_a_negated_condition_is_told_with_what_made_it_fail() -> None:
    found = blamed(deny('not "dba" in input.groups'), {"groups": ["dba", "dev"]})
    assert found == Blamed('not "dba" in input.groups', {"input.groups": ["dba", "dev"]})


def test_a_loop_is_told_by_an_element_that_failed() -> None:
    rule = deny("some op in input.operations", 'op.effect == "delete"', 'op.kind == "drop"')
    found = blamed(rule, {"operations": OPERATIONS})
    assert found == Blamed('op.effect == "delete"', {"op.effect": "read"})


def test_where_an_element_got_further_the_condition_that_stopped_it_is_told() -> None:
    rule = deny("some op in input.operations", 'op.effect == "write"', 'op.kind == "drop"')
    found = blamed(rule, {"operations": OPERATIONS})
    assert found == Blamed('op.kind == "drop"', {"op.kind": "update"})


def test_where_each_condition_held_for_something_the_last_that_failed_is_told() -> None:
    rule = deny("some op in input.operations", 'op.effect != "read"', "some n in input.none")
    found = blamed(rule, {"operations": OPERATIONS, "none": []})
    assert found is not None
    assert found.text == 'op.effect != "read"'


def test_a_loop_over_nothing_is_to_blame_itself() -> None:
    rule = deny("some op in input.operations", 'op.effect == "delete"')
    found = blamed(rule, {"operations": []})
    assert found is not None
    assert found.text == "some op in input.operations"


def test_a_helper_is_told_with_what_failed_inside() -> None:
    found = blamed(
        deny('input.name == "orders"', "changes_rows"),
        {"name": "orders", "operations": OPERATIONS[:1]},
        'changes_rows if {\n\tsome op in input.operations\n\top.effect in {"write", "delete"}\n}',
    )
    assert found == Blamed("changes_rows", {"p.changes_rows": False, "op.effect": "read"})


def test_every_is_told_with_the_element_that_failed() -> None:
    found = blamed(deny('every op in input.operations { op.effect == "read" }'), {"operations": OPERATIONS})
    assert found is not None
    assert found.values["op.effect"] == "write"


@pytest.mark.parametrize("line", [1, 4, 99])
def test_nobody_is_blamed_where_no_rule_begins(line: int) -> None:
    core = compile_policies(
        [Source("p.rego", f"package policies.p\n\n{deny('input.a == 1')}\n")], has_schema=False
    ).core
    assert NearMisses(core, msgspec.msgpack.encode({"a": 2}), 0).of("p.rego", line) is None
