"""Conditions: what each form means, and what is wrong with the others."""

from __future__ import annotations

import pytest

from engine.dsl import typed as m
from engine.dsl.conditions import MAX_NODES
from tests.gate_files import condition, problem, problems, read, sound, wrong_condition


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("any operation has effect read", 'any operation has effect == "read"'),
        ("any operation has effect read", "any command.operations has effect read"),
        ('principal in group "x"', '"x" in principal.groups'),
        ('principal in group {"x", "y"}', 'principal.groups overlaps {"x", "y"}'),
        ('principal not in group "x"', 'not "x" in principal.groups'),
        ('resource.name not in {"x"}', 'not resource.name in {"x"}'),
        ('resource.name not like "x"', 'not resource.name like "x"'),
        ('session.client_address not within "::/0"', 'not session.client_address within "::/0"'),
        ("session.job is absent", "not session.job is present"),
        ("3 < count principal.groups", "count principal.groups > 3"),
        ("15m > age of context.approval.granted_at", "age of context.approval.granted_at < 15m"),
        ('"x" == resource.name', 'resource.name == "x"'),
        ("command.sql.joins == command.sql.statements", "command.sql.joins == command.sql.statements"),
    ],
)
def test_two_spellings_mean_the_same(text: str, same: str) -> None:
    assert condition(text) == condition(same)


def test_a_definition_is_put_in_its_place_and_says_where_it_is_used() -> None:
    found = condition("writing", "define writing = any operation has effect write")
    assert found == condition("any operation has effect write")
    assert found.place.span.line == 2
    assert found.place.used_at is not None
    assert found.place.used_at.span.line == 3


def test_a_set_with_a_name_is_used_wherever_a_set_is() -> None:
    names = 'define s = {"10.0.0.0/8"}\n'
    assert condition("resource.name in s", names) == condition('resource.name in {"10.0.0.0/8"}')
    assert condition("resource.name like s", names) == condition('resource.name like "10.0.0.0/8"')
    assert condition("session.client_address within s", names) == condition(
        'session.client_address within "10.0.0.0/8"'
    )
    assert condition("principal in group s", names) == condition('principal in group {"10.0.0.0/8"}')
    assert condition("principal.groups overlaps s", names) == condition('principal.groups overlaps {"10.0.0.0/8"}')


def test_networks_are_written_one_way() -> None:
    found = condition('session.client_address within {"10.0.0.0/255.0.0.0", "2001:DB8::/32"}')
    assert isinstance(found, m.Within)
    assert found.networks == ("10.0.0.0/8", "2001:db8::/32")


def test_an_age_is_in_nanoseconds() -> None:
    found = condition("age of context.approval.granted_at < 15m")
    assert isinstance(found, m.Compare)
    assert isinstance(found.right, m.Constant)
    assert found.right.value == 15 * 60 * 10**9


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("resource.name", "NOT_A_CONDITION", "`resource.name` is a text, not true or false"),
        ("1 == 2", "CONSTANT", "this compares two constants"),
        ('"x" in {"x"}', "CONSTANT", "what is in a set must be a field"),
        ("command.operations == 3", "TYPE", "`command.operations` is a list and is not compared"),
        ('resource == "x"', "TYPE", "`resource` is a group of fields and is not compared"),
        ('resource.name < "x"', "TYPE", "`<` is for numbers, this is a text"),
        ("resource.name < context.x", "TYPE", "`<` is for numbers, this is a text"),
        ("context.x == context.y", "TYPE", "nothing says of which type these two are"),
        ("resource.name == command.complete", "TYPE", "`resource.name` is a text, `command.complete` is true or false"),
        ("resource.name == session.client_address", "TYPE", "addresses are not compared as texts"),
        (
            "command.sql.joins == context.approval.granted_at",
            "TYPE",
            "`command.sql.joins` is a number, `context.approval.granted_at` is a point in time",
        ),
        ("count resource.name > 1", "TYPE", "`resource.name` is a text"),
        ("age of command.sql.joins > 1m", "TYPE", "`command.sql.joins` is a number"),
        ("age of context.approval.granted_at > 1", "TYPE", "an age is compared with a duration"),
        ('resource.name overlaps {"x"}', "TYPE", "`resource.name` is a text"),
        ('command.sql.joins like "x"', "TYPE", "`command.sql.joins` is a number"),
        ('resource.name within "10.0.0.0/8"', "TYPE", "`resource.name` is a text"),
        ('session.client_address within "10.0.0.1/8"', "NETWORK", "`10.0.0.1/8` has bits set beyond its length"),
        ('session.client_address within "ten"', "NETWORK", "`ten` is no network"),
        ('resource in group "x"', "TYPE", "only the `principal` is in a group"),
        ('principal.groups in {"x"}', "TYPE", "`principal.groups` is a list"),
        ("resource.name in resource.name", "TYPE", "`resource.name` is a text"),
        ("command.sql.joins in principal.groups", "TYPE", "only a text is looked for in a list"),
        ("resource.name in context.x", "TYPE", "`context.x` is no list of texts"),
        ("3 in principal.groups", "TYPE", "`3` is a number, here stands a text"),
        ("resource.name is present", "ALWAYS_PRESENT", "`resource.name` is always present"),
        ("principal in group nobody", "UNKNOWN_NAME", "unknown set `nobody`"),
        (f'resource.name like "{"a" * 301}"', "GLOB", "a glob has at most 300 characters and 40 of `*` and `?`"),
        (f'resource.name like "{"?" * 41}"', "GLOB", "a glob has at most 300 characters and 40 of `*` and `?`"),
        ('resource.name like "a***"', "GLOB", "`***` means nothing more than `**`"),
    ],
)
def test_a_condition_of_wrong_types_says_so(text: str, code: str, message: str) -> None:
    found = wrong_condition(text)
    assert (found.code, found.message) == (code, message)


def test_all_mistakes_of_a_rule_are_told() -> None:
    found = problems(
        'policy p\ndeny a when resorce.name == "x" and (principal.nam == "x" or not command.complete == 3)\n'
    )
    assert [one.code for one in found] == ["UNKNOWN_NAME", "UNKNOWN_FIELD", "TYPE"]


def test_a_mistake_in_a_definition_is_told_once_and_there() -> None:
    found = problem("policy p\ndefine x = resorce.complete\nallow a when x\nallow b when x\n")
    assert found.span is not None
    assert found.span.line == 2


def test_a_set_is_no_condition_and_a_condition_no_set() -> None:
    text = "policy p\ndefine s = {a}\ndefine c = command.complete\n"
    assert problem(text + "allow a when s and c and resource.name in s\n").message == "`s` is a set, not a field"
    assert (
        problem(text + "allow a when resource.name in c and resource.name in s\n").message
        == "`c` is a condition, not a field"
    )


def test_definitions_that_go_round_are_told_once_where_they_stand() -> None:
    found = problems("policy p\ndefine a = b\ndefine b = not a\ndefine c = a\nallow r when c and command.complete\n")
    assert [(one.code, one.message) for one in found] == [
        ("RECURSIVE", "`a` is defined by itself"),
    ]


def test_definitions_that_double_are_stopped() -> None:
    lines = ["define d0 = command.complete"]
    lines += [f"define d{number} = d{number - 1} and d{number - 1}" for number in range(1, 20)]
    text = "policy p\n" + "\n".join(lines) + "\nallow a when d19\n"
    found = [one for one in problems(text) if one.severity == "error"]
    assert {one.code for one in found} == {"TOO_BIG"}
    assert str(MAX_NODES) in found[-1].message


def test_definitions_that_nest_too_deep_are_stopped() -> None:
    lines = ["define d0 = command.complete"]
    lines += [f"define d{number} = {'not ' * 30}d{number - 1}" for number in range(1, 4)]
    found = problems("policy p\n" + "\n".join(lines) + "\nallow a when d3\n")
    assert {one.code for one in found} == {"TOO_DEEP"}


def test_names_that_could_not_be_read_are_no_further_mistakes() -> None:
    found = problems("policy p\ndefine x = (\ndefine s = {\nallow a when x and resource.name in s\n")
    assert [one.code for one in found] == ["SYNTAX", "SYNTAX"]


def test_a_sound_policy_has_no_problems() -> None:
    assert read("policy p\nallow a when command.complete\n").diagnostics == ()
    assert len(sound("policy p\nallow a when command.complete\n").rules) == 1
