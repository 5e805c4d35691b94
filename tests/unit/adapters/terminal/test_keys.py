"""Bytes of a terminal as keys."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from adapters.terminal.keys import MAX_PASTE, Key, Keys, Named, Pasted, Typed


def keys(data: bytes) -> list[Key]:
    return Keys().feed(data)


def test_characters_and_named_keys() -> None:
    assert keys("aä".encode()) == [Typed("a"), Typed("ä")]
    assert keys(b"\r\x7f\x03\x04\t") == [Named(name) for name in ("enter", "backspace", "interrupt", "leave", "tab")]
    assert keys(b"\x1b[A\x1bOB\x1b[3~\x1b[1;5C\x1bb") == [
        Named(name) for name in ("up", "down", "delete", "word_right", "word_left")
    ]


def test_what_is_unknown_is_no_key() -> None:
    assert keys(b"\x1b[99;99zx\x1b[200x\x1bQ\x00\x1f") == [Typed("x")]
    assert keys(b"\x1b[" + b"1" * 100)[:1] == [Typed("1")]
    assert keys(b"\x1b\x1b[Ax") == [Named("up"), Typed("x")]


def test_pasted_text_is_one_key_without_controls() -> None:
    assert keys(b"\x1b[200~a\r\nb\tc\x1b[31m\x03\xe2\x80\xae\x1b[201~x") == [Pasted("a\nb    c[31m"), Typed("x")]
    assert keys(b"\x1b[200~" + b"x" * (MAX_PASTE + 50) + b"\x1b[201~") == [Pasted("x" * MAX_PASTE)]


def test_what_cannot_be_seen_cannot_be_typed() -> None:
    assert keys("a\u200b\u202e\u2066\x9b\ufeffb".encode()) == [Typed("a"), Typed("b")]


@given(st.binary(max_size=40), st.integers(1, 5))
def test_it_is_the_same_wherever_bytes_are_cut(data: bytes, size: int) -> None:
    by_piece = Keys()
    assert [key for at in range(0, len(data), size) for key in by_piece.feed(data[at : at + size])] == keys(data)


@given(st.binary(max_size=60))
def test_no_key_holds_a_control_character_but_new_lines_of_a_paste(data: bytes) -> None:
    for key in keys(data):
        match key:
            case Typed(char):
                assert unicodedata.category(char)[0] != "C"
            case Pasted(text):
                assert all(char == "\n" or unicodedata.category(char)[0] != "C" for char in text)
            case Named():
                pass
