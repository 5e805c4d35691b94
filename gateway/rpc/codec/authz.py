"""Envoy's CheckRequest to the request that is to be judged, and the answer to a CheckResponse. Nothing is decided here.

The text is the one the HTTP adapter would ask about: method, target, host and headers as Envoy forwards them, without the
credential and without what Envoy itself adds; the body where Envoy sent the whole of it, else only that there is one.

INVARIANT: nothing in a request can name the resource, the person or the verdict; who asks is proved by a token alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.web.facts import text_judged, token_of
from adapters.web.requests import Forward
from engine.command.documents.refusal import Refused
from engine.command.http.wire import WireRequest
from gateway.rpc.codec.questions import parsed
from gateway.rpc.limits import MAX_NAME, MAX_TEXT
from gateway.rpc.refusals import bad_input, too_large
from grpc_proto.sallyport.envoy.v3 import external_auth_pb2 as pb

RESOURCE = "sallyport.resource"
"""The key of a route's `context_extensions` that names the resource."""
PARTIAL = "x-envoy-auth-partial-body"
MAX_HEADERS = 300

_HOP = frozenset(
    {
        *("connection", "keep-alive", "proxy-connection", "proxy-authorization", "te", "trailer", "transfer-encoding"),
        *("expect", "host", "content-length", "authorization", "x-forwarded-proto", "x-request-id"),
    }
)
_METHOD = re.compile(r"[A-Z]{1,30}")
_NAME = re.compile(r"[!#$%&'*+\-.^`|~0-9a-z]+")
_LENGTH = re.compile(r"0|[1-9][0-9]{0,17}")
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
_OVERWRITE = 2
_PERMISSION_DENIED, _UNAUTHENTICATED = 7, 16


@dataclass(frozen=True, slots=True)
class Checked:
    """One request as Envoy tells of it. `resource` is None where the route names none."""

    text: bytes
    token: str | None = field(repr=False)
    resource: str | None
    client_address: str | None
    application: str | None


@dataclass(frozen=True, slots=True)
class Said:
    """The answer to Envoy. `status` is HTTP's and 200 for a yes; `document` is what the client reads of a no."""

    status: int
    decision_id: str
    document: Mapping[str, object] = field(default_factory=dict)
    hides_token: bool = False


def read_check(message: bytes) -> Checked:
    """The request of a CheckRequest. Raises CallRefused for what is none, and for what two readers could read differently."""
    request = parsed(pb.CheckRequest, message)
    attributes = request.attributes
    if not attributes.HasField("request") or not attributes.request.HasField("http"):
        raise bad_input("attributes.request.http: missing")
    http = attributes.request.http
    headers = _headers(http)
    if not _METHOD.fullmatch(http.method) or not http.path.startswith(("/", "*")) or http.fragment or http.query:
        raise bad_input("attributes.request.http: no method, or no path as it stands in a request")
    _check_pseudo(http, headers)
    plain = [(name, value) for name, value in headers if not name.startswith(":")]
    wire = WireRequest(http.method, http.path, "1.1", tuple(plain), b"")
    try:
        token, body, length = token_of(wire), _body(http), _length(wire)
        is_unread = _is_unread(http, wire, body, length)
    except Refused as refusal:
        raise bad_input(f"attributes.request.http.headers: {refusal.message}") from None
    kept = tuple((name, value) for name, value in plain if name not in _HOP and not name.startswith("x-envoy-"))
    forward = Forward(http.method, http.path, http.host, kept)
    agents = wire.values("user-agent")
    resource = attributes.context_extensions.get(RESOURCE, "")
    return Checked(
        text=text_judged(forward, b"" if is_unread else body, length, is_unread=is_unread),
        token=token,
        resource=resource[:MAX_NAME] or None,
        client_address=attributes.source.address.socket_address.address or None,
        application=agents[0][:128] if agents else None,
    )


def _headers(http: pb.AttributeContext.HttpRequest) -> list[tuple[str, str]]:
    """Names in lower case and values. Raises CallRefused for a name that somebody downstream could take for another."""
    if http.headers and http.HasField("header_map"):
        raise bad_input("attributes.request.http: headers stand there twice")
    made = sorted(http.headers.items())
    for one in http.header_map.headers:
        made.append((one.key, one.raw_value.decode("latin-1") if one.raw_value else one.value))
    if len(made) > MAX_HEADERS:
        raise too_large("headers", len(made), MAX_HEADERS)
    for name, value in made:
        if not _NAME.fullmatch(name.removeprefix(":")):
            raise bad_input(
                f"attributes.request.http.headers: `{ascii(name[:40])[1:-1]}` is no name that all read alike"
            )
        if name.startswith("sallyport-"):
            raise bad_input("attributes.request.http.headers: names that begin with `sallyport-` are the gateway's own")
        if any((char < " " and char != "\t") or char in "\x7f" or char > "\xff" for char in value):
            raise bad_input(f"attributes.request.http.headers: the value of `{name[:40]}` has what no header has")
    return made


def _check_pseudo(http: pb.AttributeContext.HttpRequest, headers: list[tuple[str, str]]) -> None:
    """Envoy tells the first line twice: both must say the same."""
    told = {":method": http.method, ":path": http.path, ":authority": http.host, "host": http.host}
    for name, value in headers:
        if name in told and told[name] != value:
            raise bad_input(f"attributes.request.http: `{name}` differs from what the request says")


def _body(http: pb.AttributeContext.HttpRequest) -> bytes:
    if http.body and http.raw_body:
        raise bad_input("attributes.request.http: the body stands there twice")
    body = http.raw_body or http.body.encode()
    if len(body) > MAX_TEXT:
        raise too_large("bytes of attributes.request.http.body", len(body), MAX_TEXT)
    return body


def _length(wire: WireRequest) -> int | None:
    said = wire.value("content-length")
    if said is None:
        return None
    if not _LENGTH.fullmatch(said):
        raise bad_input("attributes.request.http.headers: the content-length is none")
    return int(said)


def _is_unread(http: pb.AttributeContext.HttpRequest, wire: WireRequest, body: bytes, length: int | None) -> bool:
    """Whether there is more of a body than Envoy sent, or may be."""
    if wire.value(PARTIAL) == "true":
        return True
    if length is not None:
        return length != len(body)
    if body:
        return wire.value(PARTIAL) != "false"
    if wire.values("transfer-encoding"):
        return True
    # WHY: over HTTP/2 and 3 a body needs no word of it in the headers.
    return http.protocol not in ("HTTP/1.0", "HTTP/1.1") and http.method not in _BODILESS


def write_check(said: Said) -> bytes:
    """The CheckResponse."""
    response = pb.CheckResponse()
    if said.status == 200:
        response.status.SetInParent()
        _header(response.ok_response.headers.add(), "sallyport-decision", said.decision_id)
        if said.hides_token:
            response.ok_response.headers_to_remove.append("authorization")
        return bytes(response.SerializeToString())
    response.status.code = _UNAUTHENTICATED if said.status == 401 else _PERMISSION_DENIED
    denied = response.denied_response
    denied.status.code = said.status
    _header(denied.headers.add(), "content-type", "application/problem+json")
    _header(denied.headers.add(), "cache-control", "no-store")
    if said.decision_id:
        _header(denied.headers.add(), "sallyport-decision", said.decision_id)
    if said.status == 401:
        _header(denied.headers.add(), "www-authenticate", 'Bearer realm="sallyport"')
    denied.body = json.dumps({"status": said.status, **said.document}) + "\n"
    return bytes(response.SerializeToString())


def _header(into: pb.HeaderValueOption, name: str, value: str) -> None:
    into.header.key, into.header.value = name, value
    into.append_action = _OVERWRITE
