"""Every node of a program, once."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from engine.command.parse import parse_command
from engine.command.python.walk import MAX_PROGRAMS
from engine.command.tree import Command


def tree(text: str) -> Command:
    return parse_command("python", text).command


def calls(command: Command) -> int:
    return sum(one.python.calls for one in command.operations if one.python is not None and "code" not in one.via)


SOURCES = [path for path in sorted(Path(ast.__file__).parent.glob("*.py")) if path.stat().st_size < 40_000][::4]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_each_call_of_real_programs_is_in_the_tree_once(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    command = tree(text)
    codes = {problem.code for problem in command.problems}
    if codes & {"too_many_operations", "too_deep", "too_complex", "control_character", "coding_cookie"}:
        assert not command.complete
        return
    assert calls(command) == sum(isinstance(node, ast.Call) for node in ast.walk(ast.parse(text)))


@pytest.mark.parametrize(
    ("text", "via"),
    [
        ("import os\ndef f():\n    os.getpid()", ("top", "function")),
        ("import os\nclass A:\n    x = os.getpid()", ("top", "class")),
        ("import os\nf = lambda: os.getpid()", ("top", "lambda")),
        ("import os\nclass A:\n    def f(self):\n        os.getpid()", ("top", "class", "function")),
        ("import os\n[os.getpid() for x in y]", ("top",)),
        ("import os\ndef f(x=os.getpid()): pass", ("top",)),
    ],
)
def test_the_way_to_a_call(text: str, via: tuple[str, ...]) -> None:
    assert via in {one.via for one in tree(text).operations if one.python and one.python.function == "os.getpid"}


@pytest.mark.parametrize(
    ("text", "feature"),
    [
        ("def open(): pass", "shadowed_name"),
        ("open = 1", "shadowed_name"),
        ("from os import *", "star_import"),
        ("import os\nos.ｇetpid()", "non_ascii_name"),
        ("eval('1')", "code_from_text"),
        ("password = 'kx7' + 'Qm2'", "secret_literal"),
        ("import psycopg\npsycopg.connect(password='kx7Qm2')", "secret_literal"),
        ("x = {'api_key': 'kx7Qm2'}", "secret_literal"),
    ],
)
def test_features(text: str, feature: str) -> None:
    assert feature in tree(text).features


@pytest.mark.parametrize(
    "text", ["x = os_getpid", "password = input()", "password = 'password'", "x = 'password'", "def f(password): pass"]
)
def test_what_is_no_secret(text: str) -> None:
    assert "secret_literal" not in tree(text).features


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x", "undefined_name"),
        ("import json\njson.loads = 1", "names_changed"),
        ("import json\ndel json.loads", "names_changed"),
        ("import json\nfor json.loads in []: pass", "names_changed"),
        ("import sys\nsys.modules['x'] = 1", "names_changed"),
        ("import builtins\nbuiltins.open = 1", "names_changed"),
        ("__builtins__['open'] = 1", "names_changed"),
        ("globals()['open'] = 1", "names_changed"),
        ("import json\nsetattr(json, 'x', 1)", "names_changed"),
        ("setattr(*x)", "undefined_name"),
        ("x = 1\ngetattr(x, input())", "reflection"),
        ("x = 1\nx.__class__", "reflection"),
        ("__class__ = 1", "reflection"),
        ("match 1:\n    case int(__class__=x): pass", "reflection"),
        ("x = 1\nsetattr(x, '__class__', 1)", "reflection"),
    ],
)
def test_problems(text: str, code: str) -> None:
    command = tree(text)
    assert code in {problem.code for problem in command.problems}
    assert not command.complete


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\nx.__class__.__name__",
        "class A:\n    def __init__(self):\n        self._x = 1",
        "import matplotlib.pyplot as plt\nplt.rcParams['x'] = 1",
        "import os as o\np = o\np.getpid()",
        "x = {}\nx['a'] = 1",
    ],
)
def test_what_is_ordinary_is_complete(text: str) -> None:
    assert tree(text).complete


def test_a_program_of_many_texts_ends() -> None:
    text = "\n".join(f"exec('x{number} = 1')" for number in range(MAX_PROGRAMS + 5))
    assert "too_complex" in {problem.code for problem in tree(text).problems}
