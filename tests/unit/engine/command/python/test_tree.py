"""The facts of one operation."""

from __future__ import annotations

from engine.command.python.tree import Python


def test_facts_say_nothing_that_was_not_found() -> None:
    assert Python() == Python(function=None, module=None, arguments=(), calls=0, signs=())
