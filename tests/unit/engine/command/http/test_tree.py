"""The facts of a request, as data."""

from __future__ import annotations

from engine.command.http.tree import Http


def test_what_is_not_said_is_absent() -> None:
    facts = Http("GET", "/")
    assert (facts.host, facts.route, facts.body_kind, dict(facts.body)) == (None, None, "none", {})
