"""What a client of gRPC reads when its call does not go on: a status and words of gRPC, in a head alone (`Trailers-Only`). Data in, bytes out.

The other half of `refusals`, for calls that are judged: whoever is not let in, and what cannot be read, is told in HTTP, which
clients of gRPC turn to a status themselves.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from adapters.core.ports import Answer, Refusal
from adapters.http import refusals
from adapters.web.problems import UNAVAILABLE, answer
from engine.decision import DenyKind, Reason


class Status(IntEnum):
    """The statuses that are said here."""

    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    PERMISSION_DENIED = 7
    FAILED_PRECONDITION = 9
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


_OF_CODES: Final = {
    "TOO_LONG_TO_APPROVE": Status.FAILED_PRECONDITION,
    "MASK_UNPROVEN": Status.PERMISSION_DENIED,
    "TARGET_UNREACHABLE": Status.UNAVAILABLE,
    "NO_HTTP2": Status.UNAVAILABLE,
}
_OF_STATUSES: Final = {
    403: Status.PERMISSION_DENIED,
    502: Status.INTERNAL,
    503: Status.UNAVAILABLE,
    504: Status.DEADLINE_EXCEEDED,
}
"""WHY 502 is not `UNAVAILABLE`: the call may have run, and that one is sent again by many clients of their own accord."""


class CallRefusals:
    """Satisfies `session.manners.Refusals`."""

    def not_read(self, code: str, message: str, *, is_head: bool = False, decision_id: str = "") -> bytes:
        """For a call that can be read in two ways."""
        return _said(Status.INVALID_ARGUMENT, code.upper(), message, decision_id, closes=True)

    def not_admitted(self, refusal: Refusal, *, is_head: bool) -> bytes:
        """For who is not let in: in HTTP."""
        return refusals.not_admitted(refusal, is_head=is_head)

    def denied(self, answer: Answer, *, closes: bool, is_head: bool) -> bytes:
        """For a call that the gate denied."""
        kind = answer.decision.deny_kind
        status = Status.UNAVAILABLE if kind in UNAVAILABLE else Status.PERMISSION_DENIED
        if kind is DenyKind.NOT_AUTHENTICATED:
            status = Status.UNAUTHENTICATED
        first = (answer.decision.reasons or (Reason("", "deny", "DENIED", "this is denied"),))[0]
        words = first.reason or "this is denied"
        return _said(
            status, first.code, f"{words}; {first.hint}" if first.hint else words, answer.decision_id, closes=closes
        )

    def not_done(self, answer: Answer, status: int, code: str, message: str, *, closes: bool, is_head: bool) -> bytes:
        """For a call that was granted, or held, and still does not go on."""
        found = _OF_CODES.get(code, _OF_STATUSES.get(status, Status.UNKNOWN))
        return _said(found, code, message, answer.decision_id, closes=closes)

    def come_again(self, answer: Answer, *, closes: bool, is_head: bool) -> bytes:
        """For a client that does not wait: the same call goes on once it is approved."""
        words = f"this waits for an approval, ticket {answer.ticket}; make the same call again when it is approved"
        return _said(Status.UNAVAILABLE, "HELD", words, answer.decision_id, closes=closes)

    def too_slow(self) -> bytes:
        """For who does not send in time what they began."""
        return _said(Status.DEADLINE_EXCEEDED, "TOO_SLOW", "the rest of the call did not come in time", "", closes=True)

    def keep_waiting(self, answer: Answer) -> tuple[bytes, float | None]:
        """Nothing: who waits for an approval just waits."""
        return b"", None


def _said(status: Status, code: str, words: str, decision_id: str, *, closes: bool) -> bytes:
    headers = [("grpc-status", str(int(status))), ("grpc-message", _encoded(f"{code}: {words}"))]
    headers += [("sallyport-decision", decision_id)] if decision_id else []
    return answer(200, "application/grpc", b"", closes=closes, headers=headers)


def _encoded(words: str) -> str:
    """As gRPC writes a message in a header: bytes of UTF-8, those that are no printable ASCII, and `%`, escaped."""
    return "".join(chr(byte) if 0x20 <= byte <= 0x7E and byte != 0x25 else f"%{byte:02X}" for byte in words.encode())
