"""What we ask about a request: whose it is, what of it goes on, in which words it is judged, what the target wants to see.

INVARIANT: the text that is judged and the bytes that go to the target are made from the same `Forward`; they differ only in
the credential, in the host before a target that a proxy is asked for, in how the body is framed when it was too long to be read, in
`connection`, and in conditions and ranges that nobody may ask about what is masked (`unconditional`).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import replace

from adapters.core.ports import Target
from adapters.errors import LocalProtocolError
from adapters.web.bodies import Lines, chunk, last_chunk
from adapters.web.requests import Forward
from adapters.web.websocket import handshake
from engine.command.documents.refusal import Refused
from engine.command.http.parse import UNREAD
from engine.command.http.path import canonical_query
from engine.command.http.signs import FORWARDING, REWRITING
from engine.command.http.target import Where
from engine.command.http.wire import WireRequest, read_trailers

MAX_TOKEN = 8_192
"""Bytes of a token; those of OpenID providers are some thousands long."""

_BEARER = re.compile(r"bearer +([A-Za-z0-9\-._~+/]+=*)", re.IGNORECASE)
_BASIC = re.compile(r"basic +([A-Za-z0-9+/]+=*)", re.IGNORECASE)
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_OPTIONS = frozenset({"close", "keep-alive", "te"})
_FOR_THIS_HOP = frozenset(
    {
        *("connection", "keep-alive", "proxy-connection", "proxy-authorization", "te", "trailer", "transfer-encoding"),
        *("upgrade", "expect", "host", "content-length", "authorization", "accept-encoding", "via", "max-forwards"),
    }
)
_OF_THIS_CONNECTION = ("x-forwarded-", "sec-websocket-")
_OURS = "sallyport-"
_CONDITIONS = frozenset(
    {
        "if-match",
        "if-none-match",
        "if-modified-since",
        "if-unmodified-since",
        "if-range",
        "range",
        "request-range",
        "a-im",
    }
)
_OF_CONTENT = ("if-match", "if-none-match")
_CHUNKED = ("transfer-encoding", "chunked")
_DEFAULT_PORTS = {True: 443, False: 80}


def token_of(head: WireRequest, header: str = "authorization") -> str | None:
    """The token a request brings: as a bearer's, as the password of anybody, or to a WebSocket as pages can. None when there is none."""
    value = head.value(header)
    if value is None and header == "authorization" and handshake.is_asked(head):
        token = handshake.token_in(head)
        return None if token is None else token[:MAX_TOKEN]
    if value is None or len(value) > 2 * MAX_TOKEN:
        return None
    found = _BEARER.fullmatch(value)
    if found is not None:
        return found[1][:MAX_TOKEN]
    found = _BASIC.fullmatch(value)
    if found is None:
        return None
    try:
        _, colon, password = base64.b64decode(found[1], validate=True).decode().partition(":")
    except ValueError:
        return None
    return password[:MAX_TOKEN] if colon and password else None


def check_hop(head: WireRequest, *, may_upgrade: bool = False, may_connect: bool = False) -> None:
    """Refuse what a request asks of this connection and is not done here. Raises Refused."""
    if head.method in ("TRACE", "TRACK") or (head.method == "CONNECT" and not may_connect):
        raise Refused("method_refused", f"{head.method} is not done here")
    if head.values("upgrade") and not may_upgrade:
        raise Refused("upgrade_refused", "the connection is not upgraded: what came after would not be judged")
    options = {option.strip().lower() for value in head.values("connection") for option in value.split(",")}
    if not options - {""} <= (_OPTIONS | {"upgrade"} if may_upgrade else _OPTIONS):
        raise Refused(
            "connection_header", "Connection may say `close`, `keep-alive` and `te`; it names no other header"
        )
    if any(value.lower() not in ("", "trailers") for value in head.values("te")):
        raise Refused("te", "TE may say `trailers` only")
    if head.version == "1.1" and not head.values("host"):
        raise Refused("no_host", "the request says no Host")
    _check_names(head.headers)


def _check_names(headers: Lines) -> None:
    for name, _ in headers:
        if name.startswith(_OURS):
            raise Refused("reserved_header", f"headers that begin with `{_OURS}` are the gateway's own")
        if "_" in name:
            raise Refused("underscore_header", f"the header `{name[:60]}` has an underscore, a hyphen to some servers")
        if name in REWRITING:
            raise Refused("rewriting_header", f"the header `{name}` asks some servers for another path")


def is_last(head: WireRequest) -> bool:
    """Whether the connection ends after this request: as the client wants, or because it wanted to speak something else on it."""
    options = {option.strip().lower() for value in head.values("connection") for option in value.split(",")}
    return bool(options & {"close", "upgrade"}) or (head.version == "1.0" and "keep-alive" not in options)


def wants_no_wait(head: WireRequest) -> bool:
    """Whether a client rather comes again than waits for an approval (RFC 7240)."""
    preferences = {word.strip().lower() for value in head.values("prefer") for word in re.split("[,;]", value)}
    return "respond-async" in preferences


def forward(head: WireRequest, where: Where, target: Target, also_dropped: frozenset[str] = frozenset()) -> Forward:
    """The request as it goes on to a target. Raises Refused."""
    if "credentials_in_url" in where.features:
        raise Refused("request_target", "the target has a user name in it, which some readers take for the host")
    query = canonical_query(where.raw_query)
    kept = _kept(head.headers, target, also_dropped)
    if wants_no_wait(head):
        kept = [(name, value) for name, value in kept if name != "prefer"]
    host = f"[{target.host}]" if ":" in target.host else target.host
    port = "" if target.port == _DEFAULT_PORTS[target.tls] else f":{target.port}"
    # WHY not encoded: what comes back must be readable, to mask it and to take the credential out of it.
    kept.append(("accept-encoding", "identity"))
    return Forward(head.method, f"{where.path}?{query}" if query else where.path, f"{host}{port}", tuple(kept))


def _kept(headers: Lines, target: Target, also_dropped: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    """The fields of a request that go on to a target."""
    dropped = _FOR_THIS_HOP | FORWARDING | also_dropped
    if target.password is not None:
        # WHY cookies too: they may stand for somebody at the target, and who we are there is the gateway's to say.
        dropped = dropped | {(target.header or "authorization").lower(), "cookie", "cookie2"}
    return [
        (name, value)
        for name, value in headers
        if name not in dropped and not name.startswith(_OF_THIS_CONNECTION) and name != "http2-settings"
    ]


def behind(lines: Sequence[bytes], target: Target) -> Lines:
    """The fields behind a request's body that go on to a target: by the rules of headers, and none of what has its place before the
    body. Raises Refused."""
    headers = read_trailers(lines)
    _check_names(headers)
    return _kept(headers, target)


def unconditional(request: Forward) -> Forward:
    """A request whose answer is masked, asked for the whole. WHY: whether a guess of a tag is right, or where a part ends, tells of what
    the mask hides."""
    if request.method not in ("GET", "HEAD"):
        return request
    return replace(request, headers=tuple((name, value) for name, value in request.headers if name not in _CONDITIONS))


def guesses_content(request: Forward) -> bool:
    """Whether a change is to be made only if the target's content has a tag that the client names: it cannot know one of what is masked."""
    is_read = request.method in ("GET", "HEAD")
    return not is_read and any(name in _OF_CONTENT and value != "*" for name, value in request.headers)


def shown_head(head: WireRequest) -> bytes:
    """A head as it came, without the token, for the record of a request that does not go on."""
    lines = [f"{head.method} {head.target} HTTP/{head.version}"]
    secret = ("authorization", "proxy-authorization", handshake.PROTOCOL)
    lines += [f"{name}: {value}" for name, value in head.headers if name not in secret]
    return "\r\n".join((*lines, "", "")).encode("latin-1")


def text_judged(request: Forward, body: bytes, length: int | None, *, is_unread: bool, behind: Lines = ()) -> bytes:
    """The text that is asked about, in chunks where fields stand `behind` the body. Of a body that is too long to be read only that it is there."""
    if is_unread:
        said = "unknown" if length is None else str(length)
        return request.head([(UNREAD, said)], is_judged=True)
    if behind:
        return request.head([_CHUNKED], is_judged=True) + chunk(body) + last_chunk(behind)
    return request.head(_length(request, body), is_judged=True) + body


def bytes_sent(
    request: Forward,
    body: bytes,
    length: int | None,
    beside: Sequence[tuple[str, str]],
    *,
    is_unread: bool,
    is_last: bool = True,
    behind: Lines = (),
) -> bytes:
    """What the target gets: of an unread body the head only. `beside` are headers that nobody else sees; `is_last`: nothing comes behind it;
    `behind`: fields behind the body."""
    more = [*beside, ("connection", "close" if is_last else "keep-alive")]
    if behind and not is_unread:
        return request.head([_CHUNKED, *more]) + chunk(body) + last_chunk(behind)
    if not is_unread:
        return request.head([*_length(request, body), *more]) + body
    framed = _CHUNKED if length is None else ("content-length", str(length))
    return request.head([framed, *more])


def credential(target: Target) -> list[tuple[str, str]]:
    """The header with the gateway's credential there; none when there is none."""
    if target.password is None:
        return []
    if target.header is not None:
        value = target.password
    elif target.user:
        value = f"Basic {base64.b64encode(f'{target.user}:{target.password}'.encode()).decode()}"
    else:
        value = f"Bearer {target.password}"
    if not _VALUE.fullmatch(value):
        raise LocalProtocolError("the credential of the target cannot stand in a header", code="credential")
    return [((target.header or "authorization").lower(), value)]


def secrets_of(target: Target) -> list[bytes]:
    """What must not come back from a target."""
    if target.password is None:
        return []
    value = credential(target)[0][1]
    return [target.password.encode(), value.encode(), value.rpartition(" ")[2].encode()]


def _length(request: Forward, body: bytes) -> list[tuple[str, str]]:
    may_have_body = request.method in ("POST", "PUT", "PATCH")
    return [("content-length", str(len(body)))] if body or may_have_body else []
