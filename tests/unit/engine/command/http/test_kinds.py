"""Kinds and methods."""

from __future__ import annotations

from engine.command.http.kinds import EFFECTS, KIND_NAMES, METHODS
from engine.command.tree import Effect


def test_every_method_has_a_published_kind() -> None:
    assert set(METHODS.values()) <= KIND_NAMES


def test_methods_that_read_are_few() -> None:
    assert {name for name, kind in METHODS.items() if EFFECTS[kind] is Effect.READ} == {
        *("GET", "HEAD", "OPTIONS", "PROPFIND", "SEARCH", "REPORT", "QUERY")
    }


def test_trace_is_unknown() -> None:
    assert METHODS.get("TRACE") is METHODS.get("TRACK") is METHODS.get("get") is None
