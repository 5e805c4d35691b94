"""Trees on a terminal are coloured by effect; elsewhere they are plain."""

from __future__ import annotations

import io

import pytest

from gateway.cli.coloured import say_tree


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


TREE = "operations:\n  drop_table (delete) via top\n    delete table shop.orders\n"


def test_effects_have_colours_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    seen = Terminal()
    say_tree(TREE, seen)
    assert "\x1b[1;31m(delete)" in seen.getvalue()


def test_a_file_gets_the_text_as_it_is() -> None:
    seen = io.StringIO()
    say_tree(TREE, seen)
    assert seen.getvalue() == TREE


def test_a_command_cannot_colour_or_clear_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    seen = Terminal()
    say_tree("operations:\n  \x1b[2J [bold]x[/bold]\n", seen)
    assert "\x1b[2J" not in seen.getvalue()
    assert "[bold]x[/bold]" in seen.getvalue()
