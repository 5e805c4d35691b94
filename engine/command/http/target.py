"""The request target and Host together: what the request is for, in one canonical spelling."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from engine.command.documents.refusal import Refused
from engine.command.http.host import parse_host, place_features
from engine.command.http.path import canonical_path, parse_query
from engine.command.http.signs import SECRET_KEYS
from engine.command.http.url import PORTS, parse_url
from engine.command.http.wire import WireRequest

_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/?#\[\]@\\]+)(?::([0-9]{1,5}))?")
_FRAGMENT = re.compile(r"[A-Za-z0-9_\-]{0,200}")
_WEB = ("http", "https", "ws", "wss")


@dataclass(frozen=True, slots=True)
class Where:
    """Where a request goes. `raw_query` is as sent; `path` is `*` for OPTIONS of a server and empty for CONNECT."""

    path: str
    scheme: str | None = None
    host: str | None = None
    port: int | None = None
    raw_query: str = ""
    query: dict[str, tuple[str, ...]] = field(default_factory=dict)
    features: frozenset[str] = frozenset()


def read_target(request: WireRequest) -> Where:
    """Where a request goes. Raises Refused."""
    named = _host_header(request.value("host"))
    target = request.target
    if request.method == "CONNECT":
        return _connect(target, named)
    if target == "*":
        if request.method != "OPTIONS":
            raise Refused("request_target", "only OPTIONS is asked of the server as a whole")
        name, port = named if named is not None else (None, None)
        return Where("*", None, name, port, features=_features(named, {}, ""))
    if target.startswith("/"):
        return _origin(target, None, named, frozenset())
    return _absolute(target, named)


def _absolute(target: str, named: tuple[str, int | None] | None) -> Where:
    scheme, separator, rest = target.partition("://")
    if not separator or scheme.lower() not in _WEB or scheme != scheme.lower():
        raise Refused("request_target", "the target is neither a path nor a URL of the web")
    cut = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    authority, origin = rest[:cut], rest[cut:]
    credentials, at, place = authority.rpartition("@")
    if at and ("@" in credentials or "\\" in credentials):
        raise Refused("request_target", "the authority has more than one `@`")
    if "\\" in rest:
        raise Refused("request_target", "the target has a backslash, which some readers take for a slash")
    url = parse_url(f"{scheme}://{place}/")
    if url.host is None:
        raise Refused("request_target", "the target has no host")
    here = (url.host, url.port)
    if named is not None and (named[0] != here[0] or _port(named[1], scheme) != _port(here[1], scheme)):
        raise Refused("host_differs", "the host of the target and the Host header are not the same")
    more = frozenset({"credentials_in_url"}) if at else frozenset[str]()
    if not origin.startswith("/"):
        origin = f"/{origin}"
    return _origin(origin, scheme, here, more)


def _port(port: int | None, scheme: str) -> int | None:
    return PORTS.get(scheme) if port is None else port


def _origin(target: str, scheme: str | None, host: tuple[str, int | None] | None, more: frozenset[str]) -> Where:
    target, hash_sign, fragment = target.partition("#")
    if not _FRAGMENT.fullmatch(fragment):
        raise Refused("request_target", "the target has a fragment that some servers take for a part of the path")
    more |= {"fragment"} if hash_sign else frozenset[str]()
    path, _, raw_query = target.partition("?")
    query = parse_query(raw_query)
    name, port = host if host is not None else (None, None)
    features = _features(host, query, raw_query) | more
    return Where(canonical_path(path), scheme, name, port, raw_query, query, frozenset(features))


def _features(host: tuple[str, int | None] | None, query: dict[str, tuple[str, ...]], raw: str) -> frozenset[str]:
    found = {"no_host"} if host is None else set(place_features(host[0]))
    if any(len(values) > 1 for values in query.values()):
        found.add("repeated_parameter")
    if ";" in raw:
        found.add("semicolon_query")
    if any(name.lower() in SECRET_KEYS for name in query):
        found.add("access_token")
    return frozenset(found)


def _host_header(value: str | None) -> tuple[str, int | None] | None:
    if value is None:
        return None
    found = _AUTHORITY.fullmatch(value)
    if found is None:
        raise Refused("host", "the Host header is no host with an optional port")
    port = int(found[2]) if found[2] else None
    if port is not None and port > 65535:
        raise Refused("host", "the Host header has a port that there is not")
    return parse_host(found[1], is_special=True), port


def _connect(target: str, named: tuple[str, int | None] | None) -> Where:
    found = _AUTHORITY.fullmatch(target)
    if found is None or found[2] is None or int(found[2]) > 65535:
        raise Refused("request_target", "CONNECT needs a host and a port")
    here = (parse_host(found[1], is_special=True), int(found[2]))
    if named is not None and (named[0] != here[0] or named[1] not in (None, here[1])):
        raise Refused("host_differs", "the host of the target and the Host header are not the same")
    return Where("", None, here[0], here[1], features=_features(here, {}, ""))
