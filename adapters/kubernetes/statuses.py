"""What a client reads when its request does not go on: `Status` objects, as the API server itself answers, so that kubectl prints them.

Data in, bytes out. The same objects go through the error streams of what was upgraded (`status`, `words`).
"""

from __future__ import annotations

import json

from adapters.core.ports import Answer, Refusal
from adapters.web.problems import LOGINS, NOT_ADMITTED, UNAVAILABLE
from adapters.web.problems import answer as written
from engine.decision import DenyKind, Reason

_OF_WIRE = {
    "head_too_long": 431,
    "incomplete_head": 431,
    "too_many_headers": 431,
    "method_refused": 405,
    "upgrade_refused": 400,
    "expect": 417,
    "transfer_encoding": 501,
    "impersonation": 403,
    "identity_header": 403,
    "body_too_long": 413,
}
_OF_WATCHES = {"SESSION_ENDED": 503, "MASK_UNPROVEN": 502}
_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    413: "RequestEntityTooLarge",
    422: "Invalid",
    429: "TooManyRequests",
    502: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


def status(code: int, message: str, *, cause: str = "", decision_id: str = "") -> bytes:
    """A `Status` object. `cause` is the stable code of what was in the way."""
    causes = [{"reason": cause, "message": message}] if cause else []
    causes += [{"reason": "SallyportDecision", "message": decision_id}] if decision_id else []
    said: dict[str, object] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": _REASONS.get(code, ""),
        "code": code,
    }
    if causes:
        said["details"] = {"causes": causes}
    return json.dumps(said, ensure_ascii=True).encode() + b"\n"


def ended_watch(code: str, message: str) -> bytes:
    """The event that ends a watch. WHY none where the API server is gone: clients resume then where they were, and behind an event list all anew."""
    number = _OF_WATCHES.get(code)
    return b'{"type": "ERROR", "object": %b}\n' % status(number, message, cause=code).strip() if number else b""


def exited(status: int) -> bytes:
    """The `Status` object of a command that ended with an exit status."""
    if status == 0:
        return b'{"metadata":{},"status":"Success"}\n'
    message = f"command terminated with non-zero exit code: exit status {status}"
    said = {
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(status)}]},
    }
    return json.dumps(said).encode() + b"\n"


def words(answer: Answer) -> str:
    """Why a command is denied, in one line: the reason, the rule, what to do, the number in the audit."""
    first = _first(answer)
    rule = f" [{first.rule}]" if first.rule else f" [{first.code}]"
    hint = f"; {first.hint}" if first.hint else ""
    told = f"; decision {answer.decision_id}" if answer.decision_id else ""
    return f"{first.reason or 'this is denied'}{rule}{hint}{told}"


def waiting(answer: Answer) -> str:
    """What somebody reads whose command waits."""
    link = f" ({answer.link})" if answer.link else ""
    return f"sallyport: {_first(answer).reason or 'this waits for an approval'}; waiting for an approval, ticket {answer.ticket}{link}\n"


def _first(answer: Answer) -> Reason:
    return answer.decision.reasons[0] if answer.decision.reasons else Reason("", "deny", "DENIED", "this is denied")


def message_in(answer: bytes) -> str:
    """What an answer of the API server says in words, as far as it is a `Status`."""
    _, _, body = answer.partition(b"\r\n\r\n")
    start, end = body.find(b"{"), body.rfind(b"}")
    try:
        said = json.loads(body[start : end + 1])
    except ValueError:
        said = None
    message = said.get("message") if isinstance(said, dict) else None
    return f"the API server: {message[:2000]}" if isinstance(message, str) else "the API server refused"


def code_of(answer: Answer) -> int:
    """The status of a denial."""
    if answer.decision.deny_kind in UNAVAILABLE:
        return 503
    return 401 if answer.decision.deny_kind is DenyKind.NOT_AUTHENTICATED else 403


def not_read(code: str, message: str, *, is_head: bool = False, decision_id: str = "") -> bytes:
    """For a request that could be read in two ways, or that asks for what is not done here. The connection ends."""
    number = _OF_WIRE.get(code, 400)
    return _answer(number, status(number, message, cause=code, decision_id=decision_id), closes=True, is_head=is_head)


def not_admitted(refusal: Refusal, *, is_head: bool) -> bytes:
    """For who is not let in."""
    number = LOGINS.get(refusal.code, NOT_ADMITTED)[0]
    is_unknown = refusal.code == "28P01"
    message = "Unauthorized: a valid token or client certificate is needed" if is_unknown else refusal.message
    return _answer(number, status(number, message), closes=True, is_head=is_head)


def denied(answer: Answer, *, closes: bool, is_head: bool) -> bytes:
    """For a request that the gate denied."""
    number = code_of(answer)
    body = status(number, words(answer), cause=_first(answer).code, decision_id=answer.decision_id)
    return _answer(number, body, closes=closes, is_head=is_head, decision_id=answer.decision_id)


def not_done(answer: Answer, number: int, code: str, message: str, *, closes: bool, is_head: bool) -> bytes:
    """For a request that was granted, or held, and still does not go on."""
    body = status(number, message, cause=code, decision_id=answer.decision_id)
    return _answer(number, body, closes=closes, is_head=is_head, decision_id=answer.decision_id)


def come_again(answer: Answer, *, closes: bool, is_head: bool) -> bytes:
    """For a client that does not wait: the same request, sent again once approved, goes on."""
    body = status(202, f"held, ticket {answer.ticket}: {_first(answer).reason}", decision_id=answer.decision_id)
    return _answer(202, body, closes=closes, is_head=is_head, decision_id=answer.decision_id)


def too_slow() -> bytes:
    """For who does not send in time what they began."""
    return _answer(408, status(408, "the rest of the request did not come in time"), closes=True, is_head=False)


def _answer(number: int, body: bytes, *, closes: bool, is_head: bool, decision_id: str = "") -> bytes:
    headers = [("sallyport-decision", decision_id)] if decision_id else []
    return written(number, "application/json", body, closes=closes, headers=headers, is_head=is_head)


def keep_waiting(answer: Answer) -> tuple[bytes, float | None]:
    """Nothing: who waits for an approval just waits."""
    return b"", None
