"""Why a rule did not match, in the author's words."""

from __future__ import annotations

import pytest

from engine.dsl.explanation import MOST_CHARACTERS, MOST_ITEMS, Unmet, first_unmet
from engine.dsl.reference import World
from engine.request import Json
from tests.gate_files import NOW, operation, read, request


def why(
    rule: str, document: dict[str, Json], lib: str = "library\ndefine unused_here = command.complete\n"
) -> Unmet | None:
    text = f'policy p\nimport "lib.gate"\n{rule}\n'
    (policy,) = read(text, lib=lib).policies
    return first_unmet(policy.rules[0], World(document, NOW, {}), {"p.gate": text, "lib.gate": lib})


DROPS = request(command={"operations": [operation(), operation("drop_table", "delete")]}, context={"level": 3})


def test_a_rule_that_matches_has_nothing_unmet() -> None:
    assert why("deny a when any operation has kind drop_table", DROPS) is None
    assert why("deny a when context.nothing", DROPS) is None


@pytest.mark.parametrize(
    ("rule", "text", "value", "values"),
    [
        (
            'deny a when command.complete and resource.name == "x"',
            'resource.name == "x"',
            False,
            {"resource.name": "orders"},
        ),
        ("allow a when context.nothing and command.complete", "context.nothing", None, {"context.nothing": None}),
        ("allow a when context.level > 3", "context.level > 3", False, {"context.level": 3}),
        ("deny a unless command.complete", "unless command.complete", False, {"command.complete": True}),
        (
            'deny a unless resource.name == "x" or command.complete',
            "command.complete",
            False,
            {"command.complete": True},
        ),
        (
            "deny a when any operation has (effect write and kind select)",
            "any operation has (effect write and kind select)",
            False,
            {"command.operations[].effect": ["read", "delete"], "command.operations[].kind": ["select", "drop_table"]},
        ),
        (
            'deny a when any operation has any target has name == "x"',
            'any operation has any target has name == "x"',
            False,
            {"command.operations[].targets": []},
        ),
        (
            'allow a when every operation has effect read and principal in group "x"',
            "every operation has effect read",
            False,
            {"command.operations[].effect": ["read", "delete"]},
        ),
        ('allow a when "x" in principal.groups', '"x" in principal.groups', False, {"principal.groups": []}),
        ("allow a when count principal.groups > 2", "count principal.groups > 2", False, {"principal.groups": []}),
        (
            'allow a when principal.groups overlaps {"x"}',
            'principal.groups overlaps {"x"}',
            False,
            {"principal.groups": []},
        ),
        ('deny a when between 00:00 and 01:00 in "UTC"', 'between 00:00 and 01:00 in "UTC"', False, {"now": NOW}),
        (
            'deny a when resource.name ==  # no\n  "x"',
            'resource.name == "x"',
            False,
            {"resource.name": "orders"},
        ),
    ],
)
def test_the_condition_that_was_not_met_is_told_with_its_values(
    rule: str, text: str, value: bool | None, values: dict[str, Json]
) -> None:
    found = why(rule, DROPS)
    assert found is not None
    assert (found.text, found.value, found.values) == (text, value, values)


def test_a_condition_of_a_definition_is_shown_where_it_stands() -> None:
    found = why("deny a when odd", DROPS, "library\n\ndefine odd =\n  not command.complete\n")
    assert found is not None
    assert (found.text, found.place.source, found.place.span.line) == ("not command.complete", "lib.gate", 4)


def test_long_texts_and_lists_are_cut() -> None:
    document = request(principal={"groups": [f"g{number}" for number in range(50)], "name": "x" * 1000})
    groups = why('allow a when "x" in principal.groups', document)
    assert groups is not None
    shown = groups.values["principal.groups"]
    assert isinstance(shown, list)
    assert len(shown) == MOST_ITEMS
    name = why('allow a when principal.name == "y"', document)
    assert name is not None
    assert len(str(name.values["principal.name"])) == MOST_CHARACTERS


def test_objects_are_shown_too() -> None:
    found = why("allow a when context.level > 3", request(context={"level": {"a": [None, {"b": 1}]}}))
    assert found is not None
    assert (found.value, found.values) == (None, {"context.level": {"a": [None, {"b": 1}]}})
