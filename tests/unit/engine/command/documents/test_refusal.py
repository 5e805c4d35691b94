"""A refusal carries what a problem needs."""

from __future__ import annotations

from engine.command.documents.refusal import Refused


def test_a_refusal_has_a_code_words_and_a_place() -> None:
    refusal = Refused("json_depth", "too deep", 7)
    assert (refusal.code, refusal.message, refusal.at, str(refusal)) == ("json_depth", "too deep", 7, "too deep")
