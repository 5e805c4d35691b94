"""Names and the scopes that bind them."""

from __future__ import annotations

import ast

import pytest

from engine.command.python.scopes import (
    Anything,
    Assigned,
    Defined,
    Imported,
    Scope,
    build_scopes,
    evaluated_inside,
    evaluated_outside,
    hints_of,
)


def scopes(text: str) -> Scope:
    return build_scopes(ast.parse(text))


def sorts(text: str, name: str) -> list[str]:
    return [type(one).__name__ for one in scopes(text).names.get(name, [])]


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        ("x = 1", "x", ["Assigned"]),
        ("x: int = 1", "x", ["Assigned"]),
        ("x: int", "x", []),
        ("x += 1", "x", ["Anything"]),
        ("a, b = 1, 2", "b", ["Assigned"]),
        ("a, b = f()", "b", ["Anything"]),
        ("a, *b = 1, 2", "b", ["Anything"]),
        ("[a, (b, c)] = 1, (2, 3)", "c", ["Assigned"]),
        ("for x in y: pass", "x", ["Anything"]),
        ("with f() as x: pass", "x", ["Assigned"]),
        ("try: pass\nexcept E as x: pass", "x", ["Anything"]),
        ("import x", "x", ["Imported"]),
        ("import x.y", "x", ["Imported"]),
        ("import y as x", "x", ["Imported"]),
        ("from y import z as x", "x", ["Imported"]),
        ("def x(): pass", "x", ["Defined"]),
        ("class x: pass", "x", ["Defined"]),
        ("(x := 1)", "x", ["Assigned"]),
        ("[x := 1 for y in z]", "x", ["Assigned"]),
        ("[1 for x in z]", "x", []),
        ("match y:\n case [x, *z]: pass", "x", ["Anything"]),
        ("match y:\n case [x, *z]: pass", "z", ["Anything"]),
        ("match y:\n case {**x}: pass", "x", ["Anything"]),
        ("def f():\n global x\n x = 1", "x", ["Assigned"]),
        ("def f():\n x = 1", "x", []),
        ("def f():\n if 1:\n  global x\n x = 1", "x", ["Assigned"]),
        ("class A:\n x = 1", "x", []),
        ("x = 1\nimport x", "x", ["Assigned", "Imported"]),
        ("x.y = 1", "x", []),
    ],
)
def test_what_binds_a_name(text: str, name: str, found: list[str]) -> None:
    assert sorts(text, name) == found


def test_paths_of_imports() -> None:
    def paths(text: str, name: str) -> list[str]:
        return [one.path for one in scopes(text).names[name] if isinstance(one, Imported)]

    assert paths("import a.b", "a") == ["a"]
    assert paths("import a.b as c", "c") == ["a.b"]
    assert paths("from a.b import c", "c") == ["a.b.c"]
    assert paths("from . import c", "c") == [".c"]
    assert paths("from .a import c", "c") == [".a.c"]


def test_a_star_is_kept() -> None:
    assert scopes("from os import *").stars == ["os"]


def test_parameters_are_anything() -> None:
    tree = ast.parse("def f(a, /, b, *c, d, **e): pass")
    inner = build_scopes(tree).inner[id(tree.body[0])]
    assert set(inner.names) == {"a", "b", "c", "d", "e"}
    assert all(isinstance(one, Anything) for found in inner.names.values() for one in found)


def test_nonlocal_names_belong_to_the_function_around() -> None:
    tree = ast.parse("def f():\n x = 1\n def g():\n  nonlocal x\n  x = 2")
    outer = build_scopes(tree).inner[id(tree.body[0])]
    assert len(outer.names["x"]) == 2


def test_an_assignment_knows_where_its_value_is_evaluated() -> None:
    tree = ast.parse("def f():\n global x\n y = 1\n x = y")
    module = build_scopes(tree)
    (bound,) = module.names["x"]
    assert isinstance(bound, Assigned)
    assert "y" in bound.where.names


def test_every_part_is_evaluated_in_one_place() -> None:
    text = "@d\ndef f(a: h = e) -> r:\n b\n"
    (node,) = ast.parse(text).body
    outside = {one.id for one in evaluated_outside(node) if isinstance(one, ast.Name)}
    assert outside == {"d", "e", "h", "r"}
    assert [one.id for one in hints_of(node) if isinstance(one, ast.Name)] == ["h", "r"]
    assert len(evaluated_inside(node)) == 1
    assert hints_of(ast.parse("x")) == evaluated_inside(ast.parse("x")) == evaluated_outside(ast.parse("x")) == []
    comprehension = ast.parse("{a: b for c in d if e for f in g}", mode="eval").body
    parts = [*evaluated_outside(comprehension), *evaluated_inside(comprehension)]
    assert sorted(one.id for one in parts if isinstance(one, ast.Name)) == ["a", "b", "c", "d", "e", "f", "g"]


def test_a_definition_keeps_its_decorators() -> None:
    (bound,) = scopes("@d\nclass A: pass").names["A"]
    assert isinstance(bound, Defined)
    assert bound.node.decorator_list
