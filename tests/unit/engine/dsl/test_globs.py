"""Globs over dotted texts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dsl.globs import glob_pattern, matches


@pytest.mark.parametrize(
    ("glob", "text", "is_match"),
    [
        ("OPS-*", "OPS-12", True),
        ("*", "a.b", False),
        ("**", "a.b\n", True),
        ("*.card_number", "cards.card_number", True),
        ("*.card_number", "billing.cards.card_number", False),
        ("**.card_number", "billing.cards.card_number", True),
        ("a?c", "abc", True),
        ("a?c", "a.c", False),
        ("a.c", "abc", False),
        ("a", "a\n", False),
        ("[^a]", "[^a]", True),
        ("a|b", "a", False),
        ("a\\d", "a1", False),
        ("", "", True),
        ("", "a", False),
        ("é*", "été", True),
    ],
)
def test_a_glob_matches_whole_texts_part_by_part(glob: str, text: str, is_match: bool) -> None:
    assert matches([glob], text) is is_match


def test_one_of_several_globs_is_enough() -> None:
    assert matches(["a", "b.*"], "b.c")
    assert not matches(["a", "b.*"], "c")


@given(st.text(alphabet="ab.*?|\\[]^$(){}-&é\n", max_size=8))
def test_a_pattern_is_always_a_regular_expression_that_is_anchored(glob: str) -> None:
    pattern = glob_pattern([glob])
    assert re.compile(pattern)
    assert pattern.startswith("^(?:")
    assert pattern.endswith(")$")


@given(st.text(alphabet="ab.-[]\\|^$+", max_size=8), st.text(alphabet="ab.-[]\\|^$+", max_size=8))
def test_a_glob_without_signs_matches_itself_alone(glob: str, text: str) -> None:
    assert matches([glob], text) is (glob == text)
