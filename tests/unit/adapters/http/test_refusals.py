"""What clients read."""

from __future__ import annotations

import json

import pytest

from adapters.core.ports import Answer, Refusal
from adapters.http import refusals
from engine.decision import Decision, DenyKind, Reason, Verdict


def read(made: bytes) -> tuple[int, str, dict[str, object]]:
    head, _, body = made.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode(), json.loads(body) if body else {}


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("28P01", 401, "NOT_AUTHENTICATED"),
        ("28000", 429, "TOO_MANY_LOGINS"),
        ("3D000", 404, "NO_RESOURCE"),
        ("57P03", 503, "NOT_AVAILABLE"),
    ],
)
def test_who_is_not_let_in_reads_why(code: str, status: int, said: str) -> None:
    got, head, body = read(refusals.not_admitted(Refusal(code, "why"), is_head=False))
    assert (got, body["code"]) == (status, said)
    assert ("www-authenticate" in head) == (status == 401)
    assert "connection: close" in head


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("folded_header", 400),
        ("head_too_long", 431),
        ("method_refused", 405),
        ("upgrade_refused", 501),
        ("expect", 417),
    ],
)
def test_what_was_not_read_has_its_status(code: str, status: int) -> None:
    got, head, body = read(refusals.not_read(code, "why", decision_id="d-1"))
    assert (got, body["code"], body["decision"]) == (status, code.upper(), "d-1")
    assert ("allow:" in head) == (status == 405)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (DenyKind.RULE, 403),
        (DenyKind.NO_MATCH, 403),
        (DenyKind.STALE_POLICY, 503),
        (DenyKind.AUDIT_UNAVAILABLE, 503),
        (DenyKind.NOT_AUTHENTICATED, 401),
    ],
)
def test_a_denial_has_its_status_reason_and_number(kind: DenyKind, status: int) -> None:
    reasons = (Reason("a/B", "deny", "B", "because", hint="do so"), Reason("a/C", "deny", "C", "and"))
    got, head, body = read(
        refusals.denied(Answer(Decision(Verdict.DENY, kind, reasons), "d-7"), closes=False, is_head=False)
    )
    assert got == status
    assert (body["code"], body["detail"], body["hint"], body["decision"], body["rule"]) == (
        "B",
        "because",
        "do so",
        "d-7",
        "a/B",
    )
    assert "sallyport-decision: d-7" in head
    assert [one["code"] for one in body["reasons"]] == ["B", "C"]  # type: ignore[index,attr-defined]  # a list of objects


def test_a_denial_without_reasons_is_one_still() -> None:
    assert read(refusals.denied(Answer(Decision(), ""), closes=True, is_head=False))[2]["code"] == "DENIED"


def test_who_does_not_wait_reads_where_it_stands() -> None:
    answer = Answer(
        Decision(Verdict.HOLD, None, (Reason("a/H", "hold", "H", "looked at"),)), "d-1", "t-1", "https://x/t-1"
    )
    status, head, body = read(refusals.come_again(answer, closes=False, is_head=False))
    assert (status, body["ticket"], body["link"]) == (202, "t-1", "https://x/t-1")
    assert "retry-after" in head


def test_other_answers_name_the_decision() -> None:
    assert (
        read(refusals.not_done(Answer(Decision(), "d-1"), 502, "X", "y", closes=True, is_head=False))[2]["decision"]
        == "d-1"
    )
    assert read(refusals.too_slow())[0] == 408
