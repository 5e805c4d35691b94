"""The plain meaning, form by form: true, false, unknown."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.dsl.reference import World, does_match, evaluate, matching
from tests.gate_files import NOW, condition, operation, request, sound

ANA = request(
    principal={"groups": ["readers", "dba"]},
    session={"job": "nightly", "client_address": "::ffff:10.1.2.3"},
    resource={"labels": {"environment": "prod"}},
    command={
        "operations": [
            operation(),
            operation(
                "drop_table",
                "delete",
                has_where=False,
                targets=[{"type": "table", "name": "a.b", "access": "delete", "resolved": True, "schema": "a"}],
            ),
        ],
        "features": ["dynamic_sql"],
    },
    context={
        "level": 3,
        "ok": True,
        "one": 1,
        "list": ["a", 1],
        "object": {"k": "a"},
        "text": "a.b",
        "approval": {"ticket": "t", "approvers": ["bo"], "rules": [], "granted_at": NOW - 60 * 10**9},
    },
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('resource.name == "orders"', True),
        ('resource.name != "orders"', False),
        ('session.application == "psql"', None),
        ('session.application != "psql"', None),
        ("context.level >= 3", True),
        ("context.level < 3", False),
        ("context.text > 3", None),
        ("context.one == 1", True),
        ("context.one == true", None),
        ("context.ok == 1", None),
        ("context.ok", True),
        ("context.level", None),
        ("count principal.groups == 2", True),
        ("count command.sql.reads == 2", None),
        ("age of context.approval.granted_at == 1m", True),
        ("age of context.approval.granted_at < 1m", False),
        ('resource.name in {"orders", "x"}', True),
        ('session.application in {"x"}', None),
        ("context.level in {1, 3}", True),
        ('context.level in {"3"}', None),
        ('context.list in {"a"}', None),
        ('"a" in context.list', True),
        ("true in context.list", False),
        ('"a" in context.object', None),
        ('"a" in context.nothing', None),
        ("resource.name in principal.groups", False),
        ("session.application in principal.groups", None),
        ('principal in group "dba"', True),
        ('principal.groups overlaps {"x", "dba"}', True),
        ('context.list overlaps {"x"}', False),
        ('context.text overlaps {"a"}', None),
        ('session.job like "night*"', True),
        ('context.text like "*"', False),
        ('context.text like "**"', True),
        ('context.level like "*"', None),
        ('session.client_address within "10.0.0.0/8"', True),
        ('session.client_address within {"192.168.0.0/16", "::1/128"}', False),
        ('context.text within "10.0.0.0/8"', None),
        ("session.application is present", False),
        ("session.application is absent", True),
        ("any operation has effect delete", True),
        ("every operation has effect delete", False),
        ("no operation has effect write", True),
        ("any operation has has_where", None),
        ("every operation has (has_where or effect read)", False),
        ("every operation has (not has_where or effect write)", None),
        ('any operation has any target has (schema == "a" and resolved)', True),
        ('any relation has it == "x"', None),
        ('any feature has it like "dynamic_*"', True),
        ("any context.list has it == 1", True),
        ("any context.object has it == 1", None),
        ("not context.nothing", None),
        ("context.nothing and not command.complete", False),
        ("context.nothing and command.complete", None),
        ("context.nothing or command.complete", True),
        ("context.nothing or not command.complete", None),
    ],
)
def test_a_condition_is_true_false_or_unknown(text: str, value: bool | None) -> None:
    assert evaluate(condition(text), World(ANA, NOW, {})) is value


def at(text: str, moment: str) -> bool | None:
    now = int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()) * 10**9
    return evaluate(condition(text), World(ANA, now, {}))


OFFICE = 'between 09:00 and 18:00 in "Europe/Zurich" on weekdays'
NIGHT = 'between 22:00 and 06:00 in "UTC" on friday'


@pytest.mark.parametrize(
    ("text", "moment", "value"),
    [
        (OFFICE, "2026-03-20T07:59:59", False),
        (OFFICE, "2026-03-20T08:00:00", True),
        (OFFICE, "2026-03-20T16:59:59", True),
        (OFFICE, "2026-03-20T17:00:00", False),
        (OFFICE, "2026-03-21T10:00:00", False),
        # After the clocks went forward.
        (OFFICE, "2026-03-30T07:00:00", True),
        (NIGHT, "2026-03-20T21:59:59", False),
        (NIGHT, "2026-03-20T22:00:00", True),
        (NIGHT, "2026-03-21T05:59:59", True),
        (NIGHT, "2026-03-21T06:00:00", False),
        (NIGHT, "2026-03-20T05:00:00", False),
        (NIGHT, "2026-03-21T22:30:00", False),
    ],
)
def test_a_window_is_of_its_zone_and_of_the_day_it_began(text: str, moment: str, value: bool) -> None:
    assert at(text, moment) is value


@pytest.mark.parametrize(
    "kind", ["deny {}", 'hold {} approvers group "x"', 'mask {} columns "a" with redact', "limit {} read_only"]
)
def test_a_guard_matches_what_is_unknown(kind: str) -> None:
    (rule,) = sound(f"policy p\n{kind.format('a')} when context.nothing\n").rules
    assert does_match(rule, World(ANA, NOW, {}))


def test_an_allow_does_not() -> None:
    (rule,) = sound("policy p\nallow a when context.nothing\n").rules
    assert not does_match(rule, World(ANA, NOW, {}))


def test_all_conditions_of_a_rule_must_hold_and_one_false_one_is_enough() -> None:
    policy = sound(
        "policy p\ndeny a when context.nothing unless command.complete\nallow b when command.complete and context.ok\n"
    )
    assert [rule.name for rule in matching(policy, ANA, NOW)] == ["b"]
