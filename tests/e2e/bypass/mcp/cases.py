"""Ways around a guard of MCP, each in several spellings as bytes on the wire. Of none anything reaches the server's tools.

Sent for somebody who may call `look` and nothing else. `TOKEN` stands for theirs and is as long.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

TOKEN = "T" * 40


@dataclass(frozen=True, slots=True)
class Case:
    """One way: what it is, and its spellings."""

    title: str
    texts: tuple[bytes, ...]


def _post(body: bytes, *headers: str, path: str = "/mcp", kind: str = "application/json") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: shop", f"Authorization: Bearer {TOKEN}", f"Content-Type: {kind}"]
    lines += ["Accept: application/json, text/event-stream", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body


def _call(name: str = "wipe", **more: object) -> bytes:
    return json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": {}}, **more}
    ).encode()


_LOOK = '"name":"look","arguments":{"sku":"a"}'


def _text(rest: str) -> bytes:
    """A message as it is written here, names twice and all."""
    return _post(('{"jsonrpc":"2.0","id":1,' + rest.replace("LOOK", _LOOK) + "}").encode())


_SMUGGLED = _post(_call())

CASES: tuple[Case, ...] = (
    Case(
        "a denied tool by its name",
        (_post(_call()), _post(_call("wipe ")), _post(_call("WIPE")), _post(_call("look\u0000wipe"))),
    ),
    Case(
        "batches",
        (
            _post(b"[" + _call() + b"]"),
            _post(b"[" + _call("look") + b"," + _call() + b"]"),
            _post(b"[]"),
            _post(_call() + _call()),
            _post(_call("look") + b"\n" + _call()),
        ),
    ),
    Case(
        "names that stand twice",
        (
            _text('"method":"tools/call","params":{LOOK,"name":"wipe"}'),
            _text('"method":"ping","method":"tools/call","params":{"name":"wipe"}'),
            _text('"method":"tools/call","params":{LOOK},"params":{"name":"wipe"}'),
            _text('"method":"tools/call","params":{LOOK,"n\\u0061me":"wipe"}'),
        ),
    ),
    Case(
        "names that differ in case only",
        (
            _text('"method":"tools/call","params":{LOOK,"Name":"wipe"}'),
            _text('"method":"tools/call","params":{LOOK},"Params":{"name":"wipe"}'),
            _text('"Method":"tools/call","params":{"name":"wipe"}'),
            _post(b'{"JSONRPC":"2.0","ID":1,"METHOD":"tools/call","PARAMS":{"NAME":"wipe"}}'),
        ),
    ),
    Case(
        "a call that wants no answer",
        (
            _post(b'{"jsonrpc":"2.0","method":"tools/call","params":{"name":"wipe"}}'),
            _post(_call(id=None)),
            _post(_call(id=[])),
            _post(_call(id=True)),
            _post(_call(id=1.5)),
        ),
    ),
    Case(
        "methods nobody knows, and spellings of those that somebody does",
        tuple(
            _post(_call(method=method))
            for method in (
                "tools/Call",
                "tools/call ",
                "/tools/call",
                "tools//call",
                "Tools/call",
                "tools/call\u0000",
                "tasks/result",
            )
        ),
    ),
    Case(
        "a call to be answered later, elsewhere",
        (
            _post(_call("look").replace(b'"arguments"', b'"task": {"ttl": 1}, "arguments"')),
            _post(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tasks/get", "params": {"taskId": "x"}}).encode()),
            _post(
                json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tasks/cancel", "params": {"taskId": "x"}}).encode()
            ),
            _post(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tasks/list"}).encode()),
        ),
    ),
    Case(
        "bodies of another type, or packed",
        (
            _post(_call(), kind="text/plain"),
            _post(_call(), kind="application/json-rpc"),
            _post(_call(), "Content-Encoding: gzip"),
            _post(_call(), "Content-Type: text/plain"),
            _post(_call().decode().encode("utf-16")),
            _post(b"\xef\xbb\xbf" + _call()),
            _post(_call(), kind="application/json; charset=utf-7"),
        ),
    ),
    Case(
        "another place",
        tuple(
            _post(_call("look"), path=path)
            for path in ("/", "/mcp/", "/mcp?x=1", "/sse", "/messages", "//mcp", "/x/../mcp", "/%6dcp")
        ),
    ),
    Case(
        "sessions of somebody else",
        tuple(_post(_call("look"), f"Mcp-Session-Id: {one}") for one in ("s1", "0" * 32, "../x", "a b", "")),
    ),
    Case(
        "headers that mean another call to some servers",
        (
            _post(_call(), "Mcp-Method: tools/list", "Mcp-Name: look"),
            _post(_call(), "X-HTTP-Method-Override: GET"),
            _post(_call(), "X-Original-URL: /admin"),
            _post(_call("wipe"), "Mcp-Protocol-Version: 2026-07-28"),
        ),
    ),
    Case(
        "a second message behind the first",
        (
            _post(_call("none")) + _SMUGGLED,
            _post(_call("none")).replace(b"Content-Length", b"Transfer-Encoding: chunked\r\nContent-Length")
            + _SMUGGLED,
            _post(_call("none")).replace(b"HTTP/1.1", b"HTTP/1.0") + _SMUGGLED,
            _post(b"0\r\n\r\n" + _SMUGGLED, "Transfer-Encoding: chunked"),
        ),
    ),
    Case(
        "replies and requests that are none of a client's",
        (
            _post(b'{"jsonrpc":"2.0","id":1,"result":{}}'),
            _post(b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}'),
            _post(b'{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{}}'),
            _post(b'{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{}}'),
        ),
    ),
)
