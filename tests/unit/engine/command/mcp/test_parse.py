"""Messages of MCP clients as trees; and those that no two readers would take for the same."""

from __future__ import annotations

import json

import pytest

from engine.command.mcp.parse import MAX_BYTES, parse_mcp, read_message
from engine.command.parse import parse_command
from engine.command.tree import Access, Command, Target
from tests.web_requests import codes


def tree(document: object) -> Command:
    return parse_command("mcp", document if isinstance(document, str) else json.dumps(document)).command


def call(name: str = "refund", arguments: object = None, **more: object) -> dict[str, object]:
    params = {"name": name, **({} if arguments is None else {"arguments": arguments}), **more}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def test_a_call_of_a_tool_has_its_name_and_its_arguments_by_pointer() -> None:
    command = tree(call("refund", {"order": 7, "lines": [{"sku": "a/b", "free": True}], "note": None}))
    (operation,) = command.operations
    assert (operation.kind, operation.effect, operation.targets) == (
        "call_tool",
        "execute",
        (Target("tool", "refund", Access.EXECUTE),),
    )
    assert command.complete
    assert command.mcp is not None
    assert command.mcp.tool == "refund"
    assert dict(command.mcp.arguments) == {"/order": 7, "/lines/0/sku": "a/b", "/lines/0/free": True}


@pytest.mark.parametrize(
    ("method", "params", "kind", "target"),
    [
        ("initialize", {"capabilities": {"roots": {}}}, "initialize", "roots"),
        ("ping", {}, "ping", "ping"),
        ("tools/list", {"cursor": "x"}, "list_tools", "tools/list"),
        ("resources/read", {"uri": "file:///a"}, "read_resource", "file:///a"),
        ("resources/unsubscribe", {"uri": "file:///a"}, "subscribe", "file:///a"),
        ("prompts/get", {"name": "greet", "arguments": {"who": "x"}}, "get_prompt", "greet"),
        ("logging/setLevel", {"level": "debug"}, "set_log_level", "logging/setLevel"),
    ],
)
def test_other_requests_have_kinds_of_their_own(method: str, params: object, kind: str, target: str) -> None:
    command = tree({"jsonrpc": "2.0", "id": "x", "method": method, "params": params})
    assert [one.kind for one in command.operations] == [kind]
    assert command.operations[0].targets[0].name == target
    assert command.complete


def test_notices_replies_and_what_the_transport_asks_for() -> None:
    assert tree({"jsonrpc": "2.0", "method": "notifications/initialized"}).operations[0].kind == "notice"
    assert tree({"jsonrpc": "2.0", "id": 1, "result": {}}).operations[0].kind == "reply"
    assert tree({"jsonrpc": "2.0", "id": 1, "error": {"code": 1}}).operations[0].kind == "reply"
    assert [tree(word).operations[0].kind for word in ("GET", "DELETE")] == ["listen", "end_session"]


REFUSED = [
    ([], "mcp_batch"),
    ([call()], "mcp_batch"),
    ("", "mcp_envelope"),
    ("7", "mcp_envelope"),
    ("POST", "json_syntax"),
    ({"jsonrpc": "1.0", "id": 1, "method": "ping"}, "mcp_envelope"),
    ({"jsonrpc": "2.0", "id": 1}, "mcp_envelope"),
    ({"jsonrpc": "2.0", "id": 1, "result": {}, "error": {}}, "mcp_envelope"),
    ({"jsonrpc": "2.0", "result": {}}, "mcp_envelope"),
    ({"jsonrpc": "2.0", "id": 1, "method": "ping", "result": {}}, "mcp_envelope"),
    ({"jsonrpc": "2.0", "id": 1, "method": 7}, "mcp_envelope"),
    ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}, "mcp_envelope"),
    ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": None}, "mcp_envelope"),
    ({"jsonrpc": "2.0", "id": True, "method": "ping"}, "mcp_id"),
    ({"jsonrpc": "2.0", "id": None, "method": "ping"}, "mcp_id"),
    ({"jsonrpc": "2.0", "id": 1.5, "method": "ping"}, "mcp_id"),
    ({"jsonrpc": "2.0", "id": "x" * 300, "method": "ping"}, "mcp_id"),
    ({"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "x"}}, "mcp_id"),
    ({"jsonrpc": "2.0", "id": 1, "method": "notifications/initialized"}, "mcp_id"),
    ({"jsonrpc": "2.0", "id": 1, "method": "tools/destroy"}, "mcp_method"),
    ({"jsonrpc": "2.0", "id": 1, "method": "tasks/result", "params": {"taskId": "x"}}, "mcp_method"),
    ({"jsonrpc": "2.0", "method": "notifications/unheard"}, "mcp_method"),
    (call(task={"ttl": 1}), "mcp_params"),
    (call(arguments=[1]), "mcp_params"),
    (call(""), "mcp_params"),
    (call("a\u202eb"), "mcp_params"),
    (call("x" * 300), "mcp_params"),
    ({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"Name": "x"}}, "mcp_params"),
    ({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": 7}}, "mcp_params"),
    (call("x", {"path": "/a", "PATH": "/etc"}), "keys_differ_in_case"),
    ('{"jsonrpc": "2.0", "id": 1, "method": "ping", "Method": "tools/call"}', "keys_differ_in_case"),
    ('{"jsonrpc": "2.0", "id": 1, "method": "ping", "method": "tools/call"}', "json_duplicate_key"),
    ('{"jsonrpc": "2.0", "id": 1, "method": "ping"} {}', "json_trailing_data"),
    ('{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"x": NaN}}', "json_number"),
    ("x" * (MAX_BYTES + 1), "text_size"),
]


@pytest.mark.parametrize(("text", "code"), REFUSED, ids=lambda value: str(value)[:60])
def test_what_could_be_read_in_two_ways_is_unknown_and_says_why(text: object, code: str) -> None:
    command = tree(text)
    assert codes(command) == [code]
    assert [one.kind for one in command.operations] == ["unknown"]
    assert not command.complete


def test_the_digest_is_of_what_is_meant_not_of_its_number() -> None:
    one, other = call("refund", {"a": 1, "b": 2}), call("refund", {"b": 2, "a": 1}, _meta={"progressToken": 9})
    assert tree(one).digest == tree(other | {"id": "again"}).digest
    assert tree(one).digest != tree(call("refund", {"a": 1, "b": 2.0})).digest
    assert tree(one).digest != tree(call("refunds", {"a": 1, "b": 2})).digest


def test_values_that_lead_elsewhere_and_names_that_delete_are_marked() -> None:
    assert "url_to_internal" in tree(call("fetch", {"url": "http://169.254.169.254/latest"})).features
    assert "dotdot_value" in tree(call("read", {"path": "../../etc/passwd"})).features
    read = {"jsonrpc": "2.0", "id": 1, "method": "resources/read"}
    assert "url_to_internal" in tree(read | {"params": {"uri": "http://localhost/x"}}).features
    assert tree(read | {"params": {"uri": "shop://terms"}}).features == ()
    assert "names_deletion" in tree(call("delete_user")).features
    assert "names_deletion" in tree(call("deleteuser")).features
    offered = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {"sampling": {}}}}
    assert "offers_sampling" in tree(offered).features


def test_arguments_that_were_not_all_listed_are_not_complete() -> None:
    command = tree(call("x", {"rows": list(range(2000))}))
    assert not command.complete
    assert "opaque_body" in command.features


def test_a_message_that_is_sound_keeps_its_number() -> None:
    assert read_message({"jsonrpc": "2.0", "id": "a", "method": "ping"}).id == "a"
    assert parse_mcp(json.dumps(call()).encode()).command.text == json.dumps(call())
