"""The ways around a guard that a parser of HTTP must see (cases 95-103 of the list of them), in several spellings."""

from __future__ import annotations

import json

import pytest

from engine.command.http.parse import parse_http
from tests.web_requests import codes, http, http_json, kinds, raw_request

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/admin%2f..%2f",
            "/%61dmin",
            "//admin",
            "/./admin",
            "/admin;x",
            "/admin/.",
            "/admin\\x",
            "/%c0%ae%c0%ae/admin",
        ),
        *(
            "/%252e%252e/admin",
            "/admin.",
            "/admin%20",
            "/a/..%2fadmin",
            "/%2e%2e/admin",
            "/admin%00",
            "/\u2024\u2024/x".encode().decode("latin-1"),
        ),
    ],
)
def test_95_paths_in_odd_spellings_are_refused(path: str) -> None:
    assert kinds(parse_http(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").command) == ["unknown"]


@pytest.mark.parametrize(
    "headers", [{"X-HTTP-Method-Override": "DELETE"}, {"x-http-method": "DELETE"}, {"X-Method-Override": "delete"}]
)
def test_96_an_overriding_method_is_judged_too(headers: dict[str, str]) -> None:
    command = http("POST", "/a", headers)
    assert [one.effect for one in command.operations] == ["write", "delete"]


@pytest.mark.parametrize("method", ["TRACE", "get", "Delete", "GETX"])
def test_96_unknown_methods_are_unknown(method: str) -> None:
    assert kinds(http(method, "/a")) == ["unknown"]


@pytest.mark.parametrize(
    "raw",
    [
        "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
        "GET http://a@b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_97_one_request_has_one_host(raw: str) -> None:
    assert kinds(parse_http(raw).command) == ["unknown"]


@pytest.mark.parametrize(
    "lines",
    [
        *(
            "Content-Length: 3\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: chunked, identity",
        ),
        *(
            "Transfer-Encoding : chunked",
            "Transfer-Encoding:\x0bchunked",
            " Transfer-Encoding: chunked",
            "X: y\r\n Transfer-Encoding: chunked",
        ),
        *(
            "Transfer-Encoding: identity",
            "Upgrade: h2c",
            "Content-Length: +3",
            "Content-Length: 3\r\nContent-Length: 3",
        ),
    ],
)
def test_98_framing_that_two_servers_read_differently_is_refused(lines: str) -> None:
    command = parse_http(f"POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n0\r\n\r\n").command
    assert kinds(command) == ["unknown"]


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "text/plain"}, '{"a": 1}'),
        ({"Content-Type": "application/json; charset=utf-7"}, "{}"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, '{"a": 1}'),
        (JSON, "a=1"),
        ({}, '{"a": 1}'),
    ],
)
def test_99_a_body_that_is_not_what_it_says_is_never_complete(headers: dict[str, str], body: str) -> None:
    assert not http("POST", "/a", headers, body).complete


@pytest.mark.parametrize(
    "body",
    [
        '{"a": 1, "a": 2}',
        '{"a": 1, "\\u0061": 2}',
        "NaN",
        "1e400",
        "[" * 100 + "]" * 100,
        "\ufeff{}",
        "{} x",
        '{"a": 1}\n{"a": 2}',
    ],
)
def test_100_json_that_two_readers_read_differently_is_refused(body: str) -> None:
    assert kinds(http("POST", "/a", JSON, body)) == ["unknown"]


def test_100_an_escaped_value_is_the_value() -> None:
    command = http("POST", "/a", JSON, '{"role": "\\u0061dmin"}')
    assert command.http is not None
    assert command.http.body == {"/role": "admin"}


def test_101_every_operation_of_a_batch_is_judged() -> None:
    command = http_json("POST", "/graphql", [{"query": "{ a }"}, {"query": "mutation { b: drop }"}])
    assert [one.effect for one in command.operations] == ["read", "write"]
    command = http_json("POST", "/rpc", [{"jsonrpc": "2.0", "method": "a"}, {"jsonrpc": "2.0", "method": "b"}])
    assert [one.targets[0].name for one in command.operations] == ["a", "b"]
    assert codes(http_json("POST", "/graphql", {"extensions": {"persistedQuery": {"sha256Hash": "x"}}})) == ["graphql"]


def test_102_a_body_in_another_encoding_is_not_read() -> None:
    command = http("POST", "/a", JSON | {"Content-Encoding": "br"}, json.dumps({}))
    assert (command.complete, command.features) == (False, ("opaque_body",))


@pytest.mark.parametrize(
    "value",
    ["http://169.254.169.254/", "http://a@127.0.0.1/", "//localhost/", "http://0x7f.1", "http://[::ffff:127.0.0.1]/"],
)
def test_103_values_that_lead_inside_are_marked(value: str) -> None:
    assert "url_to_internal" in http_json("POST", "/hooks", {"to": value}).features
    assert "url_to_internal" in parse_http(raw_request("GET", f"/fetch?u={value}")).command.features
