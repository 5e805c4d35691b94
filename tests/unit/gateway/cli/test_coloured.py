"""Trees on a terminal are coloured by what their parts are; elsewhere they are plain."""

from __future__ import annotations

import io

import pytest

from engine.command.parse import parse_command
from engine.command.show import Role, tree_lines, tree_text
from gateway.cli.coloured import STYLES, say_tree

COMMAND = parse_command("shell", "ls (read); $x; rm -rf /srv").command


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def test_every_role_has_a_style() -> None:
    assert set(STYLES) == set(Role)


def test_effects_have_colours_on_a_terminal(seen: Terminal) -> None:
    say_tree(tree_lines(parse_command("shell", "ls; rm -rf /srv; $x").command), seen)
    assert "\x1b[32m(read)" in seen.getvalue()
    assert "\x1b[1;31m(delete)" in seen.getvalue()
    assert "\x1b[1;35m(unknown)" in seen.getvalue()
    assert "\x1b[1;35mno, some of it could not be seen" in seen.getvalue()


def test_a_command_cannot_give_itself_the_colour_of_an_effect(seen: Terminal) -> None:
    say_tree(tree_lines(parse_command("shell", "rm -rf '(read)'").command), seen)
    assert "\x1b[32m(read)" not in seen.getvalue()


def test_a_file_gets_the_text_as_it_is() -> None:
    seen = io.StringIO()
    say_tree(tree_lines(COMMAND), seen)
    assert seen.getvalue() == tree_text(COMMAND)


def test_a_command_cannot_colour_or_clear_the_terminal(seen: Terminal) -> None:
    say_tree([(("\x1b[2J [bold]x[/bold]", Role.OBJECT),)], seen)
    assert "\x1b[2J" not in seen.getvalue()
    assert "[bold]x[/bold]" in seen.getvalue()
