"""Tests in a policy as cases of a suite."""

from __future__ import annotations

import pytest

from tests.gate_files import problem, read

POLICY = "policy a.b\nallow readers when command.complete\n"


def test_a_test_is_a_case_with_everything_it_says() -> None:
    (case,) = read(
        POLICY
        + """test "a reader reads"
  given principal "ana" kind agent groups {"readers"}, resource "orders" labels {environment: "prod"} database "shop"
  given now "2026-03-02T10:00:00Z", context.ticket = "OPS-1", session.state.failed.logins = 3
  run postgres "SELECT 1"
  expect allow by readers
"""
    ).cases
    assert case.name == "a reader reads"
    assert case.place.span.line == 3
    assert case.case == {
        "name": "a reader reads",
        "principal": {"name": "ana", "kind": "agent", "groups": ["readers"]},
        "resource": {
            "name": "orders",
            "labels": {"environment": "prod"},
            "database": "shop",
            "protocol": "postgres",
        },
        "now": "2026-03-02T10:00:00Z",
        "context": {"ticket": "OPS-1"},
        "session": {"state": {"failed": {"logins": 3}}},
        "command": {"protocol": "postgres", "text": "SELECT 1"},
        "expect": {"verdict": "allow", "rules": ["a.b/READERS"]},
    }


def test_what_is_not_said_has_a_plain_value() -> None:
    (case,) = read(POLICY + 'test "t" run shell "ls" expect deny\n').cases
    assert case.case["principal"] == {"name": "somebody"}
    assert case.case["resource"] == {"name": "something", "protocol": "ssh"}
    assert case.case["expect"] == {"verdict": "deny"}


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ('principal "x" kind robot', "UNKNOWN_VALUE", "unknown value `robot`"),
        ('now "yesterday"', "TIME", '"yesterday" is no point in time'),
        ("command.complete = true", "UNKNOWN_FIELD", "unknown part of a request `command`"),
        ('session.jub = "x"', "UNKNOWN_FIELD", "unknown field of `session` `jub`"),
        ("session.job = 3", "TYPE", "`3` is a number, here stands a text"),
        ('context.a = "x", context.a.b = "y"', "DUPLICATE", "`context.a.b` was given a value already"),
    ],
)
def test_a_fact_that_is_none_says_so(given: str, code: str, message: str) -> None:
    found = problem(POLICY + f'test "t" given {given} run postgres "x" expect deny\n')
    assert (found.code, found.message) == (code, message)


def test_an_unknown_rule_or_protocol_says_so() -> None:
    assert problem(POLICY + 'test "t" run postgres "x" expect allow by reader\n').help == "did you mean `readers`?"
    assert problem(POLICY + 'test "t" run postgrs "x" expect allow\n').help == "did you mean `postgres`?"
