"""Syntax errors in the words of the language."""

from __future__ import annotations

import pytest

from engine.dsl.parser import parse
from engine.source import Diagnostic, Source


def error(text: str) -> Diagnostic:
    found = parse(Source("p.gate", text)).diagnostics
    assert len(found) == 1, found
    return found[0]


RULE = "policy p\ndeny a when "


@pytest.mark.parametrize(
    ("text", "code", "help_"),
    [
        (RULE + "principal.name = 3", "SYNTAX", "values are compared with `==`"),
        (RULE + "principal.name == 'x'", "SYNTAX", "texts stand in double quotes"),
        (RULE + "a && b", "SYNTAX", "conditions are joined by `and`"),
        (RULE + "a || b", "SYNTAX", "conditions are joined by `or`"),
        (RULE + "!a", "SYNTAX", "a condition is turned round by `not`"),
        (RULE + "a // why", "SYNTAX", "comments begin with `#`"),
        (RULE + "a;", "SYNTAX", "nothing ends a line or a rule; leave it out"),
        (RULE + "a in [1, 2]", "SYNTAX", "sets stand in braces: `{a, b}`"),
        (RULE + 'a.b lik "x"', "SYNTAX", "did you mean `like` instead of `lik`?"),
        ("policy p\ndeny a whn b", "SYNTAX", "did you mean `when`?"),
        ("policy p\ndeny a if b", "SYNTAX", "the conditions of a rule begin with `when`"),
        (RULE + 'between 9:00 and 10:00 in "UTC"', "SYNTAX", "a time has two digits on each side: `09:00`"),
        (
            "policy p\nhold a expires 15min",
            "AMOUNT",
            "a duration is a whole number and `ms`, `s`, `m`, `h` or `d`; a size ends in `KB`, `MB` or `GB`",
        ),
        (
            "policy p\nlimit a rows 1O",
            "AMOUNT",
            "a duration is a whole number and `ms`, `s`, `m`, `h` or `d`; a size ends in `KB`, `MB` or `GB`",
        ),
        ('policy p\ndeny a "x', "UNTERMINATED", 'end it on its line with `"`; `\\n` is a line break'),
        (
            'policy p\ndeny a "\\x"',
            "ESCAPE",
            'the escapes are `\\"` `\\\\` `\\n` `\\r` `\\t` `\\uXXXX`; a backslash itself is `\\\\`',
        ),
        ('policy p\ndeny a "\t"', "ESCAPE", "write it as `\\uXXXX`"),
        ("", "SYNTAX", "a file begins with `policy NAME`, or with `library` when it only defines names"),
    ],
)
def test_a_usual_slip_gets_its_help(text: str, code: str, help_: str) -> None:
    found = error(text)
    assert (found.code, found.help) == (code, help_)


def test_what_could_come_is_said_in_words() -> None:
    assert error("policy p\ndeny a when").message == "something is missing at the end: expected a condition"
    assert error("policy p\ndeny a when )").message == "unexpected `)`, expected a condition"
    assert error('policy p\ntest "x" run postgres "x" expect maybe').message == "unexpected `maybe`, expected a verdict"
    assert "the next rule" in error("policy p\ndeny a 7").message
    assert "a clause (`when`, `unless`, ...)" in error("policy p\ndeny a 7").message


def test_the_span_is_that_of_the_word() -> None:
    found = error("policy p\n\n  deny a\n    whn b")
    assert found.span is not None
    assert (found.span.line, found.span.column, found.span.end_column) == (4, 5, 8)


def test_a_sign_that_cannot_be_seen_is_named_by_its_number() -> None:
    assert "U+0000" in error("policy p\ndeny \x00").message


def test_a_huge_word_is_shown_short() -> None:
    assert len(error("policy p\ndeny a " + "y" * 1000).message) < 300
