"""What a client of gRPC reads."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from adapters.core.ports import Answer, Refusal
from adapters.http.calls import CallRefusals, Status
from engine.decision import Decision, DenyKind, Reason, Verdict

SAY = CallRefusals()


def read(made: bytes) -> tuple[Status, str, dict[str, str]]:
    """The status, the words, and every header."""
    head, _, body = made.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == b""
    fields = dict(line.split(": ", 1) for line in head.decode("ascii").split("\r\n")[1:])
    assert (fields["content-type"], fields["content-length"]) == ("application/grpc", "0")
    return Status(int(fields["grpc-status"])), unquote(fields["grpc-message"]), fields


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (DenyKind.RULE, Status.PERMISSION_DENIED),
        (DenyKind.NOT_AUTHENTICATED, Status.UNAUTHENTICATED),
        (DenyKind.AUDIT_UNAVAILABLE, Status.UNAVAILABLE),
    ],
)
def test_a_denial_says_why_in_a_header_that_anybody_reads(kind: DenyKind, status: Status) -> None:
    reason = Reason("r", "deny", "NO", "nicht für 100%\r\nx: y", hint="ask")
    answer = Answer(Decision(Verdict.DENY, kind, (reason,)), "d-1")
    got, words, fields = read(SAY.denied(answer, closes=True, is_head=False))
    assert (got, words) == (status, "NO: nicht für 100%\r\nx: y; ask")
    assert (fields["sallyport-decision"], fields["connection"]) == ("d-1", "close")


def test_a_denial_without_a_reason_is_one() -> None:
    answer = Answer(Decision(Verdict.DENY, DenyKind.RULE), "")
    got, words, fields = read(SAY.denied(answer, closes=False, is_head=False))
    assert (got, words) == (Status.PERMISSION_DENIED, "DENIED: this is denied")
    assert "sallyport-decision" not in fields
    assert "connection" not in fields


@pytest.mark.parametrize(
    ("http", "code", "status"),
    [
        (413, "TOO_LONG_TO_APPROVE", Status.FAILED_PRECONDITION),
        (502, "MASK_UNPROVEN", Status.PERMISSION_DENIED),
        (403, "OBLIGATION", Status.PERMISSION_DENIED),
        (502, "TARGET_UNREACHABLE", Status.UNAVAILABLE),
        (502, "BAD_ANSWER", Status.INTERNAL),
        (503, "SESSION_ENDED", Status.UNAVAILABLE),
        (504, "TARGET_SLOW", Status.DEADLINE_EXCEEDED),
        (418, "ELSE", Status.UNKNOWN),
    ],
)
def test_what_may_have_run_is_not_said_to_be_worth_another_try(http: int, code: str, status: Status) -> None:
    answer = Answer(Decision(Verdict.ALLOW, None), "d-1")
    assert read(SAY.not_done(answer, http, code, "why", closes=True, is_head=False))[:2] == (status, f"{code}: why")


def test_the_rest_has_its_status() -> None:
    assert read(SAY.not_read("chunk", "why", decision_id="d-1"))[:2] == (Status.INVALID_ARGUMENT, "CHUNK: why")
    assert read(SAY.too_slow())[0] is Status.DEADLINE_EXCEEDED
    held = Answer(Decision(Verdict.HOLD, None), "d-1", ticket="t-7")
    got, words, _ = read(SAY.come_again(held, closes=False, is_head=False))
    assert got is Status.UNAVAILABLE
    assert "ticket t-7" in words
    assert SAY.keep_waiting(held) == (b"", None)
    assert SAY.not_admitted(Refusal("28P01", "why"), is_head=False).startswith(b"HTTP/1.1 401 ")
