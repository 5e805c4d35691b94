"""Calls inside a body: GraphQL operations, JSON-RPC and MCP calls, one by one, batches too."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.command.documents.json_text import read_json
from engine.command.documents.refusal import Refused
from engine.command.documents.values import Value
from engine.command.http.content import Content
from engine.command.http.graphql import read_graphql
from engine.command.http.kinds import EFFECTS
from engine.command.tree import Access, Operation, Target

MAX_CALLS = 200

_GRAPHQL = {"query": "graphql_query", "mutation": "graphql_mutation", "subscription": "graphql_subscription"}
_ACCESS = {"query": Access.READ, "mutation": Access.WRITE, "subscription": Access.READ}
_GRAPHQL_KEYS = frozenset({"query", "variables", "operationName", "extensions", "id", "documentId", "doc_id"})
_DOCUMENT = re.compile(
    r"(?:[\ufeff\t \r\n,]|\#[^\r\n]*)*+(?:(?P<named>(?:query|mutation|subscription|fragment)\b[^{]*\{)|\{)"
)
"""How every document begins."""
_RPC_KEYS = frozenset({"jsonrpc", "method", "params", "id", "result", "error"})
_MCP_READS = frozenset(
    {
        *("initialize", "ping", "tools/list", "resources/list", "resources/read", "resources/templates/list"),
        *("resources/subscribe", "resources/unsubscribe", "prompts/list", "prompts/get", "completion/complete"),
        *("logging/setLevel", "roots/list", "notifications/initialized", "notifications/cancelled"),
        *("notifications/progress", "notifications/roots/list_changed"),
    }
)


def calls_in(content: Content, path: str, query: dict[str, tuple[str, ...]]) -> list[Operation]:
    """The calls a request carries; none when its body is of another kind. Adds features. Raises Refused."""
    is_graphql = "graphql" in path.lower()
    if content.media == "application/graphql" and content.text is not None:
        named: dict[str, Value] = {"query": content.text, "operationName": (query.get("operationName") or (None,))[0]}
        return list(_graphql(content, named, ("top", "graphql"), query.get("operationName", ())))
    if content.document is None:
        return _in_query(content, query, is_graphql=is_graphql)
    # WHY both: a server that finds a query in the body may still take the one in the URL.
    also = query.get("operationName", ())
    return _in_document(content, content.document, also, is_graphql=is_graphql) + _in_query(
        content, query, is_graphql=False
    )


def is_nothing_else(content: Content, path: str) -> bool:
    """Whether a request that carries calls is those alone, and no request like others that happens to look so."""
    if "graphql" in path.lower() or content.media == "application/graphql":
        return True
    entries = content.document if isinstance(content.document, list) else [content.document]
    return all(isinstance(one, dict) and (_is_rpc(one) or one.keys() <= _GRAPHQL_KEYS) for one in entries)


def _in_document(content: Content, document: Value, also: tuple[str, ...] = (), *, is_graphql: bool) -> list[Operation]:
    """`also`: operations that the URL asks for, which some servers prefer."""
    entries = document if isinstance(document, list) else [document]
    is_batch = isinstance(document, list)
    if not entries or not all(_is_call(one, is_graphql=is_graphql) for one in entries):
        if is_graphql or any(_is_call(one, is_graphql=is_graphql) for one in entries):
            raise Refused("calls", "the body has something that is no call beside what is one, or nothing at all")
        return []
    if len(entries) > MAX_CALLS:
        raise Refused("calls", f"the body has more than {MAX_CALLS} calls")
    found: list[Operation] = []
    for entry in entries:
        via = ("top", "batch") if is_batch else ("top",)
        if not isinstance(entry, dict):
            raise Refused("calls", "a call is no object")
        found.extend(
            _rpc(entry, (*via, "rpc")) if _is_rpc(entry) else _graphql(content, entry, (*via, "graphql"), also)
        )
    return found


def _in_query(content: Content, query: dict[str, tuple[str, ...]], *, is_graphql: bool) -> list[Operation]:
    """GraphQL in the query of a GET, or in a form; in a form with files (`operations`) too."""
    texts = {name: values[0] for name, values in query.items() if name in _GRAPHQL_KEYS}
    also = query.get("operationName", ())
    if content.kind in ("form", "multipart"):
        texts |= {key[1:]: str(value) for key, value in content.facts.items() if key[1:] in _GRAPHQL_KEYS}
        packed = content.facts.get("/operations")
        if isinstance(packed, str) and (is_graphql or packed.lstrip()[:1] in ("{", "[")):
            return _in_document(content, read_json(packed.encode()), also, is_graphql=is_graphql)
        if is_graphql and any(key.startswith(("/query/", "/operations/")) for key in content.facts):
            raise Refused("graphql", "the query stands twice")
    if "query" in texts and len(query.get("query", ())) > 1:
        raise Refused("graphql", "the query stands twice")
    if is_graphql and ("query" in texts or "extensions" in texts):
        return list(_graphql(content, dict(texts), ("top", "graphql"), also))
    return list(_graphql(content, dict(texts), ("top", "graphql"), also)) if _is_document(texts.get("query")) else []


def _is_call(entry: Value, *, is_graphql: bool) -> bool:
    return _is_rpc(entry) or _is_graphql(entry, is_graphql=is_graphql)


def _is_graphql(entry: Value, *, is_graphql: bool) -> bool:
    if not isinstance(entry, dict):
        return False
    # WHY whatever else stands beside it: servers leave out what they do not know.
    if is_graphql:
        return bool(entry.keys() & _GRAPHQL_KEYS)
    return _is_document(entry.get("query"), is_alone=entry.keys() <= _GRAPHQL_KEYS)


def _is_document(text: Value, *, is_alone: bool = True) -> bool:
    """Whether somebody may take a text for a document of GraphQL, though it be one that is not read here."""
    found = _DOCUMENT.match(text) if isinstance(text, str) else None
    if found is None or not isinstance(text, str):
        return False
    # WHY not each `{`: other languages of queries begin so too (`{app="shop"}`); without a word it can only be a query.
    return found["named"] is not None or "mutation" in text or (is_alone and _is_read(text))


def _is_read(text: str) -> bool:
    try:
        return bool(read_graphql(text))
    except Refused:
        return False


def _graphql(
    content: Content, entry: dict[str, Value], via: tuple[str, ...], also: tuple[str, ...] = ()
) -> Iterator[Operation]:
    text, chosen = entry.get("query"), entry.get("operationName")
    if not isinstance(text, str) or not text.strip():
        content.features.add("persisted_query")
        raise Refused("graphql", "the query is named and not in the request: nobody here can read it")
    operations = read_graphql(text)
    if any(name and name != chosen for name in also):
        raise Refused("graphql", "the URL asks for another operation than the body")
    if isinstance(chosen, str) and chosen:
        operations = [one for one in operations if one.name == chosen]
        if not operations:
            raise Refused("graphql", "the operation that is asked for is not in the document")
    elif len(operations) > 1:
        raise Refused("graphql", "the document has several operations and the request names none")
    for one in operations:
        kind = _GRAPHQL[one.type]
        targets = tuple(Target("field", f"{one.type}.{name}", _ACCESS[one.type]) for name in one.fields)
        yield Operation(kind, EFFECTS[kind], via, targets)


def _is_rpc(entry: Value) -> bool:
    return isinstance(entry, dict) and "jsonrpc" in entry


def _rpc(entry: dict[str, Value], via: tuple[str, ...]) -> Iterator[Operation]:
    method = entry.get("method")
    if entry.get("jsonrpc") != "2.0" or not entry.keys() <= _RPC_KEYS:
        raise Refused("json_rpc", "the call is no JSON-RPC 2.0")
    if method is None and ("result" in entry or "error" in entry):
        # An answer to a request of the server, which the Model Context Protocol sends this way.
        yield Operation("mcp_request", EFFECTS["mcp_request"], via)
        return
    if not isinstance(method, str):
        raise Refused("json_rpc", "the call has no method")
    if method == "tools/call":
        params = entry.get("params")
        name = params.get("name") if isinstance(params, dict) else None
        if not isinstance(name, str):
            raise Refused("json_rpc", "the call of a tool does not name it")
        yield Operation("mcp_tool_call", EFFECTS["mcp_tool_call"], via, (Target("tool", name, Access.EXECUTE),))
        return
    kind = "mcp_request" if method in _MCP_READS else "rpc_call"
    access = Access.READ if kind == "mcp_request" else Access.EXECUTE
    yield Operation(kind, EFFECTS[kind], via, (Target("method", method, access),))
