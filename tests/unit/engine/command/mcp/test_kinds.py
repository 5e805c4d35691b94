"""Every method that is known has a kind of the table."""

from __future__ import annotations

from engine.command.mcp.kinds import EFFECTS, FEATURES, KIND_NAMES, KINDS, NOTICES, PARAMETERS, REQUESTS, TRANSPORT


def test_each_kind_stands_once() -> None:
    assert len(KIND_NAMES) == len(KINDS) == len(EFFECTS)


def test_every_method_has_a_kind_of_the_table() -> None:
    assert {*REQUESTS.values(), *TRANSPORT.values()} <= KIND_NAMES
    assert REQUESTS.keys() >= PARAMETERS.keys()
    assert not REQUESTS.keys() & NOTICES


def test_features_are_told_in_words() -> None:
    assert all(FEATURES.values())
