"""Programs of Python: whatever stands around a dangerous call, it is seen, or the program is not complete."""

from __future__ import annotations

import ast

from hypothesis import given
from hypothesis import strategies as st

from engine.command.parse import parse_command
from engine.command.python.kinds import UNSEEN
from engine.command.tree import Command
from tests.fuzz import targets

HARMLESS = {"import_module", "compute", "call_function", "call_method", "empty"}

# Ways to name the function, and to run the expression that calls it; `{}` is what is inside.
NAMES = st.sampled_from(
    [
        "os.system",
        "o.system",
        "getattr(os, 'sys' + 'tem')",
        "__import__('os').system",
        "vars(os)['system']",
        "sys.modules['os'].system",
        "json.codecs.sys.modules['os'].system",
        "(lambda: os)().system",
        "[os][0].system",
        "(x for x in [os.system]).__next__()",
        "handed(os).system",
        "handed(os.system)",
        "A.run",
        "A().run",
        "alias",
        "{'a': os.system}['a']",
        "globals()['os'].system",
    ]
)
EXPRESSIONS = st.sampled_from(
    [
        "{}",
        "({})",
        "[{}]",
        "[{} for _ in range(1)]",
        "(lambda: {})()",
        "f'{{{}}}'",
        "print({})",
        "handed({})",
        "({} if True else 0)",
        "(y := {})",
        "not {}",
        "{{'a': {}}}",
        "{}.real",
        "(1, {})[1]",
        "max({}, 1)",
    ]
)
STATEMENTS = st.sampled_from(
    [
        "{}",
        "x = {}",
        "if True:\n    {}",
        "def f():\n    {}\nf()",
        "class B:\n    {}",
        "try:\n    {}\nfinally:\n    pass",
        "for _ in range(1):\n    {}",
        "while True:\n    {}\n    break",
        "async def g():\n    {}",
        "with open('x') as h:\n    {}",
        "match 1:\n    case _:\n        {}",
        "@handed\ndef f():\n    {}",
    ]
)
AROUND = """import os, sys, json
import os as o
alias = o.system
def handed(value):
    return value
class A:
    run = os.system
"""


def tree(text: str) -> Command:
    return parse_command("python", text).command


def filled(template: str, inside: str) -> str:
    line = next(line for line in template.split("\n") if "{}" in line)
    pad = line[: len(line) - len(line.lstrip())]
    return template.replace("{}", inside.replace("\n", f"\n{pad}")).replace("{{", "{").replace("}}", "}")


@given(NAMES, st.lists(EXPRESSIONS, max_size=3), st.lists(STATEMENTS, max_size=3))
def test_a_dangerous_call_is_seen_whatever_stands_around_it(name: str, inner: list[str], outer: list[str]) -> None:
    text = f"{name}(1)"
    for template in inner:
        text = template.replace("{}", text, 1).replace("{{", "{").replace("}}", "}")
    for template in outer:
        text = filled(template, text)
    text = AROUND + text
    try:
        ast.parse(text)
    except SyntaxError:
        return
    # What is around is seen as well, so only what this text adds is looked at.
    before, found = tree(AROUND), tree(text)
    known = {(one.kind, one.via, one.python) for one in before.operations}
    added = {one.kind for one in found.operations if (one.kind, one.via, one.python) not in known}
    assert added - HARMLESS
    assert "run_process" in added or added & UNSEEN
    assert not found.complete


@given(st.text(alphabet=st.sampled_from("abos.()[]{}'\"=:,\n \t#!%@\\*lambdeimprtfxy1"), max_size=120))
def test_any_text_ends_in_a_sound_tree(text: str) -> None:
    targets.python(text.encode())


@given(st.binary(max_size=80))
def test_any_bytes_end_in_a_sound_tree(data: bytes) -> None:
    targets.python(data)
