"""What rules may answer, kind by kind, and what is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from engine.rego.contract import (
    ContractBroken,
    HoldResult,
    LimitResult,
    LimitType,
    MaskResult,
    RuleKind,
    check_result,
    expiry_seconds,
    limit_value,
    milliseconds,
    read_result,
)

DBA = {"groups": ["dba"]}
RIGHT: list[tuple[str, dict[str, Any]]] = [
    ("allow", {"code": "READ"}),
    ("allow", {"code": "READ", "reason": "reading", "detail": "d", "hint": "h"}),
    ("deny", {"code": "NO", "reason": "no"}),
    ("hold", {"code": "H", "approvers": DBA, "expires": "15m", "may_withdraw": False}),
    ("hold", {"code": "H", "approvers": {"users": ["bo", "cy"], "quorum": 2}}),
    ("hold", {"code": "H", "approvers": DBA, "remember": "8h", "escalate": [{"after": "59m", "groups": ["oncall"]}]}),
    ("mask", {"code": "M", "columns": ["*.*.pan"], "method": "partial", "params": {"keep_last": 4}}),
    ("mask", {"code": "M", "values": ["pii.email"], "method": "hash", "params": {"key": "k1"}}),
    ("mask", {"code": "M", "values": ["pii.email"], "within": ["*.notes.*", "body"], "method": "redact"}),
    ("mask", {"code": "M", "columns": ["a.b.c"], "permits": ["equality"], "method": "redact"}),
    ("mask", {"code": "M", "paths": ["$.a"], "method": "drop"}),
    ("mask", {"code": "M", "streams": ["stdout"], "method": "redact"}),
    ("limit", {"code": "L", "type": "rows", "value": 0}),
    ("limit", {"code": "L", "type": "read_only", "value": True}),
    ("limit", {"code": "L", "type": "statement_timeout", "value": "30s"}),
    ("limit", {"code": "L", "type": "notify", "value": ["a"]}),
    ("limit", {"code": "L", "type": "something_new", "value": {"any": 1}}),
]
WRONG: list[tuple[str, Any]] = [
    ("hold", {"code": "H", "approvers": DBA, "remember": "9h"}),
    ("hold", {"code": "H", "approvers": DBA, "remember": "5ms"}),
    ("hold", {"code": "H", "approvers": DBA, "remember": ""}),
    ("hold", {"code": "H", "approvers": DBA, "escalate": [{"after": "1m"}]}),
    ("hold", {"code": "H", "approvers": DBA, "escalate": [{"groups": ["oncall"]}]}),
    ("hold", {"code": "H", "approvers": DBA, "escalate": [{"after": "1h", "groups": ["oncall"]}]}),
    ("hold", {"code": "H", "approvers": DBA, "escalate": [{"after": "1m", "groups": ["o"], "quorum": 1}]}),
    ("hold", {"code": "H", "approvers": DBA, "escalate": [{"after": "1m", "groups": ["o"]}] * 6}),
    ("allow", "READ"),
    ("allow", {}),
    ("allow", {"code": ""}),
    ("allow", {"code": "a b"}),
    ("allow", {"code": 1}),
    ("allow", {"code": "A", "reason": 1}),
    ("allow", {"code": "A", "resaon": "typo"}),
    ("deny", {"code": "A", "reason": "x" * 5000}),
    ("hold", {"code": "H"}),
    ("hold", {"code": "H", "approvers": {}}),
    ("hold", {"code": "H", "approvers": {"users": ["bo", "bo"], "quorum": 2}}),
    ("hold", {"code": "H", "approvers": {"groups": ["dba"], "quorum": 0}}),
    ("hold", {"code": "H", "approvers": {"groups": [""]}}),
    ("hold", {"code": "H", "approvers": DBA, "expires": "soon"}),
    ("hold", {"code": "H", "approvers": DBA, "expires": 900}),
    ("hold", {"code": "H", "approvers": DBA, "expires": "0m"}),
    ("hold", {"code": "H", "approvers": DBA, "expires": "31d"}),
    ("mask", {"code": "M", "method": "redact"}),
    ("mask", {"code": "M", "method": "redact", "paths": ["$a"]}),
    ("mask", {"code": "M", "within": ["a.b.c"], "method": "redact"}),
    ("mask", {"code": "M", "paths": ["$.a"], "permits": ["equality"], "method": "redact"}),
    ("mask", {"code": "M", "columns": ["a.b.c"], "permits": ["order"], "method": "redact"}),
    ("mask", {"code": "M", "columns": ["a.b.c"], "permits": True, "method": "redact"}),
    ("mask", {"code": "M", "values": ["pii.email"], "within": ["a..c"], "method": "redact"}),
    ("mask", {"code": "M", "values": ["pii.email"], "within": ["a.b.c"], "columns": ["a.b.d"], "method": "redact"}),
    ("mask", {"code": "M", "values": ["pii.email"], "within": ["a.b.c"], "paths": ["$.a"], "method": "redact"}),
    ("mask", {"code": "M", "values": ["pii.email"], "within": ["a.b.c"], "streams": ["stdout"], "method": "redact"}),
    ("mask", {"code": "M", "columns": ["a.b.c"], "method": "blur"}),
    ("mask", {"code": "M", "columns": ["a.b.c.d"], "method": "redact"}),
    ("mask", {"code": "M", "columns": ["a..c"], "method": "redact"}),
    ("mask", {"code": "M", "columns": ["a.b.c"], "method": "redact", "params": {"keep_last": 4}}),
    ("mask", {"code": "M", "columns": ["a.b.c"], "method": "partial", "params": {"keep_last": -1}}),
    ("mask", {"code": "M", "columns": ["a.b.c"], "method": "partial", "params": {"keep_last": True}}),
    ("mask", {"code": "M", "columns": ["a.b.c"], "method": "partial", "params": {"keep_last": "4"}}),
    ("mask", {"code": "M", "columns": ["a.b.c"], "method": "hash"}),
    ("mask", {"code": "M", "columns": ["a.b.c"], "method": "tokenize", "params": {"key": ""}}),
    ("mask", {"code": "M", "columns": ["a.b.c"], "method": "tokenize", "params": {"key": "k", "check": "iban"}}),
    ("mask", {"code": "M", "columns": ["a.b.c"], "method": "tokenize", "params": {"key": "k", "tweak": ""}}),
    ("mask", {"code": "M", "columns": ["a.b.c"], "method": "tokenize", "params": {"key": "k", "tweak": "a\0b"}}),
    ("mask", {"code": "M", "columns": ["a.b.c"], "method": "tokenize", "params": {"key": "k", "keep_first": "6"}}),
    (
        "mask",
        {
            "code": "M",
            "columns": ["a.b"],
            "method": "tokenize",
            "params": {"key": "k", "check": "luhn", "keep_last": 4},
        },
    ),
    ("mask", {"code": "M", "columns": ["a.b.c"], "method": "hash", "params": {"key": "k", "tweak": "t"}}),
    ("limit", {"code": "L", "type": "rows"}),
    ("limit", {"code": "L", "type": "rows", "value": -1}),
    ("limit", {"code": "L", "type": "rows", "value": True}),
    ("limit", {"code": "L", "type": "rows", "value": "10"}),
    ("limit", {"code": "L", "type": "read_only", "value": False}),
    ("limit", {"code": "L", "type": "statement_timeout", "value": 30}),
    ("limit", {"code": "L", "type": "lock_timeout", "value": "30 s"}),
    ("limit", {"code": "L", "type": "notify", "value": []}),
    ("limit", {"code": "L", "type": "notify", "value": [1]}),
]


@pytest.mark.parametrize(("kind", "value"), RIGHT)
def test_a_right_shape_is_read_alike_from_a_result_and_from_a_head(kind: str, value: Any) -> None:
    assert read_result(RuleKind(kind), msgspec.msgpack.encode(value)) == check_result(RuleKind(kind), value)


@pytest.mark.parametrize(("kind", "value"), WRONG)
def test_a_wrong_shape_is_refused_by_both(kind: str, value: Any) -> None:
    with pytest.raises(ContractBroken):
        read_result(RuleKind(kind), msgspec.msgpack.encode(value))
    with pytest.raises(ContractBroken):
        check_result(RuleKind(kind), value)


@pytest.mark.parametrize("garbage", [b"", b"\xc1", b"\x81", b"\xa1\xff", b"\x81\xa4code\xa1\xff"])
def test_bytes_that_are_no_document_are_refused(garbage: bytes) -> None:
    with pytest.raises(ContractBroken):
        read_result(RuleKind.ALLOW, garbage)


@pytest.mark.parametrize(
    ("text", "expected"), [("500ms", 500), ("30s", 30_000), ("15m", 900_000), ("1h", 3_600_000), ("7d", 604_800_000)]
)
def test_durations(text: str, expected: int) -> None:
    assert milliseconds(text) == expected


@pytest.mark.parametrize("text", ["", "15", "m", "-1m", "1.5h", "15m ", "1w", "99999999999s", "١٥m"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ContractBroken):
        milliseconds(text)


def test_a_hold_waits_an_hour_unless_it_says_otherwise() -> None:
    hold = check_result(RuleKind.HOLD, {"code": "H", "approvers": {"groups": ["dba"]}})
    assert isinstance(hold, HoldResult)
    assert expiry_seconds(hold) == 3600
    assert hold.may_withdraw


def test_a_hold_of_less_than_a_second_waits_a_second() -> None:
    hold = check_result(RuleKind.HOLD, {"code": "H", "approvers": {"groups": ["dba"]}, "expires": "5ms"})
    assert isinstance(hold, HoldResult)
    assert expiry_seconds(hold) == 1


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("rows", 5, 5),
        ("statement_timeout", "2s", 2000),
        ("lock_timeout", "1m", 60_000),
        ("notify", "sec", ["sec"]),
        ("notify", ["b", "a", "b"], ["a", "b"]),
        ("record", True, True),
        ("record", "results", ["results"]),
        ("record", ["results", "best_effort"], ["best_effort", "results"]),
        ("record", ["results", "parameters", "results"], ["parameters", "results"]),
        ("rewrite_secret", True, True),
    ],
)
def test_limits_in_the_units_adapters_use(kind: str, value: Any, expected: Any) -> None:
    assert limit_value(LimitType(kind), value) == expected


def test_a_mask_and_a_limit_keep_what_they_say() -> None:
    mask = check_result(RuleKind.MASK, {"code": "M", "columns": ["pan"], "method": "null"})
    assert isinstance(mask, MaskResult)
    assert mask.columns == ("pan",)
    limit = check_result(RuleKind.LIMIT, {"code": "L", "type": "new", "value": [1]})
    assert isinstance(limit, LimitResult)
    assert limit.value == [1]
