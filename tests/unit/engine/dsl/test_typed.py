"""The meaning of conditions: what counts when two are compared."""

from __future__ import annotations

from engine.dsl import typed as m
from engine.dsl.types import TEXT
from engine.source import Span

HERE = m.Place("a.gate", Span(1, 1, 1, 2))
THERE = m.Place("b.gate", Span(3, 1, 3, 2), HERE)


def test_one_is_not_true() -> None:
    assert m.Constant(1, place=HERE) != m.Constant(True, place=HERE)
    assert m.Constant(1, place=HERE) == m.Constant(1.0, place=THERE)
    assert len({m.Constant(1, place=HERE), m.Constant(True, place=HERE), m.Constant(1, place=THERE)}) == 2


def test_a_path_is_known_by_its_keys() -> None:
    one = m.Path(m.INPUT, ("resource", "name"), TEXT, True, place=HERE)
    assert one == m.Path(m.INPUT, ("resource", "name"), TEXT, False, place=THERE)
    assert one != m.Path("x0", ("resource", "name"), TEXT, True, place=HERE)
    assert str(one) == "resource.name"
    assert str(m.Path("x0", (), TEXT, True, place=HERE)) == "it"
