"""A raw HTTP request to a command: one operation for the method, or those that its body carries.

Called by `engine/command/parse.py`. Never raises on hostile text: a request that is refused is one operation of kind
`unknown` with the reason. Adapters read the wire with the same `wire` and forward what was judged.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

from engine.command.documents.refusal import Refused
from engine.command.documents.values import Value
from engine.command.http.batches import requests_in
from engine.command.http.calls import calls_in, is_nothing_else
from engine.command.http.content import Content, read_content
from engine.command.http.kinds import ACCESS, EFFECTS, METHODS
from engine.command.http.openapi import Route, RouteTable
from engine.command.http.shown import hide_credentials
from engine.command.http.signs import (  # fmt: skip
    ACTION_HEADERS,
    OVERRIDES,
    REWRITING,
    action_values,
    has_secret,
    header_features,
    names_change,
    names_deletion,
    names_inside,
    value_features,
    words_of,
)
from engine.command.http.target import Where, read_target
from engine.command.http.tree import Http
from engine.command.http.url import parse_url
from engine.command.http.wire import MAX_HEADERS, WireRequest, read_request
from engine.command.tree import Access, Command, Effect, Operation, ParsedCommand, Problem, Target

MAX_BYTES = 1024 * 1024
UNREAD = "sallyport-unread-body"
"""The header by which an adapter says that a body follows which it did not read, too long say; clients may not send it."""

_WRITTEN = re.compile(rb"([A-Z]{2,20}) (https?://[\x21-\x7e]+)[ \t]*(?:\r?\n|\Z)")
_CALLED = frozenset({"field", "tool", "method"})
_OTHER_METHODS = frozenset({"TRACE", "TRACK", "DEBUG"})


def parse_http(text: bytes | str, routes: RouteTable | None = None) -> ParsedCommand:
    """The command tree of a raw request; in a `str` each character is one byte."""
    try:
        raw = text.encode("latin-1") if isinstance(text, str) else text
    except UnicodeEncodeError:
        raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else b""
        return _refused(raw, Refused("not_bytes", "the text has characters that are no bytes"))
    try:
        if len(raw) > MAX_BYTES:
            raise Refused("text_size", f"the request is longer than {MAX_BYTES} bytes")
        return ParsedCommand.of(_command(raw, routes))
    except Refused as refusal:
        return _refused(raw, refusal)


def _refused(raw: bytes, refusal: Refused) -> ParsedCommand:
    operation = Operation("unknown", Effect.UNKNOWN, ("top",), span=(0, len(raw)))
    problem = Problem(refusal.code, refusal.message, refusal.at)
    text = hide_credentials(raw.decode("latin-1"))
    return ParsedCommand.of(Command("http", text, _digest(raw), (operation,), (), False, (problem,)))


def _digest(raw: bytes) -> str:
    return hashlib.sha256(b"http\0" + raw).hexdigest()


def _command(raw: bytes, routes: RouteTable | None) -> Command:
    written = _written(raw)
    request = read_request(raw) if written is None else written
    where = read_target(request)
    for name in REWRITING:
        if request.values(name):
            raise Refused("rewriting_header", f"the header `{name}` asks some servers for another path")
    content = _content(request)
    route = None if routes is None or where.path in ("", "*") else routes.find(request.method, where.path)
    override = _override(request, where, content)
    operations = _operations(raw, request, where, content, route, override)
    called = [
        target.name for one in operations for target in one.targets if target.type in _CALLED or "batch" in one.via
    ]
    features = set(where.features) | content.features | _features(request, where, content, route, called)
    if routes is not None and route is None:
        features.add("route_unknown")
    features |= {"method_override"} if override is not None else set()
    features |= {"written_request"} if written is not None else set()
    features |= {"upgrade"} if any(one.kind == "upgrade" for one in operations) else set()
    is_known = all(one.kind != "unknown" for one in operations)
    problems = () if is_known else (Problem("unknown_method", "the request asks for a method that nobody here knows"),)
    return Command(
        protocol="http",
        text=hide_credentials(raw.decode("latin-1")),
        digest=_digest(raw),
        operations=tuple(operations),
        features=tuple(sorted(features)),
        complete=is_known and content.is_complete,
        problems=problems,
        http=Http(
            method=request.method,
            path=where.path,
            scheme=where.scheme,
            host=_same_name(where.host),
            port=where.port,
            route=None if route is None else route.template,
            operation_id=None if route is None else route.operation_id,
            query=where.query,
            headers=tuple(sorted({name for name, _ in (*request.headers, *request.trailers)})),
            content_type=content.media,
            body_kind=content.kind,
            body=content.facts,
            override=override,
        ),
    )


def _content(request: WireRequest) -> Content:
    """What the body says. An adapter that does not read a body to its end says so in a header that no client can send."""
    if request.values(UNREAD):
        if request.body:
            raise Refused("unread_body", f"`{UNREAD}` stands beside a body")
        media = read_content(b"", request.value("content-type"), None).media
        return Content("binary", media, features={"opaque_body", "unread_body"}, is_complete=False)
    return read_content(request.body, request.value("content-type"), request.value("content-encoding"))


def _operations(
    raw: bytes, request: WireRequest, where: Where, content: Content, route: Route | None, override: str | None
) -> list[Operation]:
    calls = calls_in(content, where.path, where.query) if request.method in ("GET", "HEAD", "POST") else []
    place = f"{_same_name(where.host) or ''}{where.path}"
    span = (0, len(raw))
    found = [Operation(one.kind, one.effect, one.via, (*one.targets, _route(place, one.effect)), span) for one in calls]
    if not calls or not is_nothing_else(content, where.path):
        one = _by_method(request.method, ("top",), place, span, None if route is None else route.effect)
        found.append(replace(one, targets=(*one.targets, *_destination(request, where, one.effect))))
    if override is not None:
        found.append(_by_method(override, ("top", "override"), place, span, None))
    body = content.document if content.document is not None else _fields(content)
    found += [replace(one, span=span) for one in requests_in(body, _same_name(where.host) or "")]
    upgrade = request.value("upgrade")
    if upgrade is not None and request.method != "CONNECT":
        effect = EFFECTS["upgrade"]
        found.append(Operation("upgrade", effect, ("top",), (Target("protocol", upgrade[:80], Access.EXECUTE),), span))
    return found


def _fields(content: Content) -> dict[str, Value]:
    """The fields of a form by their names; none of another body."""
    return {key[1:]: value for key, value in content.facts.items()} if content.kind in ("form", "multipart") else {}


def _destination(request: WireRequest, where: Where, effect: Effect) -> tuple[Target, ...]:
    """The other place of a COPY or MOVE, spelt as paths are. Raises Refused."""
    values = request.values("destination") if METHODS.get(request.method) == "webdav_write" else ()
    found = []
    for value in values:
        named = read_target(replace(request, method="GET", target=value, headers=()))
        found.append(_route(f"{_same_name(named.host or where.host) or ''}{named.path}", effect))
    return tuple(found)


def _by_method(method: str, via: tuple[str, ...], place: str, span: tuple[int, int], says: Effect | None) -> Operation:
    kind = METHODS.get(method, "unknown")
    effect = EFFECTS[kind] if says is None or kind == "unknown" else says
    return Operation(kind, effect, via, (_route(place, effect),), span)


def _same_name(host: str | None) -> str | None:
    """The host as rules name it: `a.example.` with the point of the root is `a.example`."""
    return host if host is None or host == "." else host.removesuffix(".")


def _route(place: str, effect: Effect) -> Target:
    return Target("route", place, ACCESS.get(effect, Access.EXECUTE))


def _override(request: WireRequest, where: Where, content: Content) -> str | None:
    """The method that is asked for beside the first line. Two that differ are refused."""
    # WHY hyphens: to servers that hand headers on as variables `X_HTTP_Method` and `X-HTTP-Method` are one.
    asked = {value.strip() for name, value in request.headers if name.replace("_", "-") in OVERRIDES}
    asked |= {
        value
        for name, values in where.query.items()
        if name.lower() in ("_method", "x-http-method-override")
        for value in values
    }
    asked |= {str(value) for pointer, value in content.facts.items() if pointer.lower() == "/_method"}
    asked |= {str(value) for pointer, value in content.facts.items() if pointer.lower().startswith("/_method/")}
    asked = {method.upper() for method in asked}
    if request.method in ("GET", "HEAD"):
        # A reading request with a word that is no method: a parameter of that name, which no server overrides by.
        asked = {method for method in asked if method in METHODS or method in _OTHER_METHODS}
    if len(asked) > 1:
        raise Refused("method_override", "the request asks for more than one other method")
    method = asked.pop() if asked else None
    if method is not None and not re.fullmatch(r"[A-Z]{1,30}", method):
        raise Refused("method_override", "the request asks for a method that is no word")
    return method


def _features(request: WireRequest, where: Where, content: Content, route: Route | None, called: list[str]) -> set[str]:
    found = header_features(name for name, _ in request.headers)
    found |= value_features((value for values in where.query.values() for value in values), is_line=True)
    is_form = content.kind in ("form",)
    found |= value_features(content.facts.values(), is_line=is_form)
    names_given = (*where.query, *(content.facts if is_form else ()))
    found |= value_features(names_given, is_line=True) & {"control_character", "dotdot_value"}
    names = [route.operation_id] if route is not None and route.operation_id is not None else []
    actions = action_values(where.query, content.facts)
    told = [value for name in ACTION_HEADERS for value in request.values(name)]
    words = words_of([*where.path.split("/"), *names, *actions, *told, *called])
    found |= {"url_to_internal"} if names_inside(where.path) else set()
    if has_secret([where.path, *(value for values in where.query.values() for value in values)]):
        found.add("secret_in_query")
    if names_deletion(words):
        found.add("names_deletion")
    is_reading = request.method in ("GET", "HEAD", "OPTIONS")
    if is_reading and names_change([where.path.rsplit("/", 1)[-1], *names], actions):
        found.add("names_change")
    return found


def _written(raw: bytes) -> WireRequest | None:
    """A request as people write it down: `POST https://host/path`, header lines, an empty line, the body.

    It can be no request of HTTP/1, which ends its first line with a version, so the two are never mistaken.
    """
    found = _WRITTEN.match(raw)
    if found is None:
        return None
    rest = raw[found.end() :].replace(b"\r\n", b"\n")
    head, _, body = (b"", b"", rest[1:]) if rest.startswith(b"\n") else rest.partition(b"\n\n")
    lines = [line for line in head.split(b"\n") if line]
    if len(lines) > MAX_HEADERS:
        raise Refused("too_many_headers", "the request has too many header lines")
    url = found[2].decode("ascii")
    if any(line.split(b":")[0].strip().lower() in (b"host", b"content-length", b"transfer-encoding") for line in lines):
        raise Refused("written_request", "a request that is written down says its host and length in no header")
    host = parse_url(url).host or ""
    headers = b"".join(line + b"\r\n" for line in lines)
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    made = b"%s %s HTTP/1.1\r\n%s%s\r\n" % (found[1], found[2], headers, length)
    return read_request(made + body) if host else None
