"""The words for what a server may ask are those of the protocol's capabilities."""

from __future__ import annotations

from adapters.mcp import facts
from adapters.mcp.facts import Server
from gateway.config.tools import Listed, ServerRequest


def test_each_word_lets_a_server_ask_for_something() -> None:
    methods = {"sampling": "sampling/createMessage", "elicitation": "elicitation/create", "roots": "roots/list"}
    assert {one.value for one in ServerRequest} == methods.keys()
    for one in ServerRequest:
        assert facts.may_ask(Server(may_ask=frozenset({one.value})), methods[one.value])


def test_without_a_word_all_tools_are_listed() -> None:
    assert [one.value for one in Listed] == ["all", "permitted"]
