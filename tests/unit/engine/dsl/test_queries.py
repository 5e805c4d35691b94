"""Conditions as lines of Rego: each form, held and refuted, for an allow and for a guard."""

from __future__ import annotations

import pytest

from engine.dsl.queries import MOST_LINES, Line, Mode, Queries, Query
from tests.gate_files import condition

ADDRESS = "input.session.client_address"
IS_ADDRESS = f'net.cidr_is_valid(concat("/", [{ADDRESS}, "0"]))'
CLOCK = '[time.now_ns(), "UTC"]'


def flat(lines: Query) -> list[str]:
    return [f"{line.text} {{ {'; '.join(flat(line.body))} }}" if line.body else line.text for line in lines]


def lines(text: str, mode: Mode) -> list[str]:
    """The lines of a condition, and after `|` the bodies of the rules it needs."""
    queries = Queries(1)
    own = flat(queries.query(condition(text), False, mode, {}))
    for helper in queries.helpers:
        own += [f"| {helper.head}: {'; '.join(flat(body))}" for body in helper.bodies]
    return own


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('resource.name == "x"', ['input.resource.name == "x"']),
        ('not resource.name == "x"', ['input.resource.name != "x"']),
        ("not command.sql.joins < 3", ["input.command.sql.joins >= 3"]),
        ("context.level >= 3", ["is_number(input.context.level)", "input.context.level >= 3"]),
        (
            "context.level == resource.name",
            ["is_string(input.context.level)", "input.context.level == input.resource.name"],
        ),
        ("count principal.groups > 1", ["count(input.principal.groups) > 1"]),
        ("age of context.approval.granted_at < 1s", ["time.now_ns() - input.context.approval.granted_at < 1000000000"]),
        ('resource.name in {"x", "y"}', ['input.resource.name in {"x", "y"}']),
        (
            'resource.labels.e not in {"x"}',
            ["is_string(input.resource.labels.e)", 'not input.resource.labels.e in {"x"}'],
        ),
        ("context.n in {1, 2}", ["is_number(input.context.n)", "input.context.n in {1, 2}"]),
        ('principal in group "x"', ['"x" in input.principal.groups']),
        ('principal not in group "x"', ['not "x" in input.principal.groups']),
        (
            "session.job not in principal.groups",
            ["is_string(input.session.job)", "not input.session.job in input.principal.groups"],
        ),
        ("-1 in context.l", ["is_array(input.context.l)", "some x1 in input.context.l", "x1 == -1"]),
        ("-1 not in context.l", ["is_array(input.context.l)", "not -1 in input.context.l"]),
        ('principal.groups overlaps {"x"}', ["some x1 in input.principal.groups", 'x1 in {"x"}']),
        ('not principal.groups overlaps {"x"}', ['every x1 in input.principal.groups { not x1 in {"x"} }']),
        (
            'not context.l overlaps {"x"}',
            ["is_array(input.context.l)", 'every x1 in input.context.l { not x1 in {"x"} }'],
        ),
        ('session.job like "a*"', ['regex.match("^(?:a[^.]*)$", input.session.job)']),
        ('session.job not like "a"', ["is_string(input.session.job)", 'not regex.match("^(?:a)$", input.session.job)']),
        (
            'session.client_address within "10.0.0.0/8"',
            [
                f"is_string({ADDRESS})",
                IS_ADDRESS,
                'some x1 in ["10.0.0.0/8", "::ffff:a00:0/104"]',
                f"net.cidr_contains(x1, {ADDRESS})",
            ],
        ),
        (
            'session.client_address not within "2001:db8::/32"',
            [f"is_string({ADDRESS})", IS_ADDRESS, f'not net.cidr_contains("2001:db8::/32", {ADDRESS})'],
        ),
        (
            'session.client_address not within "10.0.0.0/8"',
            [
                f"is_string({ADDRESS})",
                IS_ADDRESS,
                f'every x1 in ["10.0.0.0/8", "::ffff:a00:0/104"] {{ not net.cidr_contains(x1, {ADDRESS}) }}',
            ],
        ),
        ("command.complete", ["input.command.complete == true"]),
        ("not command.complete", ["input.command.complete == false"]),
        ("session.job is present", ["input.session.job != null"]),
        ("session.job is absent", ["not input.session.job != null"]),
        ('command.complete and resource.name == "x"', ["input.command.complete == true", 'input.resource.name == "x"']),
        (
            'command.complete or resource.name == "x"',
            ["_1", "| _1: input.command.complete == true", '| _1: input.resource.name == "x"'],
        ),
        (
            'not (command.complete or resource.name == "x")',
            ["input.command.complete == false", 'input.resource.name != "x"'],
        ),
        (
            'not (command.complete and resource.name == "x")',
            ["_1", "| _1: input.command.complete == false", '| _1: input.resource.name != "x"'],
        ),
        ('resource.name == "x" or resource.name in {"y"}', ['input.resource.name in {"x", "y"}']),
        ("any operation has effect read", ["some x1 in input.command.operations", 'x1.effect == "read"']),
        ("every operation has effect read", ['every x1 in input.command.operations { x1.effect == "read" }']),
        ("no operation has effect read", ['every x1 in input.command.operations { x1.effect != "read" }']),
        ("not every operation has effect read", ["some x1 in input.command.operations", 'x1.effect != "read"']),
        (
            "any context.l has it == 1",
            ["is_array(input.context.l)", "some x1 in input.context.l", "is_number(x1)", "x1 == 1"],
        ),
        (
            "any operation has any target has name == kind",
            ["some x1 in input.command.operations", "some x2 in x1.targets", "x2.name == x1.kind"],
        ),
        (
            "every operation has (effect read or every target has resolved)",
            [
                "every x1 in input.command.operations { _1(x1) }",
                '| _1(x1): x1.effect == "read"',
                "| _1(x1): every x2 in x1.targets { x2.resolved == true }",
            ],
        ),
        (
            'between 09:30 and 18:00 in "UTC" on friday',
            [
                f"some x1 in [time.clock({CLOCK})]",
                "x1[0] * 60 + x1[1] >= 570",
                "x1[0] * 60 + x1[1] < 1080",
                f'time.weekday({CLOCK}) in {{"Friday"}}',
            ],
        ),
        ('between 00:00 and 24:00 in "UTC"', ["true"]),
        (
            'not between 00:00 and 12:00 in "UTC"',
            ["not _1", f"| _1: some x1 in [time.clock({CLOCK})]; x1[0] * 60 + x1[1] < 720"],
        ),
        (
            'between 22:00 and 06:00 in "UTC" on sunday',
            [
                "_1",
                f'| _1: some x1 in [time.clock({CLOCK})]; x1[0] * 60 + x1[1] >= 1320; time.weekday({CLOCK}) in {{"Sunday"}}',
                f'| _1: some x2 in [time.clock({CLOCK})]; x2[0] * 60 + x2[1] < 360; time.weekday({CLOCK}) in {{"Monday"}}',
            ],
        ),
    ],
)
def test_a_condition_of_an_allow_must_hold(text: str, expected: list[str]) -> None:
    assert lines(text, Mode.HOLDS) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('resource.name == "x"', ['input.resource.name == "x"']),
        ('resource.labels.e == "x"', ['not input.resource.labels.e != "x"']),
        ('resource.labels.e != "x"', ['not input.resource.labels.e == "x"']),
        ('resource.labels.e not in {"x"}', ['not input.resource.labels.e in {"x"}']),
        (
            'resource.labels.e in {"x"}',
            ["not _1", '| _1: is_string(input.resource.labels.e); not input.resource.labels.e in {"x"}'],
        ),
        ("context.ok", ["not input.context.ok == false"]),
        ("context.n == 1", ["not _1", "| _1: is_number(input.context.n); input.context.n != 1"]),
        ('any relation has it == "x"', ["not _1", '| _1: every x1 in input.command.sql.relations { x1 != "x" }']),
        (
            "any operation has has_where",
            ["some x1 in input.command.operations", "not x1.has_where == false"],
        ),
        (
            "any operation has (has_where and context.n == 1)",
            [
                "some x1 in input.command.operations",
                "not x1.has_where == false",
                "not _1",
                "| _1: is_number(input.context.n); input.context.n != 1",
            ],
        ),
        (
            "command.complete or context.ok",
            ["_1", "| _1: input.command.complete == true", "| _1: not input.context.ok == false"],
        ),
        ("session.job is present", ["input.session.job != null"]),
    ],
)
def test_a_condition_of_a_guard_must_not_be_refuted(text: str, expected: list[str]) -> None:
    assert lines(text, Mode.POSSIBLE) == expected


def test_what_is_needed_twice_is_one_rule() -> None:
    queries = Queries(1)
    either = condition("(context.a or command.complete) and (context.a or command.complete)")
    assert flat(queries.query(either, False, Mode.HOLDS, {})) == ["_1", "_1"]
    assert len(queries.helpers) == 1


def test_what_is_too_much_for_one_rule_goes_on_in_others() -> None:
    queries = Queries(1)
    many = condition("command.complete and " + "\nand ".join(f"context.x{number} == {number}" for number in range(500)))
    made = queries.query(many, False, Mode.HOLDS, {})
    bodies = [made, *(body for helper in queries.helpers for body in helper.bodies)]
    assert made[0].text == "input.command.complete == true"
    assert max(len(body) for body in bodies) <= 2 * MOST_LINES
    assert sum(line.text.startswith("is_number") for body in bodies for line in body) == 500


def test_what_is_too_much_inside_a_loop_takes_its_variable_along() -> None:
    queries = Queries(1)
    many = "\nand ".join(f'name != "t{number}"' for number in range(100))
    queries.query(condition(f"any operation has every target has ({many})"), False, Mode.HOLDS, {})
    assert [helper.head for helper in queries.helpers] == ["_1(x2)", "_2(x2)"]


def test_every_line_says_where_it_comes_from() -> None:
    queries = Queries(1)
    made = queries.query(condition('any operation has (effect read or kind "x")'), False, Mode.HOLDS, {})

    def places(found: Query) -> list[Line]:
        return [line for one in found for line in (one, *places(one.body))]

    assert all(line.place.source == "p.gate" and line.place.span.line == 3 for line in places(made))


def test_no_line_begins_with_a_sign_that_joins_it_to_the_one_above() -> None:
    for text in ("-1 in context.l", "age of context.approval.granted_at < 1s", 'between 09:00 and 10:00 in "UTC"'):
        for line in lines(f"context.b and {text}", Mode.HOLDS):
            assert line.removeprefix("| ")[0] not in "([-+*/{"
