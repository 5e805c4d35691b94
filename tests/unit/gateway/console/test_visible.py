"""Every character of a stranger's text is there, and those that would not show have a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.console.visible import Look, Piece, count_odd, one_line, pieces


def test_a_plain_text_is_one_piece() -> None:
    assert pieces("SELECT 1;\n\tFROM t") == [Piece("SELECT 1;\n\tFROM t")]
    assert pieces("") == []
    assert pieces("naïve 日本語 ñandú") == [Piece("naïve 日本語 ñandú")]


@pytest.mark.parametrize(
    ("char", "name"),
    [
        ("\x1b", "ESCAPE"),
        ("\r", "CARRIAGE RETURN"),
        ("\x00", "NUL"),
        ("\u202e", "RIGHT-TO-LEFT OVERRIDE"),
        ("\u200b", "ZERO WIDTH SPACE"),
        ("\u2066", "LEFT-TO-RIGHT ISOLATE"),
        ("\ufeff", "ZERO WIDTH NO-BREAK SPACE"),
        ("\u00a0", "NO-BREAK SPACE"),
        ("\u2028", "LINE SEPARATOR"),
        ("\ufe0f", "VARIATION SELECTOR-16"),
        ("\U000e0041", "TAG LATIN CAPITAL LETTER A"),
        ("\u3164", "HANGUL FILLER"),
        ("\ue000", "without a name"),
    ],
)
def test_what_draws_nothing_is_shown_by_its_name(char: str, name: str) -> None:
    before, piece, after = pieces(f"a {char} b")
    assert (before.text, after.text) == ("a ", " b")
    assert (piece.look, piece.name) == (Look.HIDDEN, name)
    assert piece.text == f"U+{ord(char):04X}"


def test_a_letter_of_another_script_in_one_of_our_words_is_marked() -> None:
    found = pieces("p\u0430ypal ｆrom privet \u043f\u0440\u0438\u0432\u0435\u0442")
    marked = [(piece.text, piece.look) for piece in found if piece.look is not Look.PLAIN]
    assert marked == [("\u0430", Look.LOOKALIKE), ("ｆ", Look.LOOKALIKE)]


def test_a_heap_of_marks_does_not_run_over_the_lines_around() -> None:
    assert count_odd("e\u0301 n\u0303") == 0
    assert count_odd("e" + "\u0301" * 10) == 8


@given(st.text())
def test_nothing_is_left_out(text: str) -> None:
    whole = "".join(chr(int(piece.text[2:], 16)) if piece.look is Look.HIDDEN else piece.text for piece in pieces(text))
    assert whole == text


def test_a_row_shows_a_beginning() -> None:
    assert one_line("SELECT\n  1", 20) == "SELECT 1"
    assert one_line("x" * 30, 10) == "x" * 9 + "…"
    assert len(one_line("y " * 10_000, 50)) <= 50
