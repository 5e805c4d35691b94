"""Requests inside a body: a batch of them (OData, Microsoft Graph, Facebook, Asana, Salesforce), each judged as the request that it is.

Not here: calls of GraphQL and JSON-RPC (`calls`), multipart batches, which nobody reads (`content`). Called by `parse`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.command.documents.json_text import read_json
from engine.command.documents.refusal import Refused
from engine.command.documents.values import Value
from engine.command.http.calls import MAX_CALLS
from engine.command.http.kinds import ACCESS, EFFECTS, METHODS
from engine.command.http.path import canonical_path
from engine.command.http.url import parse_url
from engine.command.tree import Access, Operation, Target

_WAYS = ("method", "httpmethod", "requestmethod", "verb")
_PLACES = (
    "url",
    "relativeurl",
    "path",
    "relativepath",
    "uri",
    "href",
    "requesturi",
    "requesturl",
    "endpoint",
    "resource",
)
"""Members of a request in a batch, without regard to case, `_` and `-`; the first that is there says where it goes."""
_NAMES = frozenset({"endpoint", "resource"})
"""Those that name other things too, and are places only where they begin as a path does."""


def requests_in(document: Value, place: str) -> list[Operation]:
    """One operation for each request in a list, whatever stands beside it there: who runs the batch may pass that over. `place` is the
    host that paths belong to. Raises Refused."""
    found: list[Operation] = []
    for entries, is_near in _lists(document):
        pairs = [pair for pair in map(_request, entries) if pair is not None]
        if not is_near:
            # WHY: what is told of requests to elsewhere (events, traces, bookmarks) is further inside than batches are for others.
            pairs = [(method, url) for method, url in pairs if _is_here(url, place)]
        if len(found) + len(pairs) > MAX_CALLS:
            raise Refused("calls", f"the body has more than {MAX_CALLS} requests")
        found.extend(_operation(method, url, place) for method, url in pairs)
    return found


def _lists(document: Value) -> Iterator[tuple[list[Value], bool]]:
    """The lists a batch may stand in, at any depth, and whether it is the document or a member of it; in a form such a member is a text.

    An object whose every member is a request is a batch that names its requests. Readers bound what a document may hold.
    """
    waiting: list[tuple[Value, int]] = [(document, 0)]
    while waiting:
        here, depth = waiting.pop()
        inside = list(here.values()) if isinstance(here, dict) else here if isinstance(here, list) else []
        if inside and (isinstance(here, list) or all(_request(one) is not None for one in inside)):
            yield inside, depth <= 1 and isinstance(here, list)
        texts = [one for one in inside if isinstance(one, str) and one.lstrip()[:1] in ("[", "{")] if depth == 0 else []
        waiting.extend(
            (one, depth + 1) for one in reversed([*inside, *map(_read, texts)]) if isinstance(one, dict | list)
        )


def _is_here(url: str, place: str) -> bool:
    """Whether a place is a path, or a URL of the host that the batch is sent to."""
    _, mark, rest = (
        url.partition("://")
        if "://" in url.partition("?")[0]
        else url.partition("//")
        if url.startswith("//")
        else ("", "", "")
    )
    return not mark or rest.partition("/")[0].partition("?")[0].lower() == place.lower()


def _read(text: str) -> Value:
    try:
        return read_json(text.encode("utf-8", "surrogatepass"))
    except Refused:
        return None


def _request(entry: Value) -> tuple[str, str] | None:
    if not isinstance(entry, dict):
        return None
    if not any(isinstance(one, str) and one[:20].strip().upper() in METHODS for one in entry.values()):
        return None
    plain = {re.sub(r"[_\-]", "", key).lower(): value for key, value in entry.items()}
    method = next((way for key in _WAYS if isinstance(way := plain.get(key), str)), None)
    url = next((where for key in _PLACES if isinstance(where := plain.get(key), str)), None)
    if method is None or method.strip().upper() not in METHODS or url is None:
        return None
    if not url.startswith("/") and not any(key not in _NAMES and isinstance(plain.get(key), str) for key in _PLACES):
        return None
    return method.strip().upper(), url


def _operation(method: str, url: str, place: str) -> Operation:
    path = url.partition("?")[0].partition("#")[0]
    if "://" in path or path.startswith("//"):
        parsed = parse_url(path if "://" in path else f"http:{path}")
        place = parsed.host or place
        path = "/" + path.partition("//")[2].partition("/")[2]
    shown = canonical_path(path if path.startswith("/") else f"/{path}")
    kind = METHODS[method]
    access = ACCESS.get(EFFECTS[kind], Access.EXECUTE)
    return Operation(kind, EFFECTS[kind], ("top", "batch"), (Target("route", f"{place}{shown}", access),))
