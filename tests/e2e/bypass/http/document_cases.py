"""Bodies in which a guard and a server may find different things (100, 101), each way in several spellings.

Sent for a developer who may write and may neither make an administrator (`role`) nor delete anybody. Nothing of that may be reached,
whatever the target reads (`service`).
"""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass

from tests.e2e.bypass.http.cases import TOKEN
from tests.e2e.bypass.http.service import STORED

JSON, FORM, PATCH = "application/json", "application/x-www-form-urlencoded", "application/json-patch+json"
MULTIPART = "multipart/form-data; boundary=b"


@dataclass(frozen=True, slots=True)
class Case:
    """One way: its number in the list, what it is, its spellings as bytes on the wire."""

    number: int
    title: str
    texts: tuple[bytes, ...]


def post(body: bytes | str, media: str = JSON, *headers: str, line: str = "POST /users") -> bytes:
    raw = body.encode() if isinstance(body, str) else body
    said = [f"Content-Type: {media}"] if media else []
    lines = [
        f"{line} HTTP/1.1",
        "Host: shop",
        f"Authorization: Bearer {TOKEN}",
        *said,
        f"Content-Length: {len(raw)}",
        *headers,
    ]
    return "\r\n".join((*lines, "", "")).encode("latin-1") + raw


def part(name: str, value: str, more: str = "") -> str:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'


def frame(message: bytes, flags: int = 0) -> bytes:
    return bytes((flags,)) + len(message).to_bytes(4, "big") + message


ROLE = '{"role": "admin"}'
DELETE = "mutation { deleteUser(id: 1) { id } }"
_CALL = '{"jsonrpc": "2.0", "id": 1, "method": "user.delete"}'
_READ = '{"jsonrpc": "2.0", "id": 2, "method": "ping"}'
_QUERY = json.dumps({"query": DELETE})

DOCUMENTS: tuple[Case, ...] = (
    Case(100, "two keys that are one", tuple(post(text) for text in (
        '{"role": "viewer", "role": "admin"}', '{"role": "admin", "role": "viewer"}', '{"role": "viewer", "r\\u006fle": "admin"}',
        '{"role": "viewer", "Role": "admin"}', '{"role": "viewer", "ROLE": "admin"}', '{"a": {"role": "viewer", "role": "admin"}}',
        '{"role": "viewer", "role\\u0000": "x", "role": "admin"}', '[{"role": "viewer", "role": "admin"}]',
    ))),
    Case(100, "escaped keys and values", tuple(post(text) for text in (
        '{"role": "\\u0061dmin"}', '{"\\u0072ole": "admin"}', '{"\\u0072\\u006f\\u006c\\u0065": "\\u0061\\u0064\\u006d\\u0069\\u006e"}', '{"role": "Admin"}', '{"role": " admin"}',
    ))),
    Case(100, "what is no JSON and read as if it were", tuple(post(text) for text in (
        '{"n": NaN, "role": "admin"}', '{"n": 1e400, "role": "admin"}', '{"n": -Infinity, "role": "admin"}', '{"role": "admin",}', "{'role': 'admin'}", '{role: "admin"}',
        '/* x */ {"role": "admin"}', '{"role": "viewer" /*, */, "role": "admin"}', '// x\n{"role": "admin"}', ")]}'\n" + ROLE, "\0" + ROLE, '{"n": 01, "role": "admin"}', '{"role": "admin"};',
        '{"n": "\t", "role": "admin"}', '{"n": "\\x41", "role": "admin"}',
    ))),
    Case(100, "another encoding of letters", (
        *(post(ROLE.encode(encoding)) for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")),
        *(post(ROLE.encode(name), f"{JSON}; charset={name}") for name in ("utf-16", "utf-16-le", "utf-7", "utf-32")),
        post(b'{"n": "\xff", "role": "admin"}'), post(b'{"n": "\xc0\xae", "role": "admin"}'), post(b'{"n": "\xed\xa0\x80", "role": "admin"}'),
        post('{"n": "\\ud800", "role": "admin"}'),
    )),
    Case(100, "more than one document", tuple(post(text) for text in (
        '{"role": "viewer"}{"role": "admin"}', '{"role": "viewer"}\n{"role": "admin"}', '{}\r\n' + ROLE, "[]" + ROLE, "null " + ROLE, '{"role": "viewer"}\0{"role": "admin"}', "\x1e{}\n\x1e" + ROLE,
    ))),
    Case(100, "deeper, longer or more than is looked at", (
        post("[" * 5000 + ROLE + "]" * 5000), post('{"a":' * 900 + ROLE + "}" * 900), post(json.dumps({"pad": "x" * 40_000, "role": "admin"})),
        post(json.dumps({**{f"k{number}": number for number in range(1500)}, "role": "admin"})), post(json.dumps({"pad": "x" * 300_000, "role": "admin"})),
        post(json.dumps({"role": "admin" + " " * 40_000})),
    )),
    Case(100, "JSON under another name", (
        *(post(ROLE, media) for media in (
            "text/plain", "text/json", "", "application/x-json", FORM, "application/octet-stream", "text/plain; charset=utf-8", "application/jsonp", "application/json, text/plain",
            "application/json; a=b; a=c", "application/x-ndjson", "multipart/form-data; boundary=b", "application/xml", "image/png",
        )),
        post(ROLE, "text/plain", "Content-Type: application/json"),
    )),
    Case(100, "JSON in a packing", (
        post(gzip.compress(ROLE.encode()), JSON, "Content-Encoding: gzip"), post(zlib.compress(ROLE.encode()), JSON, "Content-Encoding: deflate"),
        post(ROLE, JSON, "Content-Encoding: br"), post(ROLE, JSON, "Content-Encoding: identity, gzip"), post(gzip.compress(ROLE.encode()), JSON, "Content-Encoding: x-gzip"),
        post(gzip.compress(ROLE.encode())), post(ROLE, JSON, "Content-Encoding: aes128gcm"),
    )),
    Case(100, "fields of forms that stand twice or inside others", (
        *(post(text, FORM) for text in (
            "role=viewer&role=admin", "role=viewer;role=admin", "role%5B%5D=admin&role=viewer", "user%5Brole%5D=admin", "r%6fle=admin", "role=%61dmin", "role=viewer\nrole=admin", "%72ole=admin&x=%zz",
        )),
        *(post(text + "--b--\r\n", MULTIPART) for text in (
            part("role", "viewer") + part("role", "admin"), part("role", "viewer") + part("role", "admin", '; filename="x"'), part("role", "admin", '; name="x"'),
            part("x", "y") + '--b\r\nContent-Disposition: form-data; name=role\r\n\r\nadmin\r\n', part("user[role]", "admin"),
        )),
        post("preamble\r\n" + part("role", "admin") + "--b--\r\n", MULTIPART), post(part("role", "admin") + "--b--\r\n", "multipart/form-data; boundary=b; boundary=c"),
        post(part("role", "admin") + "--b--\r\n", "multipart/mixed; boundary=b"),
    )),
    Case(101, "several operations of GraphQL", tuple(post(json.dumps(document), line="POST /graphql") for document in (
        [{"query": "{ users { id } }"}, {"query": DELETE}], {"query": "query A { users { id } } " + DELETE.replace("mutation", "mutation B"), "operationName": "B"},
        {"query": "query A { users { id } } " + DELETE.replace("mutation", "mutation A")}, {"query": "mutation { a: deleteUser(id: 1) { id } b: deleteUser(id: 2) { id } }"},
        {"query": "mutation { ...F } fragment F on M { deleteUser(id: 1) { id } }"}, {"query": "mutation { ... on M { users: deleteUser(id: 1) { id } } }"},
        {"query": "mutation ($x: Boolean = true) { deleteUser(id: 1) @include(if: $x) { id } }"}, {"query": "# { users }\n" + DELETE}, {"query": ",,\ufeff" + DELETE},
        {"query": "mutation { " + " ".join(f"f{number}: me" for number in range(3)) + " deleteUser(id: 1) { id } }"},
    ))),
    Case(101, "queries of GraphQL that are only named", (
        *(post(json.dumps(document), line="POST /graphql") for document in (
            {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": STORED}}}, {"id": STORED}, {"query": "", "extensions": {"persistedQuery": {"sha256Hash": STORED}}},
            {"query": None, "id": STORED}, [{"query": "{ users { id } }"}, {"id": STORED}], {"documentId": STORED, "id": STORED},
        )),
        post("", JSON, line=f"GET /graphql?extensions=%7B%22persistedQuery%22%3A%7B%22sha256Hash%22%3A%22{STORED}%22%7D%7D").replace(b"Content-Type: application/json\r\nContent-Length: 0\r\n", b""),
    )),
    Case(101, "GraphQL where nobody looks for it", (
        post(json.dumps({"query": DELETE, "more": 1}), line="POST /gql"), post(json.dumps([{"query": DELETE}, {"more": 1}]), line="POST /gql"), post(json.dumps({"query": " ,#\n" + DELETE}), line="POST /api"),
        post(json.dumps({"query": "mutation { " + " ".join(f"f{number}" for number in range(600)) + " deleteUser }", "more": 1}), line="POST /gql"),
        post("query=mutation%20%7B%20deleteUser%20%7D", FORM, line="POST /gql"), post("query=mutation%20%7B%20deleteUser%20%7D", FORM, line="POST /graphql"),
        post(part("operations", _QUERY) + part("map", "{}") + "--b--\r\n", MULTIPART, line="POST /graphql"), post(part("operations", f"[{_QUERY}]") + "--b--\r\n", MULTIPART, line="POST /gql"),
        post(part("operations", '{"query": "{ a }"}') + part("operations", _QUERY) + "--b--\r\n", MULTIPART, line="POST /graphql"),
        post('{"a": 1}', line="POST /gql?query=mutation%20%7B%20deleteUser%20%7D"), post('{"query": "{ users { id } }"}', line="POST /graphql?query=mutation%20%7B%20deleteUser%20%7D"),
        post("", JSON, line="GET /gql?query=mutation%20%7B%20deleteUser%20%7D").replace(b"Content-Type: application/json\r\nContent-Length: 0\r\n", b""),
        *(post(json.dumps({"query": "query A { users { id } } " + DELETE.replace("mutation", "mutation B"), **named}), line="POST /graphql?operationName=B")
          for named in ({"operationName": "A"}, {})),
        post(DELETE, "application/graphql", line="POST /graphql"), post(DELETE, "text/plain", line="POST /graphql?query=mutation%20%7B%20deleteUser%20%7D"),
    )),
    Case(101, "calls in a batch", tuple(post(text, line="POST /rpc") for text in (
        f"[{_READ}, {_CALL}]", f"[{_CALL}]", _CALL, f"[{_READ}, [{_CALL}]]", f"[{_READ}, {{}}, {_CALL}]", _CALL.replace('"2.0"', '"1.0"'), _CALL.replace('"jsonrpc": "2.0", ', ""),
        _CALL.replace('"id"', '"method": "ping", "id"'), _CALL.replace("user.delete", "user.d\\u0065lete"), "[" + ", ".join([_READ] * 250 + [_CALL]) + "]",
    ))),
    Case(101, "messages of gRPC", (
        *(post(frame(b"\n\x011"), media, line="POST /shop.Users/Delete") for media in (
            "application/grpc-web+proto", "application/grpc", "application/grpc-web", "application/grpc+json", "application/grpc-web-text",
        )),
        post(frame(b"{}"), "application/grpc-web+json", line="POST /shop.Users/Delete"), post(b"AAAAAAMKATE=", "application/grpc-web-text", line="POST /shop.Users/Delete"),
    )),
    Case(101, "a patch that copies, moves or removes", tuple(post(json.dumps(changes), PATCH, line="PATCH /users") for changes in (
        [{"op": "copy", "from": "/owner", "path": "/role"}], [{"op": "move", "from": "/owner", "path": "/role"}], [{"op": "replace", "path": "/role", "value": "admin"}],
        [{"op": "add", "path": "/role", "value": "viewer"}, {"op": "add", "path": "/role", "value": "admin"}], [{"op": "add", "path": "", "value": {"role": "admin"}}],
        [{"op": "remove", "path": "/role"}], {"op": "replace", "path": "/role", "value": "admin"}, [{"op": "replace", "path": "/a/role", "value": "admin"}],
        [[{"op": "replace", "path": "/role", "value": "admin"}]],
    ))),
)  # fmt: skip

HARMLESS: tuple[bytes, ...] = (
    post('{"role": "viewer", "name": "Zo\\u00eb"}'),
    post(json.dumps({"query": "{ users { id } }"}), line="POST /graphql"),
    post(json.dumps([{"op": "replace", "path": "/name", "value": "Zoe"}]), PATCH, line="PATCH /users"),
    post("role=viewer&name=Zoe", FORM),
    post("[1e2, true, null]"),
)
"""What looks like it and goes through."""
