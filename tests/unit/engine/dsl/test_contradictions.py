"""Rules that can never match and masks that can only conflict."""

from __future__ import annotations

import pytest

from engine.source import Severity
from tests.gate_files import problem, problems

NEVER = (
    'resource.name == "a" and resource.name == "b"',
    'resource.name in {"a", "b"} and resource.name in {"c"}',
    'resource.name == "a" and resource.name != "a"',
    'resource.name == "a" and resource.name not in {"a", "b"}',
    "command.complete and not command.complete",
    "any operation has (effect read and effect write)",
    "any operation has (statement > 3 and statement < 3)",
    "any operation has (statement >= 3 and statement < 3)",
    "any operation has (statement == 1 and statement > 1)",
    "any operation has (effect read and any target has (access read and access write))",
    '(resource.name == "a" or resource.name == "b") and not (resource.name == "a" or resource.name == "b")',
    '(command.complete and not command.complete) or (resource.name == "a" and resource.name == "b")',
    'not (resource.name != "a" or resource.name == "a")',
)
SOMETIMES = (
    'resource.name == "a" or resource.name == "b"',
    "any operation has effect read and any operation has effect write",
    "any operation has (statement >= 3 and statement <= 3)",
    "any operation has (statement > 3 and statement < 4)",
    'command.complete or (resource.name == "a" and resource.name == "b")',
    "every operation has (effect read or effect write)",
    "no operation has (effect read and effect write)",
    'resource.name != "a" and resource.name != "b"',
)


@pytest.mark.parametrize("text", NEVER)
@pytest.mark.parametrize("kind", ["allow", "deny"])
def test_what_can_never_match_is_an_error(kind: str, text: str) -> None:
    found = problem(f"policy p\n{kind} a when {text}\n")
    assert (found.code, found.severity) == ("UNREACHABLE", Severity.ERROR)


@pytest.mark.parametrize("text", SOMETIMES)
def test_what_may_match_is_none(text: str) -> None:
    assert problems(f"policy p\nallow a when {text}\n") == []


def test_a_guard_on_a_field_that_may_be_absent_still_matches_where_it_is() -> None:
    text = 'a when resource.labels.e == "x" and resource.labels.e == "y"'
    assert problems(f"policy p\ndeny {text}\n") == []
    assert problem(f"policy p\nallow {text}\n").code == "UNREACHABLE"


def test_where_and_unless_count_too() -> None:
    found = problem('policy p\napplies to postgres where resource.name == "a"\ndeny a when resource.name == "b"\n')
    assert found.code == "UNREACHABLE"
    assert found.span is not None
    assert found.span.line == 3
    assert problem('policy p\napplies to postgres\ndeny a when command.protocol == "shell"\n').code == "UNREACHABLE"
    assert problem('policy p\ndeny a when resource.name == "a" unless resource.name == "a"\n').code == "UNREACHABLE"


def test_a_contradiction_in_a_definition_is_shown_where_it_is_used() -> None:
    found = problem("policy p\ndefine x = command.complete and not command.complete\ndeny a when x\n")
    assert found.span is not None
    assert found.span.line == 3


MASK = 'mask {name} columns "a.b" with partial keep last {n} unless principal in group "{group}"\n'


def test_masks_that_always_meet_and_differ_are_an_error() -> None:
    text = "policy p\n" + MASK.format(name="one", n=2, group="x") + MASK.format(name="two", n=4, group="x")
    found = problem(text)
    assert (found.code, found.severity) == ("MASK_CONFLICT", Severity.ERROR)
    assert "`a.b`" in found.message


def test_masks_that_sometimes_meet_are_a_warning() -> None:
    text = "policy p\n" + MASK.format(name="one", n=2, group="x") + MASK.format(name="two", n=4, group="y")
    assert problem(text).severity is Severity.WARNING


def test_masks_of_other_fields_methods_or_the_same_parameters_are_none() -> None:
    one = MASK.format(name="one", n=2, group="x")
    assert problems("policy p\n" + one + MASK.format(name="two", n=2, group="x")) == []
    assert problems("policy p\n" + one + one.replace("one", "two").replace("a.b", "a.c").replace("2", "3")) == []
    assert problems("policy p\n" + one + 'mask two columns "a.b" with redact unless principal in group "x"\n') == []
