"""What is known of conditions without a request."""

from __future__ import annotations

import pytest

from engine.dsl import typed as m
from engine.dsl.analysis import free_variables, is_certain, merge
from tests.gate_files import condition


@pytest.mark.parametrize(
    ("text", "certain"),
    [
        ('resource.name == "x"', True),
        ('resource.labels.a == "x"', False),
        ("resource.name == principal.name", True),
        ("resource.name == session.job", False),
        ("count principal.groups > 1", True),
        ("count command.sql.reads > 1", False),
        ("age of context.approval.granted_at < 5m", False),
        ('"x" in principal.groups', True),
        ("session.job in principal.groups", False),
        ('principal.groups overlaps {"x"}', True),
        ('context.tags overlaps {"x"}', False),
        ('resource.name like "x"', True),
        ('session.client_address within "::/0"', False),
        ("context.x", False),
        ("session.job is present", True),
        ('between 09:00 and 10:00 in "UTC"', True),
        ("any operation has effect read", True),
        ("any operation has has_where", False),
        ('any relation has it like "x"', False),
        ('not (resource.name == "x" and command.complete)', True),
        ('resource.name == "x" or context.x', False),
    ],
)
def test_a_condition_is_certain_when_nothing_of_it_can_be_absent(text: str, certain: bool) -> None:
    assert is_certain(condition(text)) is certain


def test_the_variables_a_condition_reads() -> None:
    outer = condition(
        "any operation has (statement == 1 and any target has (name == kind and access read) and command.complete)"
    )
    assert free_variables(outer) == set()
    assert isinstance(outer, m.Quantified)
    assert free_variables(outer.body) == {"x0"}
    assert isinstance(outer.body, m.And)
    inner = outer.body.items[1]
    assert isinstance(inner, m.Quantified)
    assert free_variables(inner) == {"x0"}
    assert free_variables(inner.body) == {"x0", "x1"}
    assert free_variables(condition('between 09:00 and 10:00 in "UTC"')) == set()


def merged(text: str) -> m.InSet | None:
    found = condition(text)
    assert isinstance(found, m.Or)
    return merge(found)


def test_alternatives_of_one_field_become_one_membership() -> None:
    assert merged('resource.name == "a" or resource.name in {"b", "a"}') == condition('resource.name in {"a", "b"}')


@pytest.mark.parametrize(
    "text",
    [
        'resource.name == "a" or principal.name == "a"',
        'resource.name == "a" or resource.name != "b"',
        'context.a == 1 or context.a == "x"',
        'resource.name == "a" or command.complete',
        'resource.name == principal.name or resource.name == "a"',
    ],
)
def test_other_alternatives_stay(text: str) -> None:
    assert merged(text) is None
