"""The handshake of WebSocket (RFC 6455, 4): what a request must say, what of it goes on and is judged, what the target must answer.

INVARIANT: no extension goes on. `permessage-deflate` would hide what is said from whoever masks it.
"""

from __future__ import annotations

import base64
import re
from dataclasses import replace

from adapters.web.requests import Forward
from adapters.web.responses import AnswerHead
from adapters.web.websocket.frames import accept_of, is_key
from engine.command.documents.refusal import Refused
from engine.command.http.wire import WireRequest

KEY, PROTOCOL, EXTENSIONS = "sec-websocket-key", "sec-websocket-protocol", "sec-websocket-extensions"
OURS = "sallyport"
"""The subprotocol with which a page is answered whose target chose none: browsers want one of those they offered."""
BEARER = f"{OURS}.bearer."
"""What stands before the token (in base64url) in a subprotocol: pages cannot set a header."""

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,200}")
_MAX_OFFERS = 32


def is_asked(head: WireRequest) -> bool:
    """Whether a request wants its connection to become a WebSocket."""
    return (head.value("upgrade") or "").lower() == "websocket"


def check(head: WireRequest, *, is_ours: bool = True) -> None:
    """Refuse what is no handshake, or one that a strange page may have sent for somebody. Raises Refused.

    `is_ours`: who may ask is known here, by a token in it.
    """
    options = {option.strip().lower() for value in head.values("connection") for option in value.split(",")}
    if head.method != "GET" or head.version != "1.1" or "upgrade" not in options:
        raise Refused("websocket_handshake", "WebSocket is asked for with GET, HTTP/1.1 and `Connection: Upgrade`")
    if head.value("sec-websocket-version") != "13" or not is_key(head.value(KEY) or ""):
        raise Refused("websocket_handshake", "this is no handshake of WebSocket 13")
    if head.values("transfer-encoding") or head.value("content-length") not in (None, "0"):
        raise Refused("websocket_handshake", "a handshake has no body")
    if head.values("expect"):
        raise Refused("websocket_handshake", "a handshake expects nothing but to be answered")
    offers = _offers(head)
    if len(offers) > _MAX_OFFERS or len(set(offers)) < len(offers) or not all(map(_NAME.fullmatch, _others(offers))):
        raise Refused("websocket_handshake", "the subprotocols are not different plain names, or they are too many")
    if token_in(head) is None and any(offer.startswith(BEARER) for offer in offers):
        raise Refused("websocket_handshake", f"what stands behind `{BEARER}` is no token in base64url")
    if is_ours:
        _check_origin(head)


def _check_origin(head: WireRequest) -> None:
    # WHY: a browser sends a remembered password or certificate whichever page asks, and no rule of it keeps a page from reading.
    origin, said = head.value("origin"), head.value("authorization")
    is_of_the_page = token_in(head) is not None if said is None else said.lower().startswith("bearer ")
    if origin is None or is_of_the_page:
        return
    if origin.lower().partition("://")[2] != (head.value("host") or "").lower():
        raise Refused(
            "origin_differs", "the page that asks for a WebSocket is not from here and brings no token of its own"
        )


def token_in(head: WireRequest) -> str | None:
    """The token among the subprotocols; None where there is none that can be read."""
    found = [offer.removeprefix(BEARER) for offer in _offers(head) if offer.startswith(BEARER)]
    if len(found) != 1 or not found[0]:
        return None
    try:
        return base64.b64decode(found[0] + "=" * (-len(found[0]) % 4), altchars=b"-_", validate=True).decode("ascii")
    except ValueError:
        return None


def forward(request: Forward, head: WireRequest) -> Forward:
    """The request as it is judged and goes on: without key, extensions and token."""
    asked = [("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13")]
    offers = _others(_offers(head))
    if offers:
        asked.append((PROTOCOL, ", ".join(offers)))
    return replace(request, headers=(*request.headers, *asked))


def is_agreed(answer: AnswerHead, head: WireRequest) -> bool:
    """Whether a target that switches protocols switches to what it was asked for."""
    chosen = [value.decode("latin-1") for value in answer.values(b"sec-websocket-protocol")]
    return (
        answer.values(b"sec-websocket-accept") == [accept_of(head.value(KEY) or "").encode()]
        and [value.lower() for value in answer.values(b"upgrade")] == [b"websocket"]
        and not [value for value in answer.values(b"sec-websocket-extensions") if value]
        and (not chosen or (len(chosen) == 1 and chosen[0] in _others(_offers(head))))
    )


def switched(answer: AnswerHead, head: WireRequest, more: list[tuple[str, str]]) -> bytes:
    """The answer that switches the client. Of the target's headers none goes on but the subprotocol it chose."""
    chosen = [value.decode("latin-1") for value in answer.values(b"sec-websocket-protocol")]
    if not chosen and OURS in _offers(head):
        chosen = [OURS]
    lines = ["HTTP/1.1 101 Switching Protocols", "upgrade: websocket", "connection: Upgrade"]
    lines += [f"sec-websocket-accept: {accept_of(head.value(KEY) or '')}"]
    lines += [f"{PROTOCOL}: {one}" for one in chosen]
    lines += [f"{name}: {value}" for name, value in more]
    return "\r\n".join((*lines, "", "")).encode("latin-1")


def _offers(head: WireRequest) -> list[str]:
    return [one.strip() for value in head.values(PROTOCOL) for one in value.split(",")]


def _others(offers: list[str]) -> list[str]:
    """The subprotocols that are not ours."""
    return [one for one in offers if one != OURS and not one.startswith(BEARER)]
