"""Texts that are made to take long, to nest or to grow: each ends quickly, in a tree."""

from __future__ import annotations

import json

import pytest

from engine.command.http.openapi import compile_openapi
from engine.command.http.parse import parse_http
from tests.time_bounds import within
from tests.web_requests import raw_request

SECONDS = 6.0
KIB = 1024
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

BODIES = {
    "nested lists": (JSON, "[" * 500 * KIB),
    "nested objects": (JSON, '{"a":' * 100 * KIB),
    "escaped quotes without an end": (JSON, '"' + '\\"' * 400 * KIB),
    "many strings": (JSON, "[" + ",".join(['""'] * 99_000) + "]"),
    "many keys and one twice": (JSON, "{" + ",".join(f'"k{n}":0' for n in range(60_000)) + ',"k59999":0}'),
    "keys that differ in case": (JSON, json.dumps({f"K{n}": 0 for n in range(50_000)})),
    "long numbers": (JSON, "[" + ",".join(["1" * 4000] * 200) + "]"),
    "one long string": (JSON, json.dumps("x" * 900 * KIB)),
    "many parameters": (FORM, "&".join(["a"] * 400 * KIB)),
    "many escapes": (FORM, "a=" + "%41" * 300 * KIB),
    "lines of JSON": ("application/x-ndjson", "{}\n" * 9_000),
    "graphql fields": ("application/graphql", "{" + " a" * 400 * KIB + "}"),
    "graphql braces": ("application/graphql", "{a" * 400 * KIB),
    "graphql strings": ("application/graphql", '{a(x:"' + '\\"' * 400 * KIB),
    "graphql comments": ("application/graphql", "#\n" * 400 * KIB),
    "parts": ("multipart/form-data; boundary=b", "--b\r\n" * 150 * KIB),
    "boundaries": ("multipart/form-data; boundary=b", "--b\r\n" + "\r\n--b" * 150 * KIB + "\r\n--b--"),
    "urls": (JSON, json.dumps(["http://" + "a." * 1000 + "%2e" * 500] * 200)),
    "escapes of escapes": (JSON, json.dumps(["%25" * 1300] * 200)),
    "text like JSON": ("text/plain", "[" * 900 * KIB),
    "batches": (JSON, json.dumps([{"jsonrpc": "2.0", "method": "x"}] * 20_000)),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies_end_quickly(name: str) -> None:
    media, body = BODIES[name]
    raw = raw_request("POST", "/graphql" if "graphql" in name else "/a", {"Content-Type": media}, body)
    command = within(SECONDS, lambda: parse_http(raw).command)
    assert command.operations
    assert len(json.dumps(command.operations, default=str)) < 200 * KIB


HEADS = {
    "a long path": "GET /" + "a/" * 7000 + " HTTP/1.1\r\n\r\n",
    "escapes": "GET /" + "%C3%A9" * 2500 + " HTTP/1.1\r\n\r\n",
    "a long query": "GET /?" + "a=http://b&" * 1400 + " HTTP/1.1\r\n\r\n",
    "a long host": "GET / HTTP/1.1\r\nHost: " + "a." * 30_000 + "\r\n\r\n",
    "a host of numbers": "GET / HTTP/1.1\r\nHost: " + "1." * 500 + "\r\n\r\n",
    "a host of zeros": "GET / HTTP/1.1\r\nHost: " + "0" * 1000 + "\r\n\r\n",
    "an address that does not end": "GET / HTTP/1.1\r\nHost: [" + ":" * 1000 + "]\r\n\r\n",
    "header lines": "GET / HTTP/1.1\r\n" + "A: b\r\n" * 10_000 + "\r\n",
    "a long header": "GET / HTTP/1.1\r\nA: " + " " * 60_000 + "\r\n\r\n",
    "a content type": "POST / HTTP/1.1\r\nContent-Type: a/b" + "; a=b" * 10_000 + "\r\nContent-Length: 1\r\n\r\na",
    "chunks": "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + "1\r\na\r\n" * 100_000 + "0\r\n\r\n",
    "extensions of chunks": "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1" + ";a=b" * 200_000,
    "no end": "GET / HTTP/1.1\r\n" * 60_000,
    "dashes": "GET /" + "-" * 15_000 + "/x HTTP/1.1\r\nHost: a\r\n\r\n",
}
ROUTES = compile_openapi({"paths": {"/{a}-{b}-{c}-{d}/x": {"get": {}}}})


@pytest.mark.parametrize("name", HEADS)
def test_heads_end_quickly(name: str) -> None:
    assert within(SECONDS, lambda: parse_http(HEADS[name], ROUTES)).command.operations
