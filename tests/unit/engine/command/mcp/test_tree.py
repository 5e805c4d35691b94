"""The facts of a message, as data."""

from __future__ import annotations

from engine.command.mcp.tree import Mcp


def test_what_is_not_said_is_absent() -> None:
    facts = Mcp("ping")
    assert (facts.tool, facts.uri, facts.prompt, dict(facts.arguments)) == ("", "", "", {})
