"""What a submitted text is, before anybody is asked about it."""

from __future__ import annotations

import pytest

from adapters.terminal.submitted import Exit, Line, NotHere, Nothing, OnScreen, Submission, Unfinished, submission


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", Nothing()),
        (" \n ", Nothing()),
        ("echo 'a", Unfinished()),
        ("cat <<E\nx", Unfinished()),
        ("ls \\", Unfinished()),
        ("exit", Exit(3)),
        ("logout 256", Exit(0)),
        ("less /etc/motd", OnScreen("less")),
        ("sleep 1 &", NotHere("there are no jobs here: leave the `&` away")),
    ],
)
def test_each_text_is_one_thing(text: str, found: Submission) -> None:
    assert submission(text, 3) == found


def test_what_is_left_is_a_command_to_be_asked_about() -> None:
    found = submission("cd /tmp && rm -rf x", 0)
    assert isinstance(found, Line)
    assert [one.shell.program for one in found.command.operations if one.shell is not None] == ["cd", "rm"]


def test_a_text_that_never_ends_is_a_command_once_it_is_long() -> None:
    assert isinstance(submission("echo '" + "x" * (64 << 10), 0), Line)
