"""What lower layers' errors mean for a caller."""

from __future__ import annotations

import grpc
import pytest

from engine.errors import EngineError, InputInvalid
from gateway.errors import ApprovalConflict, AuditUnavailable, GatewayError, StoreUnavailable
from gateway.rpc.refusals import Cause, bad_input, refusal_of, too_large


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ApprovalConflict("x", code="TICKET_UNKNOWN"), grpc.StatusCode.NOT_FOUND, "TICKET_UNKNOWN"),
        (ApprovalConflict("x", code="NOT_APPROVER"), grpc.StatusCode.PERMISSION_DENIED, "NOT_APPROVER"),
        (ApprovalConflict("x", code="OWN_REQUEST"), grpc.StatusCode.PERMISSION_DENIED, "OWN_REQUEST"),
        (ApprovalConflict("x", code="TICKET_CLOSED"), grpc.StatusCode.FAILED_PRECONDITION, "TICKET_CLOSED"),
        (AuditUnavailable("x"), grpc.StatusCode.UNAVAILABLE, "AUDIT_UNAVAILABLE"),
        (StoreUnavailable("x"), grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE"),
        (GatewayError("x"), grpc.StatusCode.UNAVAILABLE, "GATEWAY"),
        (InputInvalid("x"), grpc.StatusCode.INVALID_ARGUMENT, "INPUT_INVALID"),
        (bad_input("x"), grpc.StatusCode.INVALID_ARGUMENT, "INPUT_INVALID"),
        (too_large("x", 2, 1), grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_LARGE"),
    ],
)
def test_each_error_has_a_status_and_keeps_its_code(
    error: GatewayError | EngineError, status: grpc.StatusCode, code: str
) -> None:
    refusal = refusal_of(error)
    assert refusal.cause.value is status
    assert refusal.code == code


def test_what_speaks_of_our_own_files_is_not_told() -> None:
    for error in (
        AuditUnavailable("/var/lib/x is full"),
        StoreUnavailable("postgresql://u:p@h"),
        GatewayError("secret"),
    ):
        assert str(refusal_of(error)) in (
            "the service cannot answer now; its log says why",
            "the service cannot answer; its log says why",
        )


def test_no_cause_is_a_status_that_hides_what_happened() -> None:
    assert not {cause.value for cause in Cause} & {
        grpc.StatusCode.OK,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.INTERNAL,
    }
