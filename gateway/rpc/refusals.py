"""Why a call was refused before or instead of a decision, and the gRPC status that says so.

A denied command is no refusal: it is an answer. Messages name what, where and what to do; never a secret, never more of
the caller's bytes than a field's name.
"""

from __future__ import annotations

from enum import Enum
from typing import assert_never

import grpc

from engine.errors import EngineError
from gateway.errors import (
    ApprovalConflict,
    AuditUnavailable,
    GatewayError,
    PolicyUnusable,
    RecordingBroken,
    SessionUnknown,
    StoreUnavailable,
)
from gateway.identity.rates import CODE, TOLD, Over, Rates


class Cause(Enum):
    """What kind of refusal. The value is the status callers see."""

    BAD_INPUT = grpc.StatusCode.INVALID_ARGUMENT
    TOO_LARGE = grpc.StatusCode.RESOURCE_EXHAUSTED
    UNKNOWN_CALLER = grpc.StatusCode.UNAUTHENTICATED
    NOT_PERMITTED = grpc.StatusCode.PERMISSION_DENIED
    NOT_FOUND = grpc.StatusCode.NOT_FOUND
    ID_TAKEN = grpc.StatusCode.ALREADY_EXISTS
    WRONG_STATE = grpc.StatusCode.FAILED_PRECONDITION
    UNKNOWN_METHOD = grpc.StatusCode.UNIMPLEMENTED
    NOT_NOW = grpc.StatusCode.UNAVAILABLE


class CallRefused(GatewayError):
    """A call that gets a status instead of an answer. `code` is stable."""

    def __init__(self, cause: Cause, code: str, message: str, over: Over | None = None) -> None:
        """`over`: for how long to wait, where somebody asks too often."""
        super().__init__(message, code=code)
        self.cause = cause
        self.over = over


def bad_input(message: str, *, code: str = "INPUT_INVALID") -> CallRefused:
    """The message does not say what it should."""
    return CallRefused(Cause.BAD_INPUT, code, message)


def too_large(what: str, size: int, limit: int) -> CallRefused:
    """More than a named limit."""
    return CallRefused(Cause.TOO_LARGE, "TOO_LARGE", f"{what}: {size} is more than the limit of {limit}")


def check_rate(rates: Rates, principal: str) -> None:
    """Raises CallRefused when somebody asks too often."""
    over = rates.take(principal)
    if over is not None:
        raise CallRefused(Cause.TOO_LARGE, CODE, TOLD, over)


_OF_TICKETS = {
    "TICKET_UNKNOWN": Cause.NOT_FOUND,
    "NOT_APPROVER": Cause.NOT_PERMITTED,
    "OWN_REQUEST": Cause.NOT_PERMITTED,
    "NOT_REQUESTER": Cause.NOT_PERMITTED,
}


def refusal_of(error: GatewayError | EngineError) -> CallRefused:
    """The refusal that an error of a lower layer means for a caller."""
    match error:
        case CallRefused():
            return error
        case ApprovalConflict():
            return CallRefused(_OF_TICKETS.get(error.code, Cause.WRONG_STATE), error.code, str(error))
        case SessionUnknown():
            return CallRefused(Cause.NOT_FOUND, error.code, str(error))
        case RecordingBroken():
            # WHY always the same: a file that is there and cannot be read is for the log, not for the caller.
            return CallRefused(Cause.NOT_FOUND, "NO_RECORDING", "there is no such recording here")
        case AuditUnavailable() | StoreUnavailable() | PolicyUnusable():
            # WHY: these messages speak of our files and database, which are not the caller's.
            return CallRefused(Cause.NOT_NOW, error.code, "the service cannot answer now; its log says why")
        case GatewayError():
            return CallRefused(Cause.NOT_NOW, error.code, "the service cannot answer; its log says why")
        case EngineError():
            return bad_input(str(error), code=error.code)
        case _:
            assert_never(error)
