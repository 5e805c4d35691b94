"""What goes on of a request, and what a tool is approved by."""

from __future__ import annotations

import json

import pytest

from adapters.mcp import facts
from adapters.mcp.facts import Server
from adapters.web.requests import Forward
from engine.command.documents.refusal import Refused
from tests.strategies.mcp_sessions import target

POST = Forward("POST", "/mcp", "h", (("mcp-session-id", "s"),))
OUTSIDE = Forward("POST", "/mcp", "h", ())


def test_a_tool_is_approved_by_all_that_is_said_of_it_but_meta() -> None:
    tool = {"name": "a", "description": "x", "inputSchema": {"type": "object", "required": ["p"]}}
    again = {"inputSchema": {"required": ["p"], "type": "object"}, "description": "x", "name": "a", "_meta": {"y": 1}}
    assert facts.digest_of(tool) == facts.digest_of(again)
    for change in ({"description": "y"}, {"annotations": {}}, {"inputSchema": {"type": "object"}}, {"title": "x"}):
        assert facts.digest_of(tool | change) != facts.digest_of(tool)


def test_a_file_of_approved_tools_is_what_the_server_said() -> None:
    tool = {"name": "a", "description": "x"}
    for text in (json.dumps({"tools": [tool]}), json.dumps([tool])):
        assert facts.approved_tools(text.encode()) == {"a": facts.digest_of(tool)}


@pytest.mark.parametrize(
    "text", ["", "{}", "7", '{"tools": {}}', '{"tools": [7]}', '{"tools": [{}]}', '[{"name": "a"}, {"name": "a"}]']
)
def test_a_file_that_is_no_list_of_tools_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        facts.approved_tools(text.encode())


def test_what_a_server_may_ask() -> None:
    assert facts.may_ask(Server(), "ping")
    assert not facts.may_ask(Server(), "roots/list")
    assert not facts.may_ask(Server(may_ask=frozenset({"roots"})), "sampling/createMessage")
    assert facts.may_ask(Server(may_ask=frozenset({"roots"})), "roots/list")
    assert not facts.may_ask(Server(may_ask=frozenset({"roots"})), "anything/else")


def test_a_target_without_words_of_its_own_is_served_at_the_usual_path() -> None:
    assert facts.server_of(None) == facts.server_of(target()) == Server()
    assert facts.server_of(target(Server("/x"))).path == "/x"


def test_the_number_and_the_progress_token_go_on_and_are_not_judged() -> None:
    said = {
        "jsonrpc": "2.0",
        "id": "é",
        "method": "tools/call",
        "params": {"name": "a", "_meta": {"progressToken": 1, "b": 2}},
    }
    body = facts.readable(OUTSIDE, json.dumps(said).encode(), Server())
    assert json.loads(body) == said | {"params": {"name": "a", "_meta": {"progressToken": 1}}}
    assert json.loads(facts.text_of(OUTSIDE, body)) == said | {"id": 0, "params": {"name": "a"}}
    message = facts.message_of(OUTSIDE, body)
    assert message is not None
    assert message.id == "é"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_has_no_message_is_asked_about_by_its_word(method: str) -> None:
    request = Forward(method, "/mcp", "h", ())
    assert facts.text_of(request, b"") == method.encode()
    assert facts.message_of(request, b"") is None
    assert facts.readable(request, b"", Server()) == b""
    with pytest.raises(Refused):
        facts.readable(request, b"{}", Server())


def test_a_session_is_told_by_its_header() -> None:
    assert facts.session_of(POST) == "s"
    assert facts.session_of(OUTSIDE) is None
    assert facts.message_of(POST, b"[]") is None
    assert [facts.is_session(text) for text in ("a-b", "a b", "")] == [True, False, False]
