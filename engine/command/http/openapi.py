"""OpenAPI documents (2.0, 3.0, 3.1) as a table of routes: method and canonical path to template and operation id.

The document is given as plain values; nothing is fetched. Concrete segments come before templated ones, as the
specification asks. An operation may say `x-sallyport-effect`, which is trusted as the document is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from engine.command.tree import Effect
from engine.errors import InputInvalid

MAX_ROUTES = 20_000

_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"})
_VARIABLE = re.compile(r"\{[^{}/]*\}")
_BESIDE = re.compile(r"(?:\{[^{}/]*\}){2,}")
EFFECT_KEY = "x-sallyport-effect"


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the document."""

    method: str
    template: str
    operation_id: str | None
    effect: Effect | None
    _segments: tuple[tuple[str, ...], ...]
    _order: tuple[int, ...]

    def matches(self, segments: tuple[str, ...]) -> bool:
        return all(_fits(want, have) for want, have in zip(self._segments, segments, strict=True))


def _fits(pieces: tuple[str, ...], text: str) -> bool:
    """Whether a segment is the pieces with something, not nothing, between each two. The leftmost place of each will do."""
    if len(pieces) == 1:
        return text == pieces[0]
    end = len(text) - len(pieces[-1])
    if not text.startswith(pieces[0]) or not text.endswith(pieces[-1]):
        return False
    at = len(pieces[0])
    for piece in pieces[1:-1]:
        at = text.find(piece, at + 1, end)
        if at < 0:
            return False
        at += len(piece)
    return at < end


class RouteTable:
    """The routes of a document. `version` tells two documents apart."""

    def __init__(self, routes: list[Route], version: str) -> None:
        self.version = version
        self._by: dict[tuple[str, int], list[Route]] = {}
        for route in routes:
            self._by.setdefault((route.method, len(route._segments)), []).append(route)
        for found in self._by.values():
            found.sort(key=lambda route: (route._order, route.template))

    def find(self, method: str, path: str) -> Route | None:
        """The operation that a canonical path belongs to, the most concrete one first."""
        segments = _path_segments(path)
        found = self._by.get((method, len(segments)), ())
        return next((route for route in found if route.matches(segments)), None)


def _path_segments(path: str) -> tuple[str, ...]:
    return tuple(unquote(segment) for segment in path[1:].split("/"))


def compile_openapi(document: object, version: str = "") -> RouteTable:
    """The table of a document. Raises InputInvalid when it is none."""
    if not isinstance(document, Mapping):
        raise InputInvalid("`openapi` is no object")
    paths = document.get("paths")
    if not isinstance(paths, Mapping):
        raise InputInvalid("`openapi` has no `paths`")
    routes: list[Route] = []
    for prefix in _prefixes(document):
        for template, item in paths.items():
            if isinstance(template, str) and template.startswith("/") and isinstance(item, Mapping):
                routes.extend(_operations(prefix, template, item))
            if len(routes) > MAX_ROUTES:
                raise InputInvalid(f"`openapi` has more than {MAX_ROUTES} operations")
    return RouteTable(routes, version)


def _prefixes(document: Mapping[object, object]) -> list[str]:
    """The paths of the servers, without the slash at the end; the document's own paths stand below each."""
    base = document.get("basePath")
    if isinstance(base, str):
        return [_prefix(base)]
    servers = document.get("servers")
    urls = [one.get("url") for one in servers if isinstance(one, Mapping)] if isinstance(servers, list) else []
    return list(dict.fromkeys(_prefix(urlsplit(url).path) for url in urls if isinstance(url, str))) or [""]


def _prefix(path: str) -> str:
    return "" if not path.strip("/") else "/" + path.strip("/")


def _operations(prefix: str, template: str, item: Mapping[object, object]) -> Iterator[Route]:
    for method, operation in item.items():
        if not isinstance(method, str) or method not in _METHODS or not isinstance(operation, Mapping):
            continue
        name = operation.get("operationId")
        yield Route(
            method.upper(),
            prefix + template,
            name if isinstance(name, str) else None,
            _effect(operation.get(EFFECT_KEY)),
            *_compiled(prefix + template),
        )


def _effect(stated: object) -> Effect | None:
    if stated is None:
        return None
    try:
        return Effect(str(stated))
    except ValueError:
        raise InputInvalid(f"`{EFFECT_KEY}` is none of {', '.join(Effect)}") from None


def _compiled(template: str) -> tuple[tuple[tuple[str, ...], ...], tuple[int, ...]]:
    segments: list[tuple[str, ...]] = []
    order: list[int] = []
    for segment in template.partition("?")[0].partition("#")[0][1:].split("/"):
        # Two variables beside each other count as one.
        pieces = tuple(unquote(piece) for piece in _VARIABLE.split(_BESIDE.sub("{}", segment)))
        segments.append(pieces)
        order.append(0 if len(pieces) == 1 else 1 if any(pieces) else 2)
    return tuple(segments), tuple(order)
