"""Requests inside a body: a batch of them (OData, Microsoft Graph, Facebook), each judged as the request that it is.

Not here: calls of GraphQL and JSON-RPC (`calls`), multipart batches, which nobody reads (`content`). Called by `parse`.
"""

from __future__ import annotations

from engine.command.documents.json_text import read_json
from engine.command.documents.refusal import Refused
from engine.command.documents.values import Value
from engine.command.http.calls import MAX_CALLS
from engine.command.http.kinds import ACCESS, EFFECTS, METHODS
from engine.command.http.path import canonical_path
from engine.command.http.url import parse_url
from engine.command.tree import Access, Operation, Target

_PLACES = ("url", "relative_url", "relativeUrl", "path", "uri", "href")


def requests_in(document: Value, place: str) -> list[Operation]:
    """One operation for each request in a list, whatever stands beside it there: who runs the batch may pass that over. `place` is the
    host that paths belong to. Raises Refused."""
    found: list[Operation] = []
    for entries in _lists(document):
        pairs = [pair for pair in map(_request, entries) if pair is not None]
        if len(pairs) > MAX_CALLS:
            raise Refused("calls", f"the body has more than {MAX_CALLS} requests")
        found.extend(_operation(method, url, place) for method, url in pairs)
    return found


def _lists(document: Value) -> list[list[Value]]:
    """The lists a batch may stand in: the document, or one of its members; in a form such a member is a text."""
    if isinstance(document, list):
        return [document]
    members = list(document.values()) if isinstance(document, dict) else []
    texts = [one for one in members if isinstance(one, str) and one.lstrip()[:1] == "["]
    return [one for one in (*members, *map(_read, texts)) if isinstance(one, list)]


def _read(text: str) -> Value:
    try:
        return read_json(text.encode("utf-8", "surrogatepass"))
    except Refused:
        return None


def _request(entry: Value) -> tuple[str, str] | None:
    if not isinstance(entry, dict):
        return None
    method = entry.get("method")
    url = next((entry[key] for key in _PLACES if isinstance(entry.get(key), str)), None)
    if not isinstance(method, str) or method.strip().upper() not in METHODS or not isinstance(url, str):
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
