"""What a request is about, exactly as the API server's own request-info says (k8s.io/apiserver, RequestInfoFactory).

A path that the server would clean, decode in two ways or read in pieces we do not is refused before. What is judged is
`Info`; the path that may be forwarded is the one that was given, since only canonical ones get here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.command.documents.refusal import Refused
from engine.command.kubernetes.selectors import field_terms

_SAFE = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,=:@]")
_NAME_PART = re.compile(r"[a-z0-9]([a-z0-9.\-]*[a-z0-9])?")
_VERSION = re.compile(r"v[0-9]+((alpha|beta)[0-9]+)?")
_ESCAPE = re.compile(r"%([0-9A-F]{2})")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_NAMESPACE_SUBRESOURCES = frozenset({"status", "finalize"})
_SPECIAL_VERBS = frozenset({"proxy", "watch"})
_VERBS = {"POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_MAX_SEGMENTS = 256
_INFO_PATHS = re.compile(
    r"/|/apis?|/api/v1|/apis/[a-z0-9.\-]+(?:/v[a-z0-9]+)?|/version|/(?:healthz|livez|readyz|metrics)(?:/[a-z0-9\-/]+)?"
    r"|/openapi/v[23](?:/.*)?|/\.well-known/openid-configuration|/openid/v1/jwks|/(?:statusz|flagz|configz)"
)


@dataclass(frozen=True, slots=True)
class Info:
    """Request-info: `resource` is None for a path about no resource. `rest` is what a proxied path ends with."""

    verb: str
    path: str
    group: str = ""
    version: str | None = None
    resource: str | None = None
    subresource: str | None = None
    namespace: str | None = None
    name: str | None = None
    parts: tuple[str, ...] = ()
    is_prefixed: bool = False


def is_info_path(path: str) -> bool:
    """Whether a path about no resource is one where the server only says something of itself; profiles and logs are not."""
    return _INFO_PATHS.fullmatch(path) is not None


def split_path(path: str) -> list[str]:
    """The decoded segments of a canonical path. Raises Refused for every other path."""
    if not path.startswith("/"):
        raise Refused("noncanonical_path", "the path does not begin with a slash")
    if path == "/":
        return []
    given = path[1:].split("/")
    if len(given) > _MAX_SEGMENTS:
        raise Refused("noncanonical_path", "the path has too many segments")
    return [_segment(one) for one in given]


def _segment(text: str) -> str:
    if text in ("", ".", ".."):
        raise Refused("noncanonical_path", "the path has an empty segment, a dot segment or a slash at its end")
    if _SAFE.sub("", _ESCAPE.sub("", text)):
        raise Refused("noncanonical_path", f"the segment `{text[:60]}` has a character that does not belong there")
    if "%" not in text:
        return text
    raw = re.sub(rb"%([0-9A-F]{2})", lambda found: bytes.fromhex(found[1].decode()), text.encode("ascii"))
    try:
        decoded = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("noncanonical_path", "the path is not UTF-8 when decoded") from None
    if any(ord(char) < 0x20 or char in "/\\%;?#\x7f" for char in decoded):
        raise Refused("noncanonical_path", "the path hides a separator or control character behind an escape")
    for found in _ESCAPE.finditer(text):
        char = chr(int(found[1], 16))
        if char.isascii() and (char.isalnum() or char in "-._~"):
            raise Refused("noncanonical_path", "the path escapes a character that needs no escape")
    return decoded


def request_info(method: str, path: str, query: Mapping[str, Sequence[str]]) -> Info:
    """What the server's request-info says of a canonical request. Raises Refused."""
    parts = split_path(path)
    if parts and parts[0].lower() in ("api", "apis") and parts[0] not in ("api", "apis"):
        raise Refused("noncanonical_path", "the prefix of the API is written in lower case")
    plain = Info(method.lower(), path)
    if len(parts) < 3 or parts[0] not in ("api", "apis"):
        return plain
    group = ""
    if parts[0] == "apis":
        if len(parts) < 4:
            return plain
        group = _lower(parts[1])
        parts = parts[1:]
    version, parts = parts[1], parts[2:]
    if not _VERSION.fullmatch(version):
        raise Refused("noncanonical_path", f"`{version[:40]}` is no version of an API")
    verb, is_prefixed = _VERBS.get(method, ""), parts[0] in _SPECIAL_VERBS
    if is_prefixed:
        verb, parts = parts[0], parts[1:]
        if not parts:
            raise Refused("noncanonical_path", f"nothing stands behind the prefix `{verb}`")
    namespace, parts = _namespace(parts)
    info = _about(verb, path, group, version, namespace, parts, is_prefixed)
    return _without_name(info, query) if info.name is None else info


def _namespace(parts: list[str]) -> tuple[str | None, list[str]]:
    if parts[0] != "namespaces" or len(parts) == 1:
        return None, parts
    if len(parts) > 2 and parts[2] not in _NAMESPACE_SUBRESOURCES:
        return parts[1], parts[2:]
    return parts[1], parts


def _about(
    verb: str, path: str, group: str, version: str, namespace: str | None, parts: list[str], is_prefixed: bool
) -> Info:
    subresource = parts[2] if len(parts) >= 3 and verb != "proxy" else None
    name = parts[1] if len(parts) >= 2 else None
    if len(parts) > 3 and subresource not in ("proxy", None):
        raise Refused("noncanonical_path", "the path goes on behind the subresource, which nothing reads")
    return Info(
        verb,
        path,
        group,
        version,
        _lower(parts[0]),
        None if subresource is None else _lower(subresource),
        namespace,
        name,
        tuple(parts),
        is_prefixed,
    )


def _lower(text: str) -> str:
    if not _NAME_PART.fullmatch(text):
        raise Refused("noncanonical_path", f"`{text[:60]}` is no name of a group, resource or subresource")
    return text


def _without_name(info: Info, query: Mapping[str, Sequence[str]]) -> Info:
    """No name in the path: a get is a list or a watch, a delete that of a collection; a field selector may name one."""
    verb, name = info.verb, None
    if verb == "get":
        verb = "watch" if is_set(query.get("watch")) else "list"
        name = _selected_name(query)
    if verb == "delete" and name is None:
        verb = "deletecollection"
    return Info(
        verb,
        info.path,
        info.group,
        info.version,
        info.resource,
        info.subresource,
        info.namespace,
        name,
        info.parts,
        info.is_prefixed,
    )


def is_set(values: Sequence[str] | None) -> bool:
    """A boolean parameter as the server converts it: the first value counts, and anything but `false` and `0` is true."""
    return bool(values) and values is not None and values[0].lower() not in ("false", "0")


def _selected_name(query: Mapping[str, Sequence[str]]) -> str | None:
    """The name a field selector asks for; none when the options cannot be read, as the server does it."""
    for numeric in ("limit", "timeoutSeconds"):
        values = query.get(numeric)
        if values and not (_INTEGER.fullmatch(values[0]) and -(2**63) <= int(values[0][:40]) < 2**63):
            return None
    given = query.get("fieldSelector")
    if not given:
        return None
    for term in field_terms(given[0]):
        field, operator, value = term
        if field == "metadata.name" and operator != "!=":
            return None if value in ("", ".", "..") or "/" in value or "%" in value else value
    return None
