"""Reading whole files: every mistake at once, nothing raised, nothing that costs much."""

from __future__ import annotations

from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lark import Lark

from engine.dsl import tree as t
from engine.dsl.parser import MAX_CHARACTERS, MAX_LINE, MAX_LINES, MAX_MISTAKES, is_word, parse
from engine.source import Source

PIECES = (
    *("policy", "p", "deny", "allow", "hold", "mask", "limit", "define", "import", "test", "when", "unless", "any"),
    *("every", "has", "operation", "not", "and", "or", "in", "group", "like", "(", ")", "{", "}", ",", "==", "=", "."),
    *('"x"', '"', "1", "15m", "09:00", "#", "\n", " ", "\t", "é", "\x00", "it", "count", "between", "with", "run"),
)


def codes(text: str) -> list[str]:
    return [one.code for one in parse(Source("p.gate", text)).diagnostics]


def test_the_grammar_has_no_conflicts() -> None:
    text = files("engine.dsl").joinpath("grammar.lark").read_text(encoding="utf-8")
    assert Lark(text, parser="lalr", lexer="contextual", start=["file", "items", "clause"], strict=True)


def test_a_mistake_does_not_hide_the_next_ones() -> None:
    text = """policy p
deny a
  when effect = read
  unless principal in grup "x"
  hint 'no'
deny b "unterminated
hold c
  expires 15x
allow d when principal.name == "ok"
"""
    parsed = parse(Source("p.gate", text))
    assert [(one.code, one.span.line) for one in parsed.diagnostics if one.span] == [
        ("SYNTAX", 3),
        ("SYNTAX", 4),
        ("SYNTAX", 5),
        ("UNTERMINATED", 6),
        ("AMOUNT", 8),
    ]
    assert parsed.file is not None
    assert [item.name.text for item in parsed.file.items if isinstance(item, t.Rule)] == ["d"]


def test_a_definition_that_could_not_be_read_is_lost_and_known_as_such() -> None:
    parsed = parse(Source("p.gate", "policy p\ndefine x = (a\ndefine y = b\n"))
    assert parsed.lost == {"x"}
    assert parsed.file is not None
    assert len(parsed.file.items) == 1


def test_a_missing_header_does_not_hide_mistakes_in_rules() -> None:
    assert codes("deny a when )\n") == ["SYNTAX", "SYNTAX"]
    assert parse(Source("p.gate", "deny a\n")).file is None


def test_mistakes_in_one_line_are_found_where_they_are() -> None:
    (found,) = parse(Source("p.gate", "policy p deny a when b deny c whn d")).diagnostics
    assert found.help == "did you mean `when`?"
    assert found.span is not None
    assert found.span.column == 31


def test_reading_stops_after_many_mistakes() -> None:
    assert len(codes("policy p\n" + "deny a when )\n" * 1000)) == MAX_MISTAKES


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("policy p\n" + "#" + "x" * (1 << 20), 1),
        ("policy p\n#" + "x" * MAX_LINE, 2),
        ("policy p\n#" + "😀" * (MAX_LINE // 4), 2),
        ("policy p" + "\n" * MAX_LINES, 1),
        ("x" * (MAX_CHARACTERS + 1), 1),
    ],
)
def test_what_is_too_long_is_refused_before_it_is_read(text: str, line: int) -> None:
    (found,) = parse(Source("p.gate", text)).diagnostics
    assert found.code == "TOO_LONG"
    assert found.span is not None
    assert found.span.line == line


def test_deep_nesting_is_a_diagnostic_not_a_crash() -> None:
    for deep in ("(" * 1900, "not " * 400 + "a", "any operation has " * 100 + "a"):
        assert codes(f"policy p\ndeny a when {deep}")
    # Parentheses alone make nothing deeper.
    assert codes("policy p\ndeny a when " + "(" * 900 + "a" + ")" * 900) == []


def test_line_ends_of_other_systems_and_tabs_are_blanks() -> None:
    assert codes('policy p\r\n\tdeny a\r\n\twhen principal.name == "x"\r\n') == []


def test_words_of_the_language_are_known() -> None:
    assert is_word("when")
    assert is_word("user")
    assert not is_word("drop_table")
    assert not is_word("{")


@given(st.text(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join))
def test_no_text_ever_raises(text: str) -> None:
    parsed = parse(Source("p.gate", "policy p\n" + text))
    assert parsed.file is not None or parsed.diagnostics
    for one in parsed.diagnostics:
        assert one.message
        assert one.span is not None
