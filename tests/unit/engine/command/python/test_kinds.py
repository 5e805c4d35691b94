"""The words of Python's trees."""

from __future__ import annotations

from engine.command.python.kinds import EFFECTS, FEATURES, KIND_NAMES, KINDS, SIGNS, UNSEEN
from engine.command.python.table import tables
from engine.command.tree import Effect


def test_what_nobody_saw_is_never_harmless() -> None:
    assert {name for name in KIND_NAMES if EFFECTS[name] is Effect.UNKNOWN} == UNSEEN


def test_every_kind_and_sign_of_the_tables_has_a_meaning() -> None:
    found = tables()
    rows = [*found.exact.values(), *found.below.values(), *found.methods.values()]
    assert {row.kind for row in rows} <= KIND_NAMES
    assert {sign for row in rows for sign in row.signs} <= SIGNS.keys()


def test_a_word_has_one_meaning() -> None:
    assert len({kind.meaning for kind in KINDS}) == len(KINDS)
    assert not FEATURES.keys() & KIND_NAMES
