"""Globs over dotted texts."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.compiler.stages import compile_policies
from engine.dsl.globs import MAX_CHARACTERS, MAX_WILDCARDS, glob_patterns, matches, wildcards
from engine.source import Source
from tests.gate_files import NOW, request


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
    (pattern,) = glob_patterns([glob])
    assert re.compile(pattern)
    assert pattern.startswith("^(?:")
    assert pattern.endswith(")$")


@given(st.text(alphabet="ab.-[]\\|^$+", max_size=8), st.text(alphabet="ab.-[]\\|^$+", max_size=8))
def test_a_glob_without_signs_matches_itself_alone(glob: str, text: str) -> None:
    assert matches([glob], text) is (glob == text)


def test_wildcards_are_counted() -> None:
    assert [wildcards(glob) for glob in ("a", "*", "**", "a?b*c**", "***")] == [0, 1, 1, 3, 2]


def test_many_globs_make_several_expressions_that_each_compile() -> None:
    globs = [f"{'?*' * (MAX_WILDCARDS // 2)}{'😀' * 200}{number}" for number in range(3)]
    globs += [f"{'é' * (MAX_CHARACTERS - 1)}{number}" for number in range(3)]
    globs += [f"name.{number}*" for number in range(200)]
    patterns = glob_patterns(globs)
    assert len(patterns) > 3
    listed = ",\n".join(json.dumps(pattern, ensure_ascii=False) for pattern in patterns)
    body = f'some p in [\n{listed}\n]\nregex.match(p, "zz")'
    module = f'package policies.p\n\nallow contains {{"code": "A"}} if {{\n{body}\n}}\n'
    core = compile_policies([Source("p.rego", module)]).core
    answer = msgspec.msgpack.decode(core.evaluate_all(msgspec.msgpack.encode(request()), NOW))
    assert (answer["results"], answer["errors"]) == ([], [])


@given(
    st.text(alphabet="ab.*?", max_size=8).filter(lambda glob: "***" not in glob), st.text(alphabet="ab.", max_size=8)
)
def test_the_expression_means_what_matching_says(glob: str, text: str) -> None:
    (pattern,) = glob_patterns([glob])
    assert matches([glob], text) is bool(re.fullmatch(pattern, text))


def test_no_text_takes_long() -> None:
    assert not matches(["*a" * MAX_WILDCARDS + "b"], "a" * 20_000)
