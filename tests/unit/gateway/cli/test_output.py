"""What is printed cannot paint over the terminal, and lines are answered one for one at once."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Iterator

import pytest

from gateway.cli.output import answer_lines, complain, plain, say, say_json


def test_control_and_reordering_characters_are_made_visible() -> None:
    assert plain("a\x1b[31mb\x00\x7f\u202e\u200b") == "a\\x1b[31mb\\x00\\x7f\\u202e\\u200b"
    assert plain("a\tb\nc é") == "a\tb\nc é"


def test_answers_go_out_and_complaints_go_to_the_side(capsys: pytest.CaptureFixture[str]) -> None:
    say("x\x1b")
    say_json({"a": "é"})
    complain("bad", help="do good")
    shown = capsys.readouterr()
    assert shown.out == 'x\\x1b\n{"a":"é"}\n'
    assert shown.err == "sallyport: bad\n  do good\n"


def test_each_line_is_answered_before_the_next_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.pipe()
    out = io.TextIOWrapper(os.fdopen(theirs, "wb"))
    seen = list[bytes]()

    def source() -> Iterator[bytes]:
        for number in range(3):
            yield b"%d\n" % number
            seen.append(os.read(ours, 100))

    class Input:
        buffer = source()

    def echo(lines: Iterable[bytes]) -> Iterator[str]:
        return (line.decode().strip() for line in lines)

    monkeypatch.setattr(sys, "stdin", Input)
    monkeypatch.setattr(sys, "stdout", out)
    answer_lines(echo)
    assert seen == [b"0\n", b"1\n", b"2\n"]
    out.close()
    os.close(ours)
