"""What rules answer."""

from __future__ import annotations

import pytest

from engine.request import Json
from tests.gate_files import problem, problems, sound


def result(rule: str) -> dict[str, Json]:
    return dict(sound(f"policy p\n{rule} when command.complete\n").rules[0].result)


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ("deny no_drop", {"code": "NO_DROP"}),
        ('deny a "why" hint "h" detail "d" code "X.1"', {"code": "X.1", "reason": "why", "hint": "h", "detail": "d"}),
        ('hold a approvers group "dba"', {"code": "A", "approvers": {"groups": ["dba"]}}),
        (
            'hold a approvers user "b", user "a", group "g" quorum 2 expires 90m requester may not withdraw',
            {
                "code": "A",
                "approvers": {"groups": ["g"], "users": ["a", "b"], "quorum": 2},
                "expires": "90m",
                "may_withdraw": False,
            },
        ),
        (
            'hold a approvers group "g" remember 90m escalate after 5m to group "o" escalate after 10m to user "c", group "l" '
            "who may approve",
            {
                "code": "A",
                "approvers": {"groups": ["g"]},
                "remember": "90m",
                "escalate": [
                    {"after": "5m", "groups": ["o"]},
                    {"after": "10m", "groups": ["l"], "users": ["c"], "may_approve": True},
                ],
            },
        ),
        ("limit a record", {"code": "A", "type": "record", "value": True}),
        ('limit a record "best_effort"', {"code": "A", "type": "record", "value": "best_effort"}),
        (
            'limit a record "results, best_effort,results"',
            {"code": "A", "type": "record", "value": ["results", "best_effort"]},
        ),
        ('hold a approvers group "g" expires 2d', {"code": "A", "approvers": {"groups": ["g"]}, "expires": "2d"}),
        ('mask a columns "x.y" with redact', {"code": "A", "columns": ["x.y"], "method": "redact"}),
        (
            'mask a columns "x" columns "y", "x" paths "$.a" streams stdout values secret.* with partial keep first 2 keep last 4',
            {
                "code": "A",
                "columns": ["x", "y"],
                "paths": ["$.a"],
                "streams": ["stdout"],
                "values": ["secret.*"],
                "method": "partial",
                "params": {"keep_first": 2, "keep_last": 4},
            },
        ),
        (
            'mask a columns "x" with redact permits equality',
            {"code": "A", "columns": ["x"], "method": "redact", "permits": ["equality"]},
        ),
        (
            'mask a values pii.email, secret.* within "t.c", "d" with redact',
            {"code": "A", "values": ["pii.email", "secret.*"], "within": ["t.c", "d"], "method": "redact"},
        ),
        (
            'mask a columns "x" with hash key "k"',
            {"code": "A", "columns": ["x"], "method": "hash", "params": {"key": "k"}},
        ),
        (
            'mask a columns "x" with tokenize key "k" keep first 6 check luhn tweak "cards"',
            {
                "code": "A",
                "columns": ["x"],
                "method": "tokenize",
                "params": {"key": "k", "keep_first": 6, "check": "luhn", "tweak": "cards"},
            },
        ),
        ("limit a rows 10_000", {"code": "A", "type": "rows", "value": 10000}),
        ("limit a statement_timeout 30s", {"code": "A", "type": "statement_timeout", "value": "30s"}),
        ("limit a lock_timeout 1500ms", {"code": "A", "type": "lock_timeout", "value": "1500ms"}),
        ("limit a read_only", {"code": "A", "type": "read_only", "value": True}),
        ('limit a notify "#dba"', {"code": "A", "type": "notify", "value": "#dba"}),
    ],
)
def test_a_rule_answers_what_it_says(rule: str, answer: dict[str, Json]) -> None:
    assert result(rule) == answer


@pytest.mark.parametrize(
    ("rule", "code", "message"),
    [
        ('deny a approvers group "x"', "MISPLACED", "`approvers` does not belong to a deny rule"),
        ("allow a expires 5m", "MISPLACED", "`expires` does not belong to an allow rule"),
        ("deny a remember 5m", "MISPLACED", "`remember` does not belong to a deny rule"),
        ('allow a escalate after 5m to group "o"', "MISPLACED", "`escalate` does not belong to an allow rule"),
        ('hold a approvers group "x" remember 9h', "DURATION", "an approval is remembered from a second to 8 hours"),
        ('hold a approvers group "x" remember 5m remember 6m', "DUPLICATE", "this is said already on line 2"),
        (
            'hold a approvers group "x" expires 5m escalate after 5m to group "o"',
            "CONTRACT",
            "`escalate.after` is not from a second to before the hold expires",
        ),
        ("deny a requester may withdraw", "MISPLACED", "`requester may withdraw` does not belong to a deny rule"),
        ('deny a hint "x" hint "y"', "DUPLICATE", "this is said already on line 2"),
        ("hold a", "NO_APPROVERS", "hold `a` does not say who approves"),
        ('hold a approvers user "x" quorum 2', "QUORUM", "a quorum of 2 cannot come together out of 1"),
        ('hold a approvers group "x" quorum 0', "QUORUM", "a quorum is a number of people from 1 to 100"),
        ('hold a approvers group "x" expires 31d', "DURATION", "a hold waits from a second to 30 days"),
        ('hold a approvers group "x" expires 5ms', "DURATION", "a hold waits from a second to 30 days"),
        ('hold a approvers group "x" expires 5m expires 6m', "DUPLICATE", "this is said already on line 2"),
        ('hold a approvers group "x" approvers user "x"', "DUPLICATE", "this is said already on line 2"),
        ('mask a columns "a.b.c.d" with redact', "COLUMN", '"a.b.c.d" is no column'),
        ('mask a paths "" with redact', "COLUMN", "an empty text names nothing"),
        ('mask a columns "a" with blur', "UNKNOWN_METHOD", "unknown method of masking `blur`"),
        ('mask a columns "a" with redact keep last 4', "PARAMETER", "`redact` has no `keep last`"),
        (
            'mask a columns "a" with partial keep last 9999',
            "PARAMETER",
            "this is a number of characters from 0 to 4096",
        ),
        ('mask a columns "a" with partial keep last 1 keep last 2', "DUPLICATE", "`keep last` is said twice"),
        ('mask a columns "a" with hash', "PARAMETER", "`hash` needs a key"),
        ('mask a columns "a" with tokenize key "k" check luhm', "PARAMETER", "unknown check digit `luhm`"),
        ('mask a columns "a" with hash key "k" tweak "t"', "PARAMETER", "`hash` has no `tweak`"),
        (
            'mask a columns "a" with tokenize key "k" keep last 4 check luhn',
            "CONTRACT",
            "`keep_last` keeps the check digit, which `check` computes anew: take one of the two",
        ),
        ("limit a row 5", "UNKNOWN_LIMIT", "unknown limit `row`"),
        ("limit a rows", "LIMIT", "`rows` needs a number of rows"),
        ("limit a rows 1.5", "LIMIT", "`rows` needs a number of rows"),
        ("limit a statement_timeout 30", "LIMIT", "`statement_timeout` needs a duration"),
        ("limit a read_only true", "LIMIT", "`read_only` stands alone"),
        ("limit a record 5", "LIMIT", "`record` stands alone or says more in a text"),
        ('limit a record "everything"', "CONTRACT", "limit `record` has a wrong value"),
        ("limit a notify 5", "LIMIT", "`notify` needs a text: whom to tell"),
        ('deny a code "has blanks"', "CONTRACT", None),
    ],
)
def test_a_rule_that_makes_no_sense_says_why(rule: str, code: str, message: str | None) -> None:
    found = problem(f"policy p\n{rule} when command.complete\n")
    assert found.code == code
    assert message is None or found.message == message


def test_all_mistakes_of_a_rule_are_told() -> None:
    found = problems('policy p\nhold a expires 99d hint "x" hint "y" when command.complete\n')
    assert [one.code for one in found] == ["NO_APPROVERS", "DURATION", "DUPLICATE"]
