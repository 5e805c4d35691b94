"""The line editor: what is submitted is what is on the screen."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.terminal.editor import (
    MAX_HISTORY,
    MAX_REMEMBERED,
    MAX_TEXT,
    MAX_WAITING,
    Completing,
    Editor,
    Event,
    Interrupted,
    Left,
    Submitted,
)

PIECES = st.sampled_from(
    [
        "a",
        "b",
        " ",
        "ä",
        "漢",
        "e\u0301",
        "\x7f",
        "\x1b[D",
        "\x1b[C",
        "\x01",
        "\x05",
        "\x0b",
        "\x17",
        "\x19",
        "\x1b[A",
        "\x1b[B",
        "\x1b[200~x\ny\x1b[201~",
        "\x1b[1;5D",
        "\x15",
        "\x1b[3~",
        "\x12",
        "\x07",
    ]
)


class Screen:
    """As much of a terminal as the editor uses."""

    def __init__(self, columns: int) -> None:
        self.columns, self.cells = columns, {}
        self.cells: dict[tuple[int, int], str] = {}
        self.row = self.column = 0

    def show(self, data: bytes) -> None:
        text = data.decode()
        while text:
            found = re.match(r"\x1b\[(\?2004[hl]|\d*[ACJH]|2J)", text)
            if found:
                self._sequence(found[1])
                text = text[found.end() :]
                continue
            char, text = text[0], text[1:]
            if char == "\r":
                self.column = 0
            elif char == "\n":
                self.row += 1
            elif unicodedata.combining(char):
                where = (self.row, self.column - 1)
                self.cells[where] = self.cells.get(where, "") + char
            elif char != "\x07":
                assert char >= " ", repr(char)
                assert self.column < self.columns
                self.cells[self.row, self.column] = char
                self.column += 2 if unicodedata.east_asian_width(char) in "WF" else 1

    def _sequence(self, said: str) -> None:
        number = int(re.sub(r"\D", "", said) or 1)
        match said[-1]:
            case "A":
                self.row -= number
            case "C":
                self.column += number
            case "J":
                self.cells = {
                    at: char for at, char in self.cells.items() if said != "2J" and at < (self.row, self.column)
                }
            case "H":
                self.row = self.column = 0

    @property
    def text(self) -> str:
        rows = sorted({row for row, _ in self.cells})
        return "\n".join("".join(self.cells[at] for at in sorted(self.cells) if at[0] == row) for row in rows)


def typed(data: str, columns: int = 40, editor: Editor | None = None) -> tuple[Editor, Screen, list[Event]]:
    screen = Screen(columns)
    made = editor or Editor(columns)
    screen.show(made.begin("$ "))
    events: list[Event] = []
    made.feed(data.encode())
    while True:
        shown, event = made.step()
        screen.show(shown)
        if event is None:
            return made, screen, events
        events.append(event)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("ls -la\r", "ls -la"),
        ("abc\x7f\x7fx\r", "ax"),
        ("bc\x01a\x05d\r", "abcd"),
        ("one two\x17three\r", "one three"),
        ("one two\x01\x0b\x19\x19\r", "one twoone two"),
        ("one\x15two\r", "two"),
        ("ab\x1b[D\x1b[Dx\x1b[Cy\r", "xayb"),
        ("ab\x1b[D\x1b[3~\r", "a"),
        ("one two\x1b[1;5D\x1b[1;5DX\x1b[1;5CY\r", "XoneY two"),
        ("\x1b[200~a\nb\x1b[201~\r", "a\nb"),
        ("ab\x01\x04\r", "b"),
        ("one two\x01\x1bd\r", " two"),
        ("a\x0cb\r", "ab"),
    ],
)
def test_keys_edit(data: str, text: str) -> None:
    _, _, events = typed(data)
    assert events == [Submitted(text)]


def test_interrupts_ends_and_completions() -> None:
    assert typed("half\x03")[2] == [Interrupted()]
    assert typed("\x04")[2] == [Left()]
    assert typed("cat fo\x1b[D\t")[2] == [Completing("cat f")]


def test_history_goes_back_and_forth_and_is_searched() -> None:
    editor = Editor(40)
    for text in ("first", "second", "second", " "):
        editor.remember(text)
    assert editor.history == ["first", "second"]
    assert typed("draft\x1b[A\x1b[A\x1b[A\r", editor=editor)[2] == [Submitted("first")]
    assert typed("draft\x1b[A\x1b[B\x1b[B\r", editor=editor)[2] == [Submitted("draft")]
    assert typed("\x12fir\r", editor=editor)[2] == [Submitted("first")]
    assert typed("\x12fir\x7f\x7f\x7fsec\x12\r", editor=editor)[2] == [Submitted("second")]
    assert typed("\x12fir\x03x\r", editor=editor)[2] == [Submitted("x")]
    assert typed("\x12\x1b[200~fir\x1b[201~\x05!\r", editor=editor)[2][0] == Submitted("first!")
    for number in range(MAX_HISTORY + 5):
        editor.remember(str(number))
    assert len(editor.history) == MAX_HISTORY


def test_a_command_of_several_lines_goes_on_below() -> None:
    editor, screen, events = typed("for x\r")
    assert events == [Submitted("for x")]
    screen.show(editor.go_on())
    editor.feed(b"do\r")
    shown, event = editor.step()
    screen.show(shown)
    assert event == Submitted("for x\ndo")
    assert screen.text == "$ for x\n> do"


def test_something_can_be_shown_below_and_put_in() -> None:
    editor, screen, _ = typed("ls a")
    screen.show(editor.shown_below(b"aa ab\r\n"))
    screen.show(editor.insert("b"))
    assert screen.text == "$ ls a\naa ab\n$ ls ab"


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("a", 1),
        ("\u6f22", 2),
        ("e\u0301", 1),
        ("\u0e01\u0e31", 1),
        ("\u0915\u0941", 1),
        ("\u2764\ufe0e", 1),
        ("5\u20e3", 1),
        ("\u1112\u1161\u11ab", 2),
    ],
    ids=["letter", "wide", "accent", "thai", "devanagari", "chosen drawing", "enclosed", "decomposed korean"],
)
def test_the_cursor_stands_behind_the_cells_that_a_terminal_takes(text: str, cells: int) -> None:
    editor = Editor(40)
    editor.begin("$ ")
    editor.feed(text.encode())
    shown, _ = editor.step()
    assert shown.endswith(f"\r\x1b[{2 + cells}C".encode())


def test_keys_wait_for_their_turn_or_are_dropped() -> None:
    editor, _, events = typed("one\rtwo\r")
    assert events == [Submitted("one"), Submitted("onetwo")] or events[0] == Submitted("one")
    editor.feed(b"x")
    editor.drop()
    assert editor.step() == (b"", None)


def test_a_text_has_a_limit() -> None:
    editor, _, _ = typed("")
    editor.insert("x" * (MAX_TEXT + 10))
    editor.feed(b"yy\r")
    _, event = editor.step()
    assert event == Submitted("x" * MAX_TEXT)


@given(st.lists(PIECES, max_size=25), st.integers(4, 30))
def test_the_screen_shows_what_would_be_submitted(pieces: list[str], columns: int) -> None:
    editor, screen, events = typed("".join(pieces), columns)
    # An end of searching, so that the text stands behind the prompt again; it changes nothing else.
    editor.feed(b"\x05")
    screen.show(editor.step()[0])
    shown = "".join(char for _, char in sorted(screen.cells.items()))
    wanted = f"$ {editor._text}".replace("\n", "> ")
    if not unicodedata.combining((editor._text or "a")[0]) and "\n\u0301" not in editor._text:
        assert "".join(shown.split()) == "".join(wanted.split())
    assert events == []


def test_many_characters_at_once_are_drawn_once() -> None:
    editor = Editor(80)
    editor.begin("$ ")
    editor.feed(b"x" * 20_000)
    shown, event = editor.step()
    assert (event, shown.count(b"\x1b[J")) == (None, 1)
    editor.feed(b"y" * (MAX_TEXT - 100) + b"\r")
    shown, event = editor.step()
    assert isinstance(event, Submitted)
    assert (len(event.text), b"\x07" in shown) == (MAX_TEXT, True)


def test_many_keys_at_once_are_drawn_once() -> None:
    editor = Editor(80)
    editor.begin("$ ")
    editor.insert("x" * MAX_TEXT)
    for keys in (b"\x0c", b"\x1b[D", b"\x02\x19", b"\x12", b"y\x7f"):
        editor.feed(keys * 1_000)
        shown, event = editor.step()
        assert event is None
        assert len(shown) < 3 * MAX_TEXT


def test_what_was_not_drawn_is_drawn_before_an_end() -> None:
    for keys, text in (
        (b"one\x1b[Dx\t", "$ onxe"),
        (b"a\x7f\x04", "$"),
        (b"ab\x02c\x03", "$ acb^C"),
        (b"ab\x02c\r", "$ acb"),
    ):
        editor, screen = Editor(40), Screen(40)
        screen.show(editor.begin("$ "))
        editor.feed(keys)
        shown, event = editor.step()
        screen.show(shown)
        assert event is not None
        assert screen.text.rstrip() == text


def test_pasted_texts_that_wait_are_bounded_by_their_length() -> None:
    editor = Editor(80)
    for _ in range(50):
        editor.feed(b"\x1b[200~" + b"x" * MAX_TEXT + b"\x1b[201~")
    assert sum(len(str(key)) for key in editor._waiting) < 3 * MAX_WAITING
    editor.drop()
    for _ in range(50):
        editor.feed(b"y" * MAX_TEXT)
    assert [len(str(key)) < 2 * MAX_WAITING for key in editor._waiting] == [True]
    editor.step()
    assert editor._weight == 0


def test_the_history_is_bounded_by_its_length() -> None:
    editor = Editor(80)
    for number in range(50):
        editor.remember(f"{number} " + "x" * (MAX_REMEMBERED // 10))
    assert len(editor.history) == 9
    assert editor.history[-1].startswith("49 ")
    editor.remember("x" * (MAX_REMEMBERED + 1))
    assert len(editor.history) == 1


def test_a_text_that_goes_on_has_the_same_limit() -> None:
    editor = Editor(80)
    editor.begin("$ ")
    editor.insert("x" * (MAX_TEXT - 1))
    for _ in range(3):
        editor.feed(b"\r")
        _, event = editor.step()
        assert isinstance(event, Submitted)
        editor.go_on()
    assert len(editor._text) == MAX_TEXT
