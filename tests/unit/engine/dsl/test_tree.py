"""The written tree: what counts when two are compared."""

from __future__ import annotations

from engine.dsl import tree as t
from engine.source import Span


def test_where_a_node_stands_does_not_count() -> None:
    here, there = Span(1, 1, 1, 4), Span(9, 9, 9, 12)
    assert t.Name("abc", span=here) == t.Name("abc", span=there)
    assert hash(t.Name("abc", span=here)) == hash(t.Name("abc", span=there))


def test_the_spelling_of_a_constant_counts() -> None:
    assert t.Literal(t.LiteralKind.NUMBER, 1000, "1000") != t.Literal(t.LiteralKind.NUMBER, 1000, "1_000")


def test_comments_count() -> None:
    assert t.Import(t.Literal(t.LiteralKind.TEXT, "a", '"a"'), above=("why",)) != t.Import(
        t.Literal(t.LiteralKind.TEXT, "a", '"a"')
    )


def test_a_test_of_a_policy_is_none_of_pytest() -> None:
    assert t.Test.__test__ is False
