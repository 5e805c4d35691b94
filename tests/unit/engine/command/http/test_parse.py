"""Requests to commands."""

from __future__ import annotations

import json

import pytest

from engine.command.http.kinds import KIND_NAMES, METHODS
from engine.command.http.openapi import compile_openapi
from engine.command.http.parse import MAX_BYTES, parse_http
from engine.command.tree import Effect
from tests.web_requests import codes, http, http_json, kinds, raw_request

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("method", "effect"),
    [("GET", "read"), ("HEAD", "read"), ("OPTIONS", "read"), ("POST", "write"), ("PUT", "write"), ("PATCH", "write"), ("DELETE", "delete"),
     ("PURGE", "delete"), ("MKCOL", "write"), ("PROPFIND", "read")],
)  # fmt: skip
def test_a_method_has_its_effect(method: str, effect: str) -> None:
    command = http(method, "/a")
    assert [one.effect for one in command.operations] == [effect]
    assert command.complete
    assert [target.name for target in command.operations[0].targets] == ["api.test/a"]


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "get", "FOO", "DEBUG"])
def test_a_method_nobody_knows_is_unknown(method: str) -> None:
    command = http(method, "/a")
    assert (kinds(command), command.complete, codes(command)) == (["unknown"], False, ["unknown_method"])


@pytest.mark.parametrize("destination", ["/admin/x", "http://api.test/admin/x"])
def test_where_something_is_moved_to_is_a_target(destination: str) -> None:
    command = http("MOVE", "/a", headers={"Destination": destination})
    assert [target.name for target in command.operations[0].targets] == ["api.test/a", "api.test/admin/x"]
    assert http("GET", "/a", headers={"Destination": destination}).operations[0].targets[1:] == ()


@pytest.mark.parametrize("destination", ["/a/../admin", "/%61dmin", "admin", "ftp://x/y", "http://a@b@c/", ""])
def test_a_place_to_move_to_that_can_be_read_in_two_ways_is_refused(destination: str) -> None:
    assert not http("COPY", "/a", headers={"Destination": destination}).complete


def test_a_batch_in_a_body_is_its_requests_too() -> None:
    command = http_json(
        "POST", "/$batch", {"requests": [{"method": "GET", "url": "/a"}, {"method": "DELETE", "url": "/b/purge"}]}
    )
    assert kinds(command) == ["post", "get", "delete"]
    assert "names_deletion" in command.features
    command = http(
        "POST",
        "/x",
        body=b"batch=%5B%7B%22method%22%3A%22DELETE%22%2C%22relative_url%22%3A%22me%22%7D%5D",
        headers=FORM,
    )
    assert kinds(command) == ["post", "delete"]


def test_a_mutation_is_one_to_a_head_too() -> None:
    assert kinds(http("HEAD", "/graphql?query=mutation%7Ba%7D")) == ["graphql_mutation"]


def test_connect_executes() -> None:
    command = http("CONNECT", "db:5432", host="db:5432")
    assert [(one.kind, one.effect) for one in command.operations] == [("connect", "execute")]


def test_facts_are_canonical() -> None:
    command = http_json("POST", "/a%c3%a9?x=1", {"b": {"c": 2}})
    assert command.http is not None
    assert (command.http.path, command.http.query, command.http.body) == ("/a%C3%A9", {"x": ("1",)}, {"/b/c": 2})
    assert (command.http.content_type, command.http.body_kind) == ("application/json", "json")
    assert command.http.headers == ("content-length", "content-type", "host")


def test_what_is_refused_is_one_unknown_operation() -> None:
    command = http("GET", "/../a")
    assert (kinds(command), command.complete, codes(command), command.http) == (
        ["unknown"],
        False,
        ["noncanonical_path"],
        None,
    )


@pytest.mark.parametrize(
    ("target", "headers", "body"),
    [
        ("/a", {"X-HTTP-Method-Override": "DELETE"}, ""),
        ("/a", {"X-Http-Method": "delete"}, ""),
        ("/a", {"X_HTTP_Method_Override": "DELETE"}, ""),
        ("/a?_method=DELETE", {}, ""),
        ("/a", FORM, "_method=delete"),
        ("/a", {"Content-Type": "application/json"}, '{"_method": "DELETE"}'),
    ],
)
def test_another_method_that_is_asked_for_is_an_operation_too(target: str, headers: dict[str, str], body: str) -> None:
    command = http("POST", target, headers, body)
    assert [(one.kind, one.via) for one in command.operations] == [("post", ("top",)), ("delete", ("top", "override"))]
    assert "method_override" in command.features
    assert command.http is not None
    assert command.http.override == "DELETE"


def test_a_host_with_the_point_of_the_root_is_the_same_host() -> None:
    command = parse_http(b"GET /a HTTP/1.1\r\nHost: A.EXAMPLE.\r\n\r\n").command
    assert command.http is not None
    assert command.http.host == "a.example"
    assert command.operations[0].targets[0].name == "a.example/a"


def test_a_reading_request_may_have_a_parameter_of_that_name() -> None:
    assert kinds(http("GET", "/a?_method=fast")) == ["get"]
    assert kinds(http("GET", "/a?_method=DELETE")) == ["get", "delete"]
    assert kinds(http("GET", "/a?_method=TRACE")) == ["get", "unknown"]


def test_two_other_methods_are_refused_and_unknown_ones_are_unknown() -> None:
    assert codes(http("POST", "/a?_method=PUT", {"X-HTTP-Method-Override": "DELETE"})) == ["method_override"]
    assert codes(http("POST", "/a", {"X-HTTP-Method-Override": "DEL ETE"})) == ["method_override"]
    assert kinds(http("POST", "/a", {"X-HTTP-Method-Override": "NUKE"})) == ["post", "unknown"]


@pytest.mark.parametrize("header", ["X-Original-URL", "X-Rewrite-URL"])
def test_headers_that_ask_for_another_path_are_refused(header: str) -> None:
    assert codes(http("GET", "/a", {header: "/admin"})) == ["rewriting_header"]


def test_calls_in_a_body_take_the_place_of_the_method() -> None:
    command = http_json("POST", "/graphql", {"query": "query { a }"})
    assert [(one.kind, one.effect) for one in command.operations] == [("graphql_query", "read")]
    assert kinds(http_json("PUT", "/graphql", {"query": "query { a }"})) == ["put"]
    command = http_json(
        "POST",
        "/mcp",
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "arguments": {"a": 1}}},
    )
    assert kinds(command) == ["mcp_tool_call"]
    assert command.http is not None
    assert command.http.body["/params/arguments/a"] == 1


def test_a_document_gives_route_operation_and_effect() -> None:
    routes = compile_openapi(
        {"paths": {"/search/{x}": {"post": {"operationId": "find", "x-sallyport-effect": "read"}}}}
    )
    command = parse_http(raw_request("POST", "/search/1"), routes).command
    assert command.http is not None
    assert (command.http.route, command.http.operation_id) == ("/search/{x}", "find")
    assert command.operations[0].effect is Effect.READ
    assert "route_unknown" in parse_http(raw_request("POST", "/other"), routes).command.features


def test_a_document_takes_no_effect_from_what_is_unknown_or_overridden() -> None:
    routes = compile_openapi(
        {"paths": {"/a": {"post": {"x-sallyport-effect": "read"}, "trace": {"x-sallyport-effect": "read"}}}}
    )
    assert parse_http(raw_request("TRACE", "/a"), routes).command.operations[0].effect is Effect.UNKNOWN
    command = parse_http(raw_request("POST", "/a?_method=DELETE"), routes).command
    assert [one.effect for one in command.operations] == [Effect.READ, Effect.DELETE]


def test_words_of_deletion_and_change_are_features() -> None:
    assert "names_deletion" in http("POST", "/idx/_delete_by_query").features
    assert "names_deletion" in http("GET", "/a?action=delete").features
    assert "names_change" in http("GET", "/users/create").features
    assert "names_change" not in http("POST", "/users/create").features


@pytest.mark.parametrize("query", ["Action=CreateUser", "Action=RunInstances", "cmd=reboot", "op=user.create"])
def test_a_reading_request_whose_action_changes_something_says_so(query: str) -> None:
    assert "names_change" in http("GET", f"/?{query}").features


@pytest.mark.parametrize("query", ["Action=DescribeRuns", "task=set%20up%20the%20server", "q=create", "action=list"])
def test_other_values_name_no_change(query: str) -> None:
    assert "names_change" not in http("GET", f"/?{query}").features


def test_headers_that_name_the_operation_are_words_of_it() -> None:
    said = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.DeleteTable"}
    command = http("POST", "/", said, '{"TableName": "x"}')
    assert command.complete
    assert "names_deletion" in command.features
    said["X-Amz-Target"] = "DynamoDB_20120810.GetItem"
    assert "names_deletion" not in http("POST", "/", said, "{}").features


def test_an_upgrade_is_an_operation() -> None:
    command = http("GET", "/ws", {"Connection": "Upgrade", "Upgrade": "websocket"})
    assert kinds(command) == ["get", "upgrade"]
    assert "upgrade" in command.features


def test_a_body_that_is_not_read_leaves_the_command_incomplete() -> None:
    assert not http("POST", "/a", {"Content-Type": "text/plain"}, '{"a": 1}').complete


def test_a_request_may_be_written_down() -> None:
    command = parse_http(
        "POST https://h.test/graphql\nContent-Type: application/json\n\n" + json.dumps({"query": "mutation { a }"})
    ).command
    assert kinds(command) == ["graphql_mutation"]
    assert command.features == ("written_request",)
    assert command.http is not None
    assert (command.http.host, command.http.scheme) == ("h.test", "https")
    assert parse_http("DELETE https://h.test/a").command.complete
    for text in (
        "GET /a",
        "GET https://h/\nHost: i\n\n",
        "GET https://h/\nContent-Length: 0\n\n",
        "GET https:///\n\n",
        "get https://h/",
    ):
        assert kinds(parse_http(text).command) == ["unknown"], text


def test_text_that_is_no_bytes_or_too_long_is_refused() -> None:
    assert codes(parse_http("GET /\u2028 HTTP/1.1\r\n\r\n").command) == ["not_bytes"]
    assert codes(parse_http(b"x" * (MAX_BYTES + 1)).command) == ["text_size"]


def test_text_and_digest_are_those_of_the_bytes() -> None:
    raw = raw_request("GET", "/a", {"X": "\xe9"})
    one, other = parse_http(raw).command, parse_http(raw.decode("latin-1")).command
    assert one == other
    assert one.text.encode("latin-1") == raw


def test_every_kind_of_a_method_is_published() -> None:
    for method in METHODS:
        target = "h:1" if method == "CONNECT" else "/a"
        assert set(kinds(http(method, target, host="h:1"))) <= KIND_NAMES


def test_names_of_calls_count_as_words() -> None:
    assert "names_deletion" in http_json("POST", "/graphql", {"query": "mutation { volumeDelete(id: 1) }"}).features
    assert "secret_in_query" in http("GET", "/collect?key=" + "AKIA" + "A1" * 8).features
