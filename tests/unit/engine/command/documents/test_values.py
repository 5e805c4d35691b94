"""Walks over documents."""

from __future__ import annotations

import pytest

from engine.command.documents.values import Value, is_true, members, texts


def test_every_member_at_any_depth_is_met_with_what_is_around_it() -> None:
    document: Value = {"a": [{"b": 1}, [{"c": 2}]], "d": None}
    assert {(key, len(around)) for key, _, around in members(document)} == {("a", 2), ("d", 2), ("b", 1), ("c", 1)}


def test_texts_of_a_list_or_the_one_text() -> None:
    assert texts(["a", 1, "b", None]) == ("a", "b")
    assert texts("a") == ("a",)
    assert texts({"a": "b"}) == ()


@pytest.mark.parametrize(("value", "expected"), [(True, True), ("yes", True), ("On", True), (1, True), ("no", False), (0, False), (None, False), ([1], False)])  # fmt: skip
def test_what_some_reader_takes_for_true(value: Value, expected: bool) -> None:
    assert is_true(value) is expected
