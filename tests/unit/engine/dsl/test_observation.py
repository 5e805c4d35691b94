"""Each condition comes out as the reference says, and none is tried that need not be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dsl import typed as m
from engine.dsl.explanation import cut
from engine.dsl.observation import conditions, observe
from engine.dsl.reference import World, does_match
from tests.gate_files import NOW, request, sound

TEXT = """
policy p "P"
applies to postgres where resource.labels.environment == "prod"

define writing = any operation has effect in {write, delete}

deny a "A"
  when writing and not principal in group "dba"
  unless resource.name like "tmp-*" or resource.name == "scratch"

allow b "B"
  when every operation has effect read and resource.name == "orders"
"""
POLICY = sound(TEXT)


def seen(rule: m.Rule, document: dict[str, object]) -> list[tuple[str, object]]:
    told: list[tuple[str, object]] = []
    observe(rule, World(document, NOW, {}), lambda one, value: told.append((cut(TEXT, one.place.span), value)))  # type: ignore[arg-type]  # plain JSON
    return told


def test_what_stands_behind_a_condition_that_failed_is_not_tried() -> None:
    deny = POLICY.rules[0]
    prod = request(resource={"name": "orders", "labels": {"environment": "prod"}})
    texts = [text for text, _ in seen(deny, prod)]
    assert 'resource.labels.environment == "prod"' in texts
    assert not any("group" in text for text in texts), "a SELECT does not write"


def test_an_absent_field_is_unknown_and_a_guard_goes_on() -> None:
    told = seen(POLICY.rules[0], request(resource={"name": "orders", "labels": {}}))
    assert ('resource.labels.environment == "prod"', None) in told
    assert len(told) > 1


def test_the_parts_of_a_rule_are_its_conditions() -> None:
    texts = {cut(TEXT, one.place.span) for one in conditions(POLICY.rules[0])}
    assert 'resource.name == "scratch"' in texts
    assert not any(" and " in text or " or " in text for text in texts)


@given(
    st.sampled_from(["prod", "dev", None]),
    st.sampled_from(["orders", "tmp-1", "scratch"]),
    st.lists(st.sampled_from(["read", "write", "delete"]), min_size=1, max_size=3),
    st.sampled_from([[], ["dba"]]),
)
def test_trying_a_rule_says_what_the_reference_says(
    environment: str | None, name: str, effects: list[str], groups: list[str]
) -> None:
    labels = {} if environment is None else {"environment": environment}
    base = request(resource={"name": name, "labels": labels}, principal={"name": "ana", "groups": groups})
    command = base["command"]
    assert isinstance(command, dict)
    operations = [{"kind": "select", "effect": effect, "via": ["top"], "targets": []} for effect in effects]
    document = {**base, "command": {**command, "operations": operations}}
    world = World(document, NOW, {})  # type: ignore[arg-type]  # plain JSON
    for rule in POLICY.rules:
        assert observe(rule, world, lambda _one, _value: None) == does_match(rule, world)


@pytest.mark.parametrize(("effects", "tried"), [(["write", "read"], 1), (["read", "write"], 2)])
def test_a_quantifier_ends_with_the_item_that_decides_it(effects: list[str], tried: int) -> None:
    base = request(resource={"name": "orders", "labels": {"environment": "prod"}})
    command = base["command"]
    assert isinstance(command, dict)
    operations = [{"kind": "select", "effect": effect, "via": ["top"], "targets": []} for effect in effects]
    told = seen(POLICY.rules[0], {**base, "command": {**command, "operations": operations}})
    assert sum("effect in" in text for text, _ in told) == tried
