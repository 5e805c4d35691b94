"""What an expression certainly is."""

from __future__ import annotations

from engine.command.python.values import ANYTHING, Const, Many, Ref, the_items, the_text


def test_a_text_is_certain_only_when_it_is_the_only_value() -> None:
    assert the_text(frozenset({Const("a")})) == "a"
    assert the_text(frozenset({Const("a"), Const("b")})) is None
    assert the_text(frozenset({Const(1)})) is None
    assert the_text(ANYTHING) is None


def test_items_are_certain_only_when_they_stand_there() -> None:
    assert the_items(frozenset({Many((Const("a"), None))})) == (Const("a"), None)
    assert the_items(frozenset({Ref("os.system")})) is None
    assert the_items(ANYTHING | {Many(())}) is None
