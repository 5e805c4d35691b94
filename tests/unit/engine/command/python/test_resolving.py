"""What expressions can be."""

from __future__ import annotations

import ast

import pytest

from engine.command.python.resolving import MAX_STEPS, Resolver, TooMuch
from engine.command.python.scopes import build_scopes
from engine.command.python.values import ANYTHING, Begins, Const, Many, Own, Ref, Value


def found(text: str) -> set[Value]:
    """The values of the last line of a text, which is an expression."""
    tree = ast.parse(text)
    last = tree.body[-1]
    assert isinstance(last, ast.Expr)
    return set(Resolver().values(last.value, build_scopes(tree)))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("import os as o\no.system", "os.system"),
        ("from os import path\npath.join", "os.path.join"),
        ("import a.b\na.b.c", "a.b.c"),
        ("import socket\ns = socket.socket()\ns.connect", "socket.socket().connect"),
        ("import socket\nwith socket.socket() as s: pass\ns.connect", "socket.socket().connect"),
        ("import os\n(x := os).system", "os.system"),
        ("import os\ngetattr(os, 'system')", "os.system"),
        ("import sys\nsys.modules['os']", "os"),
        ("vars(__builtins__)['eval']", "builtins.eval"),
        ("import os\nglobals()['os'].system", "os.system"),
        ("import pandas\npandas.read_csv('x')['a'].sum", "pandas.read_csv().sum"),
        ("import os\n(os.system,)[0]", "os.system"),
        ("import requests\n(await requests.get('x')).json", "requests.get().json"),
    ],
)
def test_names_of_functions(text: str, path: str) -> None:
    assert {one.path for one in found(text) if isinstance(one, Ref)} == {path}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'a' + 'b'", "ab"),
        ("x = 'a'\nf'{x}b{1}'", "ab1"),
        ("-3", -3),
        ("''.join(['a', 'b'])", "ab"),
        ("'abc'[0]", "a"),
        ("'abc'[::-1]", "cba"),
        ("['a', 'b'][1]", "b"),
        ("import os\nos.path.join('/etc', 'x')", "/etc/x"),
        ("from pathlib import Path\nstr(Path('/etc') / 'x')", "/etc/x"),
        ("''.join(reversed('ab'))", "ba"),
        ("bytes([97]).decode()", "a"),
        ("import os\nos.path.expanduser('~/x')", "~/x"),
    ],
)
def test_constants(text: str, value: object) -> None:
    assert [one.value for one in found(text) if isinstance(one, Const)] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\nx += 2\nf'{x}'",
        "def f(a): pass\nf(1)",
        "x = ['a']\nx[0]",
        "x = x + 'a'\nx",
        "f'{1:>5}'",
        "f'{input()}a'",
        "'{}'.format(input())",
        "'%sa' % input()",
        "'abc'[x]",
        "(yield)",
        "[*x][0]",
        "f(*x)",
        "{}['a']",
        "__builtins__[x]",
        "from . import x\nx",
        "...",
    ],
)
def test_what_is_not_followed_is_anything(text: str) -> None:
    assert found(text) >= ANYTHING


@pytest.mark.parametrize("text", ["f'ab{x}'", "'ab' + x", "'ab%s' % x", "'ab{}'.format(x)", "'a' + 'b' + x + 'c'"])
def test_a_text_may_be_known_at_its_beginning(text: str) -> None:
    assert found(f"x = input()\n{text}") == {Begins("ab")}


def test_a_name_has_all_its_values() -> None:
    assert found("import os as o\nimport math as o\no") == {Ref("os"), Ref("math")}
    assert found("x = 'a' if y else 'b'\nx") == {Const("a"), Const("b")}


def test_a_name_of_a_module_that_shadows_one_of_pythons_own_is_both() -> None:
    assert found("def open(): pass\nopen") == {Own("open"), Ref("builtins.open")}


def test_a_name_of_a_function_hides_all_others() -> None:
    tree = ast.parse("import os\ndef f(os):\n    os")
    definition = tree.body[1]
    assert isinstance(definition, ast.FunctionDef)
    last = definition.body[0]
    assert isinstance(last, ast.Expr)
    module = build_scopes(tree)
    assert Resolver().values(last.value, module.inner[id(definition)]) == ANYTHING


def test_a_class_is_no_scope_for_its_methods() -> None:
    tree = ast.parse("import os\nclass A:\n    os = 1\n    def f(self):\n        os\n")
    owner = tree.body[1]
    assert isinstance(owner, ast.ClassDef)
    method = owner.body[1]
    assert isinstance(method, ast.FunctionDef)
    last = method.body[0]
    assert isinstance(last, ast.Expr)
    module = build_scopes(tree)
    assert Resolver().values(last.value, module.inner[id(method)]) == {Ref("os")}


def test_decorators_that_change_a_function_make_it_anything() -> None:
    assert found("from functools import cache\n@cache\ndef f(): pass\nf") == {Own("f")}
    assert found("@g\ndef f(): pass\nf") == set(ANYTHING)


def test_a_list_that_stands_there_is_known_and_one_with_a_name_is_not() -> None:
    assert found("['a']") == {Many((Const("a"),))}
    assert found("x = ('a',)\nx") == {Many((Const("a"),), is_fixed=True)}
    assert found("x = ['a']\nx") == set(ANYTHING)


def test_cycles_and_chains_end() -> None:
    assert found("a = b\nb = a\na") >= ANYTHING
    again = "\n".join(f"x = x.f{n}()" for n in range(200))
    assert found(f"{again}\nx") >= ANYTHING
    chain = "\n".join(f"a{n} = a{n + 1} + a{n + 1}" for n in range(30))
    assert found(f"{chain}\na30 = 'x'\na0") == set(ANYTHING)


def test_a_program_that_asks_for_too_much_is_told_so() -> None:
    resolver = Resolver()
    resolver.steps = MAX_STEPS
    tree = ast.parse("x")
    with pytest.raises(TooMuch):
        resolver.values(tree.body[0].value, build_scopes(tree))  # type: ignore[attr-defined]


def test_names_without_a_meaning_are_known_as_such() -> None:
    tree = ast.parse("x = 1")
    module = build_scopes(tree)
    assert Resolver().is_defined("x", module)
    assert Resolver().is_defined("print", module)
    assert not Resolver().is_defined("y", module)
    assert Resolver().is_defined("y", build_scopes(ast.parse("from os import *")))
