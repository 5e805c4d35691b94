"""What the words of an HTTP command mean: kinds, features, steps of `via`; and what a method does.

Policies are checked against these tables, and `docs/commands.md` is written from them.
"""

from __future__ import annotations

from engine.command.tree import Access, Effect
from engine.command.words import Kind

KINDS: tuple[Kind, ...] = (
    Kind("unknown", Effect.UNKNOWN, "A request that is refused or not understood, or a method nobody knows"),
    Kind("get", Effect.READ, "GET"),
    Kind("head", Effect.READ, "HEAD"),
    Kind("options", Effect.READ, "OPTIONS"),
    Kind("post", Effect.WRITE, "POST, unless its body or the OpenAPI document says more"),
    Kind("put", Effect.WRITE, "PUT"),
    Kind("patch", Effect.WRITE, "PATCH"),
    Kind("delete", Effect.DELETE, "DELETE, and PURGE of a cache"),
    Kind("connect", Effect.EXECUTE, "CONNECT: a connection to anywhere, of which nothing is seen"),
    Kind("upgrade", Effect.EXECUTE, "An upgrade of the connection, to WebSocket say"),
    Kind("propfind", Effect.READ, "PROPFIND, SEARCH, REPORT, QUERY: reading with a body"),
    Kind(
        "webdav_write",
        Effect.WRITE,
        "COPY, MOVE, MKCOL, PROPPATCH, LOCK, UNLOCK, LINK, UNLINK; of COPY and MOVE `Destination` is a target too",
    ),
    Kind("graphql_query", Effect.READ, "A query of GraphQL; targets are its root fields"),
    Kind("graphql_subscription", Effect.READ, "A subscription of GraphQL"),
    Kind("graphql_mutation", Effect.WRITE, "A mutation of GraphQL; targets are its root fields"),
    Kind("rpc_call", Effect.EXECUTE, "A call of JSON-RPC; the target is its method"),
    Kind("mcp_tool_call", Effect.EXECUTE, "A call of a tool by the Model Context Protocol; the target is the tool"),
    Kind(
        "mcp_request", Effect.READ, "Another request of that protocol that only reads or opens (lists, initialize ...)"
    ),
)

KIND_NAMES: frozenset[str] = frozenset(kind.name for kind in KINDS)
EFFECTS: dict[str, Effect] = {kind.name: kind.effect for kind in KINDS}

ACCESS: dict[Effect, Access] = {
    Effect.READ: Access.READ,
    Effect.WRITE: Access.WRITE,
    Effect.CREATE: Access.CREATE,
    Effect.DELETE: Access.DELETE,
}
"""What an effect is to the route it has; every other one executes."""

METHODS: dict[str, str] = {
    **{name: name.lower() for name in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "CONNECT")},
    **dict.fromkeys(("PROPFIND", "SEARCH", "REPORT", "QUERY"), "propfind"),
    **dict.fromkeys(("COPY", "MOVE", "MKCOL", "PROPPATCH", "LOCK", "UNLOCK", "LINK", "UNLINK"), "webdav_write"),
    "PURGE": "delete",
}
"""The kind of each method that is known. TRACE, TRACK and the rest are `unknown`."""

FEATURES: dict[str, str] = {
    "address_host": "the host is an address, not a name",
    "access_token": "a token or key stands in the query, where logs keep it",
    "body_mismatch": "the body is not what its Content-Type says",
    "control_character": "a value has line breaks or other control characters",
    "credentials_in_url": "a user name or password stands in the URL",
    "dotdot_value": "a value of query or form has `..` segments or names a file of the system",
    "fragment": "the target has a fragment, which is dropped: it does not belong on the wire",
    "forwarding_header": "a header that only a proxy sets (`X-Forwarded-*`, `X-Original-URL` ...) is in the request",
    "internal_host": "the host is inside: loopback, link-local, private, or a name without a public part",
    "keys_differ_in_case": "two keys of one JSON object differ only in case, which some servers take for one",
    "link_local_host": "the host is a link-local address",
    "loopback_host": "the host is this machine",
    "metadata_host": "the host is a cloud's metadata service",
    "method_override": "a header or parameter asks for another method",
    "names_change": "a request that reads by its method has a word such as `create` or `update` in its path, operation or action",
    "names_deletion": "a word such as `delete`, `remove`, `purge` stands in the path, operation, action (`X-Amz-Target` too) or name of a call",
    "no_host": "the request says no host",
    "opaque_body": "the body is not read (binary, compressed, of an unknown type)",
    "patch_moves": "a JSON patch (RFC 6902) copies or moves values: the command is not `complete`",
    "patch_removes": "a JSON patch (RFC 6902) removes something; what it sets stands in `body` at the place it sets",
    "persisted_query": "a query of GraphQL is named by its hash and not in the request",
    "private_host": "the host is a private address",
    "repeated_parameter": "a parameter stands more than once; servers pick different ones",
    "route_unknown": "the OpenAPI document has no such path and method",
    "secret_in_query": "a secret of an unmistakable form stands in the query or path",
    "semicolon_query": "the query has a semicolon, which some servers take for a separator",
    "underscore_header": "a header name has an underscore, which some servers take for a hyphen",
    "unread_body": "a body follows that was too long to be read: the command is not complete",
    "upgrade": "the connection is to be upgraded",
    "url_value": "a value is a URL of its own",
    "url_to_internal": "a value is a URL whose host is inside",
    "written_request": "the request is written down (`GET https://...`), not as it stands on a wire",
}

VIA: dict[str, str] = {
    "top": "the request itself",
    "override": "the method that a header or parameter asks for",
    "graphql": "an operation of a GraphQL document",
    "batch": "one of several calls, or of several requests, in one body",
    "rpc": "a call in the body",
}
