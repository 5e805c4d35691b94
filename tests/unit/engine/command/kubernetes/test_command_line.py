"""Words of a line that needs no shell."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.command.kubernetes.command_line import NotPlain, outline_commands, split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b  c\t", ["a", "b", "c"]),
        ("a 'b c' \"d e\" f\\ g h''i", ["a", "b c", "d e", "f g", "hi"]),
        ("a '' \"\"", ["a", "", ""]),
        ('a "\\$x \\" \\n"', ["a", '$x " \\n']),
        ("a \\\n  b", ["a", "b"]),
        ("a $X ${Y} \"$Z\" '$W' b$", ["a", None, None, None, "$W", "b$"]),
        ("a *.yaml x{1,2} {} ~/x a~b [ab]", ["a", None, None, "{}", None, "a~b", None]),
        ("a#b c", ["a#b", "c"]),
        ("", []),
    ],
)
def test_words_are_those_of_a_shell(text: str, words: list[str | None]) -> None:
    assert split_words(text) == words


@pytest.mark.parametrize(
    "text",
    ["a | b", "a; b", "a && b", "a & b", "a > f", "a < f", "(a)", "a $(b)", "a `b`", "a \"$(b)\"", "a # b", "a 'b", 'a "b', "a \\", "a\nb",
     "a ${x:-$(b)}", "a ${x", "a $'x'", "a \"${x@P}\"", "a\rb"],
)  # fmt: skip
def test_what_needs_a_shell_is_not_split(text: str) -> None:
    with pytest.raises(NotPlain):
        split_words(text)


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("a b | c d", [["a", "b"], ["c", "d"]]),
        ("a > f 2>&1 < g b", [["a", "b"]]),
        ("a $(b (c)) `d` \"$e\" 'f g' # h", [["a", None, None, None, "f g"]]),
        ("a <pod-name> b", [["a", None, "b"]]),
        ("a#b (c)\nd", [["a#b"], ["c"], ["d"]]),
        ("", []),
    ],
)
def test_a_line_for_a_shell_is_outlined(text: str, commands: list[list[str | None]]) -> None:
    assert outline_commands(text) == commands


@given(st.text(alphabet="ab '\"\\$`{}()|;#\n~*=", max_size=40))
def test_no_text_raises_anything_else(text: str) -> None:
    assert all(outline_commands(text))
    with suppress(NotPlain):
        assert isinstance(split_words(text), list)
