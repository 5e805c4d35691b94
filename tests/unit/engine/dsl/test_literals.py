"""Constants: spelling to value, text to spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dsl.literals import BadLiteral, quote, read_literal, unquote
from engine.dsl.tree import NOWHERE, LiteralKind


@pytest.mark.parametrize(
    ("terminal", "spelling", "kind", "value"),
    [
        ("STRING", '"a\\n\\"b\\" \\u00e9"', LiteralKind.TEXT, 'a\n"b" é'),
        ("NUMBER", "10_000", LiteralKind.NUMBER, 10_000),
        ("NUMBER", "-1.5", LiteralKind.NUMBER, -1.5),
        ("DURATION", "15m", LiteralKind.DURATION, 900_000),
        ("SIZE", "10MB", LiteralKind.SIZE, 10_000_000),
        ("TRUE", "true", LiteralKind.TRUTH, True),
        ("FALSE", "false", LiteralKind.TRUTH, False),
        ("NAME", "drop_table", LiteralKind.WORD, "drop_table"),
    ],
)
def test_each_kind_of_constant_has_its_value(terminal: str, spelling: str, kind: LiteralKind, value: object) -> None:
    found = read_literal(terminal, spelling, NOWHERE)
    assert (found.kind, found.value, found.text) == (kind, value, spelling)


@pytest.mark.parametrize(
    ("terminal", "spelling", "code"),
    [
        ("NUMBER", "9" * 30, "AMOUNT"),
        ("NUMBER", str(2**63), "AMOUNT"),
        ("NUMBER", "9" * 400 + ".0", "AMOUNT"),
        ("DURATION", "9" * 30 + "d", "AMOUNT"),
        ("DURATION", "5KB", "AMOUNT"),
        ("STRING", '"\\ud800"', "ESCAPE"),
    ],
)
def test_what_has_no_value_says_so(terminal: str, spelling: str, code: str) -> None:
    with pytest.raises(BadLiteral) as raised:
        read_literal(terminal, spelling, NOWHERE)
    assert raised.value.code == code
    assert raised.value.hint


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_quoting_and_reading_again_gives_the_text(text: str) -> None:
    assert unquote(quote(text)) == text
