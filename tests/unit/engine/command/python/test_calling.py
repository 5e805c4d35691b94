"""Which function a call is, and what follows from it."""

from __future__ import annotations

import pytest

from engine.command.parse import parse_command
from engine.command.tree import Command


def tree(text: str) -> Command:
    return parse_command("python", text).command


def kinds(text: str) -> list[str]:
    return [one.kind for one in tree(text).operations]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("print(1)", "compute"),
        ("def f(): pass\nf()", "call_function"),
        ("(lambda: 1)()", "call_function"),
        ("class A: pass\nA()", "call_function"),
        ("class A:\n    def run(self): pass\ndef f(a):\n    a.run()", "call_function"),
        ("class A:\n    def f(self):\n        super().nothing()", "call_function"),
        ("def f(x):\n    x.strip()", "call_method"),
        ("'a'.join([])", "compute"),
        ("def f(x):\n    x.nothing()", "call_unknown"),
        ("def f(x):\n    x()", "call_dynamic"),
        ("import os\nos.nothing()", "call_unknown"),
        ("def f(s):\n    s.get('https://x.example/')", "fetch"),
        ("def f(s):\n    s.post('https://x.example/')", "send"),
        ("def f(p):\n    p.replace('x')", "move_file"),
        ("def f(p):\n    p.replace('x', 'y')", "call_method"),
        ("def f(p):\n    p.open()", "read_file"),
        ("def f(p):\n    p.open('w')", "write_file"),
        ("'{0.__class__}'.format(1)", "reflect"),
        ("import os\nx = [os.system]", "run_process"),
        ("import os\nx = [os]", "reflect"),
        ("import matplotlib\nmatplotlib.use('Agg')", "compute"),
        ("import zipfile\nzipfile.ZipFile('x')", "archive"),
    ],
)
def test_kinds_of_calls(text: str, kind: str) -> None:
    assert kind in kinds(text)


def test_imports_by_statement_and_by_text() -> None:
    assert kinds("import json") == ["import_module"]
    assert kinds("import helper") == ["import_unknown"]
    assert kinds("from . import json") == ["import_unknown"]
    assert kinds("from json import _default_decoder") == ["import_unknown"]
    assert "import_module" in kinds("__import__('json')")
    assert "import_unknown" in kinds("__import__(input())")
    assert "import_unknown" in kinds("__import__()")


def test_a_text_that_is_run_is_read_to_a_depth() -> None:
    text = "import os\nos.system('id')"
    for _ in range(3):
        text = f"exec({text!r})"
    assert "run_process" in kinds(text)
    for _ in range(3):
        text = f"exec({text!r})"
    assert "unknown" in kinds(text)
    assert not tree(text).complete


def test_code_in_a_text_is_never_complete() -> None:
    assert not tree("eval('1 + 1')").complete
    assert not tree("exec('no python')").complete


def test_command_lines_follow_what_runs_them() -> None:
    command = tree("import os\nos.system('rm -rf /srv')")
    assert command.complete
    run, removed = command.operations[1:]
    assert (run.kind, removed.kind, removed.via) == ("run_process", "delete_file", ("top", "process"))
    assert removed.shell is not None


def test_a_decorator_is_called() -> None:
    command = tree("import os\n@os.system\ndef f(): pass")
    assert ("run_process", ("top", "decorator")) in {(one.kind, one.via) for one in command.operations}


def test_one_call_with_two_meanings_is_counted_once() -> None:
    command = tree("import os\n(os.system if 1 else print)('id')")
    assert sum(one.python.calls for one in command.operations if one.python is not None) == 1
