"""Answers of our own, as `application/problem+json` (RFC 9457): what a client reads when a request does not go on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from engine.decision import DenyKind

TYPE = "urn:sallyport:problem:"
"""What the `type` of every problem begins with; its stable code follows."""

LOGINS = {
    "28P01": (401, "NOT_AUTHENTICATED"),
    "28001": (401, "TOKEN_REFUSED"),
    "28000": (429, "TOO_MANY_LOGINS"),
    "3D000": (404, "NO_RESOURCE"),
    "53300": (429, "TOO_MANY_CONNECTIONS"),
}
"""Why somebody is not let in (the code of a `Refusal`): the status and code of it over HTTP. Any other is `NOT_ADMITTED`."""
NOT_ADMITTED = (503, "NOT_AVAILABLE")
UNAVAILABLE = frozenset(
    {DenyKind.AUDIT_UNAVAILABLE, DenyKind.STALE_POLICY, DenyKind.INTERNAL, DenyKind.TIMEOUT, DenyKind.EVAL_ERROR}
)
"""Denials that say nothing of the request: nobody could decide, or record it. A 503."""


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    closes: bool,
    more: Mapping[str, object] | None = None,
    headers: Sequence[tuple[str, str]] = (),
    is_head: bool = False,
) -> bytes:
    """The whole answer. `closes`: nothing comes after it. `is_head`: asked by HEAD, so the body is left out."""
    said = {"type": TYPE + code.lower().replace("_", "-"), "title": _title(status), "status": status, "code": code}
    body = json.dumps({**said, "detail": detail, **(more or {})}, ensure_ascii=True).encode() + b"\n"
    return answer(status, "application/problem+json", body, closes=closes, headers=headers, is_head=is_head)


def answer(
    status: int,
    content_type: str,
    body: bytes,
    *,
    closes: bool,
    headers: Sequence[tuple[str, str]] = (),
    is_head: bool = False,
) -> bytes:
    """An answer with a body of ours. Header values lose what could end a line."""
    lines = [f"HTTP/1.1 {status} {_title(status)}", f"content-type: {content_type}", f"content-length: {len(body)}"]
    lines += [f"{name}: {_plain(value)}" for name, value in headers]
    lines += ["cache-control: no-store", "x-content-type-options: nosniff"]
    if closes:
        lines.append("connection: close")
    return "\r\n".join((*lines, "", "")).encode("latin-1", "replace") + (b"" if is_head else body)


def _title(status: int) -> str:
    return HTTPStatus(status).phrase


def _plain(value: str) -> str:
    return "".join(char if " " <= char <= "~" else "?" for char in value)
