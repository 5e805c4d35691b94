"""Bytes to a syntax tree, or the reason why not."""

from __future__ import annotations

import ast
import time

import pytest

from engine.command.python.reading import MAX_DEPTH, MAX_NODES, MAX_TEXT, Source, decode_source, parse_text
from engine.command.tree import Problem


def code_of(raw: bytes) -> str:
    found = decode_source(raw)
    if isinstance(found, str):
        parsed = parse_text(found)
        return parsed.code if isinstance(parsed, Problem) else ""
    return found.code


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"x = 1", ""),
        (b"\xef\xbb\xbfx = 1", ""),
        (b"# coding: utf-8\nx = 1", ""),
        (b"#!/bin/x\n# -*- coding: latin-1 -*-\n", "coding_cookie"),
        (b"\xef\xbb\xbf# coding: utf-7\n", "coding_cookie"),
        (b"\r# coding=utf_7\r", "coding_cookie"),
        (b"\x0c# coding: cp037\n", "coding_cookie"),
        (b"\n\n# coding: utf-7\n", ""),
        (b"x = '\xff'", "not_utf8"),
        (b"x = '\x00'", "control_character"),
        ("x = '\u202e'".encode(), "control_character"),
        (b"x = '\x1b[2J'", "control_character"),
        (b"\x0cx = 1\t# fine", ""),
        (b"x" * (MAX_TEXT + 1), "too_long"),
        (b"x y", "syntax_error"),
        (b"x = " + b"1" * 5000, "syntax_error"),
        (b"-" * 20_000 + b"1", "too_deep"),
        (b"x" + b".a" * 1_000, "too_deep"),
        (b"if x:\n pass\n" + b"elif x:\n pass\n" * (MAX_DEPTH + 1), "too_deep"),
        (b"x," * (MAX_NODES // 2 + 1), "too_complex"),
        (b"'\\y'", ""),
    ],
)
def test_what_is_read_and_what_is_refused(raw: bytes, code: str) -> None:
    assert code_of(raw) == code


HOSTILE = {
    "brackets": b"(" * MAX_TEXT,
    "braces": b"{" * MAX_TEXT,
    "mixed": b"([{" * (MAX_TEXT // 3),
    "f-strings": b"f'" + b"{a}" * (MAX_TEXT // 3 - 2) + b"'",
    "nested f-strings": b"f'{" * (MAX_TEXT // 3),
    "lambdas": b"lambda:" * (MAX_TEXT // 7),
    "conditionals": b"a if a else " * (MAX_TEXT // 12),
    "comparisons": b"a<" * (MAX_TEXT // 2 - 1) + b"a",
    "statements": b"a;" * (MAX_TEXT // 2),
    "decorators": b"@a\n" * (MAX_TEXT // 3),
    "indents": b"".join(b" " * n + b"if a:\n" for n in range(99)),
    "lines that go on": b"\\\n" * (MAX_TEXT // 2),
    "calls in calls": b"f(" * 60 + b")" * 60,
    "almost calls": b"f(a for a in b, c)" * 3_000,
    "patterns": b"match a:\n case " + b"[" * 150,
    "with": b"with (" * 150,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_take_bounded_time(name: str) -> None:
    began = time.process_time()
    code_of(HOSTILE[name])
    assert time.process_time() - began < 3


def test_places_are_bytes_of_the_text() -> None:
    text = "x = 'ä'\r\nabc(1)\rdef f(): pass"
    source = parse_text(text)
    assert isinstance(source, Source)
    call = next(node for node in ast.walk(source.tree) if isinstance(node, ast.Call))
    start, end = source.place(call)
    assert source.raw[start:end] == b"abc(1)"
    assert source.line_of(start) == 2
    last = source.tree.body[-1]
    assert source.raw[slice(*source.place(last))] == b"def f(): pass"
    assert source.place(source.tree) == (0, 0)


def test_an_expression_alone_is_a_program_of_one() -> None:
    source = parse_text("f(x)", "eval")
    assert isinstance(source, Source)
    assert isinstance(source.tree.body[0], ast.Expr)
