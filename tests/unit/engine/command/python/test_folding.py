"""Constants that a text puts together."""

from __future__ import annotations

import ast

import pytest

from engine.command.python.folding import (
    MAX_CONSTANT,
    fold_binary,
    fold_call,
    fold_item,
    fold_join,
    fold_method,
    fold_slice,
)
from engine.command.python.values import Plain


@pytest.mark.parametrize(
    ("operator", "left", "right", "made"),
    [
        (ast.Add(), "sys", "tem", "system"),
        (ast.Add(), b"a", b"b", b"ab"),
        (ast.Add(), "a", b"b", None),
        (ast.Mult(), "ab", 2, "abab"),
        (ast.Mult(), "a", MAX_CONSTANT + 1, None),
        (ast.Mult(), "a", -1, None),
        (ast.Mod(), "a%sc", "b", "abc"),
        (ast.Mod(), "%d", "b", None),
        (ast.Mod(), "%s%s", "b", None),
        (ast.Add(), 100, 15, 115),
        (ast.Sub(), 100, 15, 85),
        (ast.Mult(), 5, 3, 15),
        (ast.BitXor(), 6, 3, 5),
        (ast.Add(), 1 << 63, 1, None),
        (ast.Pow(), 2, 2, None),
    ],
)
def test_operators(operator: ast.operator, left: Plain, right: Plain, made: Plain) -> None:
    assert fold_binary(operator, left, right) == made


def test_a_constant_does_not_grow_beyond_its_limit() -> None:
    long = "a" * MAX_CONSTANT
    assert fold_binary(ast.Add(), long, "a") is None
    assert fold_join("", [long, "a"]) is None
    assert fold_method(long, "replace", ["a", "bb"]) is None


def test_parts_of_a_text() -> None:
    assert fold_slice("metsys", [None, None, -1]) == "system"
    assert fold_slice("abc", [1, None, None]) == "bc"
    assert fold_slice("abc", [None, None, 0]) is None
    assert fold_slice("abc", ["x", None, None]) is None
    assert fold_item("abc", -1) == "c"
    assert fold_item("abc", 3) is None


@pytest.mark.parametrize(
    ("owner", "name", "given", "made"),
    [
        ("A", "lower", [], "a"),
        (" a ", "strip", [], "a"),
        ("xa", "replace", ["x", "y"], "ya"),
        ("a{}c", "format", ["b"], "abc"),
        ("a{}{}", "format", ["b"], None),
        ("a", "encode", [], b"a"),
        (b"a", "decode", ["ascii"], "a"),
        (b"\xff", "decode", [], None),
        ("a", "zfill", [3], None),
    ],
)
def test_methods_of_constants(owner: str | bytes, name: str, given: list[Plain], made: Plain) -> None:
    assert fold_method(owner, name, given) == made


@pytest.mark.parametrize(
    ("function", "given", "made"),
    [
        ("builtins.chr", [115], "s"),
        ("builtins.chr", [-1], None),
        ("builtins.chr", ["s"], None),
        ("builtins.str", ["a"], "a"),
        ("builtins.str", [b"a", "utf-8"], "a"),
        ("builtins.str", [b"a"], None),
        ("builtins.bytes.fromhex", ["7373"], b"ss"),
        ("builtins.bytes.fromhex", ["7"], None),
        ("codecs.decode", ["flf", "rot13"], "sys"),
        ("codecs.decode", [b"7373", "hex"], b"ss"),
        ("codecs.decode", [b"ss"], "ss"),
        ("codecs.decode", [b"ss", "zlib"], None),
        ("base64.b64decode", ["c3lz"], b"sys"),
        ("base64.b64decode", [b"c3lz"], b"sys"),
        ("base64.b64decode", ["x"], None),
        ("base64.b64decode", [1], None),
        ("os.getcwd", ["x"], None),
        ("builtins.chr", [], None),
    ],
)
def test_functions_of_constants(function: str, given: list[Plain], made: Plain) -> None:
    assert fold_call(function, given) == made


def test_joining_needs_texts() -> None:
    assert fold_join("-", ["a", "b"]) == "a-b"
    assert fold_join("", ["a", None]) is None
