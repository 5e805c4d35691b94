"""What a client reads when its request does not go on: which status, which code, in which words. Data in, bytes out."""

from __future__ import annotations

from adapters.core.ports import Answer, Refusal
from adapters.web.problems import LOGINS, NOT_ADMITTED, UNAVAILABLE, problem
from engine.decision import DenyKind, Reason

REALM = 'Bearer realm="sallyport"'
RETRY_SECONDS = "5"
_OF_WIRE = {
    "head_too_long": 431,
    "incomplete_head": 431,
    "too_many_headers": 431,
    "method_refused": 405,
    "upgrade_refused": 501,
    "origin_differs": 403,
    "destination_inside": 403,
    "destination_port": 403,
    "destination_unknown": 502,
    "no_proxy": 403,
    "expect": 417,
    "transfer_encoding": 501,
}


def not_read(code: str, message: str, *, is_head: bool = False, decision_id: str = "") -> bytes:
    """For a request that could be read in two ways, or that asks for what is not done here. The connection ends."""
    status = _OF_WIRE.get(code, 400)
    more = {"decision": decision_id} if decision_id else None
    headers = [("allow", "GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE")] if status == 405 else []
    return problem(status, code.upper(), message, closes=True, more=more, headers=headers, is_head=is_head)


def not_admitted(refusal: Refusal, *, is_head: bool) -> bytes:
    """For who is not let in."""
    status, code = LOGINS.get(refusal.code, NOT_ADMITTED)
    is_unknown = code == "NOT_AUTHENTICATED"
    message = "a valid token is needed: `Authorization: Bearer TOKEN`" if is_unknown else refusal.message
    headers = [("www-authenticate", REALM)] if status == 401 else []
    headers += [("retry-after", RETRY_SECONDS)] if status in (429, 503) else []
    return problem(status, code, message, closes=True, headers=headers, is_head=is_head)


def denied(answer: Answer, *, closes: bool, is_head: bool) -> bytes:
    """For a request that the gate denied."""
    decision = answer.decision
    status = 403
    if decision.deny_kind in UNAVAILABLE:
        status = 503
    elif decision.deny_kind is DenyKind.NOT_AUTHENTICATED:
        status = 401
    reasons = decision.reasons or (Reason("", "deny", "DENIED", "this is denied"),)
    first = reasons[0]
    more: dict[str, object] = {"decision": answer.decision_id, "rule": first.rule}
    if first.hint:
        more["hint"] = first.hint
    if len(reasons) > 1:
        more["reasons"] = [{"rule": one.rule, "code": one.code, "detail": one.reason} for one in reasons]
    headers = _decision(answer) + ([("www-authenticate", REALM)] if status == 401 else [])
    words = first.reason or "this is denied"
    return problem(status, first.code, words, closes=closes, more=more, headers=headers, is_head=is_head)


def not_done(answer: Answer, status: int, code: str, message: str, *, closes: bool, is_head: bool) -> bytes:
    """For a request that was granted, or held, and still does not go on."""
    more = {"decision": answer.decision_id}
    return problem(status, code, message, closes=closes, more=more, headers=_decision(answer), is_head=is_head)


def come_again(answer: Answer, *, closes: bool, is_head: bool) -> bytes:
    """202 for a client that does not wait: the same request, sent again once approved, goes on."""
    first = answer.decision.reasons[0] if answer.decision.reasons else Reason("", "hold", "HELD")
    return problem(
        202,
        "HELD",
        first.reason or "this waits for an approval",
        closes=closes,
        more={
            "ticket": answer.ticket,
            "link": answer.link,
            "rule": first.rule,
            "hint": "send the same request again when it is approved",
            "decision": answer.decision_id,
        },
        headers=[("retry-after", RETRY_SECONDS), ("preference-applied", "respond-async"), *_decision(answer)],
        is_head=is_head,
    )


def _decision(answer: Answer) -> list[tuple[str, str]]:
    return [("sallyport-decision", answer.decision_id)] if answer.decision_id else []


def too_slow() -> bytes:
    """For who does not send in time what they began."""
    return problem(408, "TOO_SLOW", "the rest of the request did not come in time", closes=True)


def keep_waiting(answer: Answer) -> tuple[bytes, float | None]:
    """Nothing: who waits for an approval just waits."""
    return b"", None
