"""Which field a path means, and which constants fit it."""

from __future__ import annotations

import pytest

from engine.dsl import typed as m
from engine.dsl.paths import sort_of
from engine.dsl.types import Sort
from tests.gate_files import condition, wrong_condition


def path(text: str) -> m.Path:
    found = condition(f'{text} in {{"x"}}')
    assert isinstance(found, m.InSet)
    return found.path


@pytest.mark.parametrize(
    ("text", "keys", "certain"),
    [
        ("principal.name", ("principal", "name"), True),
        ("session.job", ("session", "job"), False),
        ("resource.labels.environment", ("resource", "labels", "environment"), False),
        ('resource.labels."a b"', ("resource", "labels", "a b"), False),
        ("context.claims.deep", ("context", "claims", "deep"), False),
    ],
)
def test_a_path_of_the_request(text: str, keys: tuple[str, ...], certain: bool) -> None:
    found = path(text)
    assert (found.base, found.keys, found.certain) == (m.INPUT, keys, certain)


def test_the_innermost_item_that_has_a_field_is_meant() -> None:
    found = condition('any operation has any target has (name == "x" and kind == "y" and principal.name == "z")')
    assert isinstance(found, m.Quantified)
    assert isinstance(found.body, m.Quantified)
    assert isinstance(found.body.body, m.And)
    bases = [
        item.left.base
        for item in found.body.body.items
        if isinstance(item, m.Compare) and isinstance(item.left, m.Path)
    ]
    assert bases == ["x1", "x0", "input"]


def test_it_is_the_item_itself_or_begins_a_path_of_it() -> None:
    found = condition('any feature has it like "x*"')
    assert isinstance(found, m.Quantified)
    assert isinstance(found.body, m.Like)
    assert (found.body.path.base, found.body.path.keys) == ("x0", ())
    named = condition('any operation has it.kind == "x"')
    assert named == condition('any operation has kind == "x"')


@pytest.mark.parametrize(
    ("text", "code", "help_"),
    [
        ('resorce.name == "x"', "UNKNOWN_NAME", "did you mean `resource`?"),
        ('resource.nam == "x"', "UNKNOWN_FIELD", "did you mean `name`?"),
        ('principal.name.first == "x"', "UNKNOWN_FIELD", ""),
        ('command.operations.kind == "x"', "UNKNOWN_FIELD", "ask for its items: `any command.operations has ...`"),
        ('it == "x"', "IT", "`it` is an item of a list"),
        (
            "effect read",
            "UNKNOWN_NAME",
            "`effect` is a field of an operation: `any operation has (...)`, the parentheses around all it must meet",
        ),
        (
            'schema == "x"',
            "UNKNOWN_NAME",
            "`schema` is a field of a target: `any operation has any target has (...)`",
        ),
        ("any target has resolved", "UNKNOWN_NOUN", "write `any operation has any target has ...`"),
        ('any origin has it like "x"', "UNKNOWN_NOUN", "write `any output has any origin has ...`"),
        ("any operatoin has effect read", "UNKNOWN_NOUN", "did you mean `operation`?"),
        ('any principal.name has it like "x"', "TYPE", "`any ... has` goes over a list"),
        ("any operation has effect reed", "UNKNOWN_VALUE", "did you mean `read`?"),
        ("principal.name == 3", "TYPE", ""),
        ('command.complete == "true"', "TYPE", ""),
        ("command.sql.joins > 5m", "TYPE", "how long ago a time is: `age of TIME < 15m`"),
        ('session.client_address == "10.0.0.1"', "TYPE", 'write `within "10.0.0.0/8"`'),
        ("context.approval.granted_at == 5", "TYPE", ""),
        ("resource.name in {}", "EMPTY_SET", "name at least one value"),
        ('context.level in {1, "a"}', "TYPE", "compare them one by one"),
    ],
)
def test_what_is_no_field_or_no_value_of_it_says_so(text: str, code: str, help_: str) -> None:
    found = wrong_condition(text)
    assert (found.code, found.help) == (code, help_)


def test_doubles_in_a_set_are_one() -> None:
    found = condition('resource.name in {"a", "b", "a"}')
    assert isinstance(found, m.InSet)
    assert [item.value for item in found.items] == ["a", "b"]


def test_sizes_are_numbers_of_bytes() -> None:
    found = condition("context.bytes > 2KB")
    assert isinstance(found, m.Compare)
    assert isinstance(found.right, m.Constant)
    assert found.right.value == 2000


def test_the_sort_of_a_constant() -> None:
    assert [sort_of(value) for value in (True, 1, 1.5, "x")] == [Sort.TRUTH, Sort.NUMBER, Sort.NUMBER, Sort.TEXT]
