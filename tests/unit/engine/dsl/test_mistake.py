"""Unknown names and what might have been meant."""

from __future__ import annotations

import pytest

from engine.dsl import mistake
from engine.dsl.mistake import unknown
from engine.dsl.tree import NOWHERE


def test_the_nearest_name_is_suggested() -> None:
    found = unknown("UNKNOWN_VALUE", "kind", "drop_tabel", NOWHERE, ["drop_table", "truncate"])
    assert (found.code, str(found), found.hint) == (
        "UNKNOWN_VALUE",
        "unknown kind `drop_tabel`",
        "did you mean `drop_table`?",
    )


def test_case_is_suggested_too() -> None:
    assert unknown("X", "word", "READ", NOWHERE, ["read"]).hint == "did you mean `read`?"


def test_without_a_near_one_all_are_named_or_the_given_hint() -> None:
    assert unknown("X", "word", "zzz", NOWHERE, ["b", "a"]).hint == "known: a, b"
    assert unknown("X", "word", "zzz", NOWHERE, ["b", "a"], "try this").hint == "try this"
    assert unknown("X", "word", "zzz", NOWHERE, [f"n{i:02}" for i in range(20)]).hint.endswith("n11, ...")


def test_a_huge_name_is_shown_short() -> None:
    assert len(str(unknown("X", "word", "z" * 1000, NOWHERE, []))) < 100


def test_a_name_that_comes_up_again_and_again_is_searched_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []

    def search(got: str, *_: object) -> list[str]:
        searched.append(got)
        return []

    monkeypatch.setattr(mistake, "get_close_matches", search)
    for _ in range(100):
        unknown("X", "word", "doubled", NOWHERE, ["d", "e"])
    assert searched == ["doubled"]
