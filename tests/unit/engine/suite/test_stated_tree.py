"""A tree may be stated in place of a text; a field that trees do not have is an error."""

from __future__ import annotations

from typing import Any

import pytest

from engine.command.tree import Effect
from engine.errors import InputInvalid
from engine.suite.stated_tree import has_tree, tree_of


def test_what_is_not_stated_has_its_plain_value() -> None:
    command = tree_of({"protocol": "postgres", "tree": {"operations": [{"kind": "select", "effect": "read"}]}}).command
    assert command.protocol == "postgres"
    assert not command.complete
    assert command.operations[0].effect is Effect.READ
    assert command.operations[0].via == ("top",)
    assert len(command.digest) == 64


def test_texts_and_trees_are_told_apart() -> None:
    assert has_tree({"protocol": "postgres", "tree": {}})
    assert not has_tree({"protocol": "postgres", "text": "SELECT 1"})
    assert not has_tree(None)


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"protocol": "postgres", "tree": []}, "no object"),
        ({"protocol": "postgres", "tree": {"operations": []}, "text": "x"}, "no field `text`"),
        ({"tree": {"operations": []}}, "`command.protocol`"),
        ({"protocol": "postgres", "tree": {}}, "no command tree"),
        ({"protocol": "postgres", "tree": {"operations": [], "complet": True}}, "no field `complet`"),
        ({"protocol": "postgres", "tree": {"operations": [{"kind": "x", "effect": "odd"}]}}, "no command tree"),
        (
            {"protocol": "postgres", "tree": {"operations": [{"kind": "x", "effect": "read", "target": []}]}},
            "`command.tree.operations[0]` has no field `target`",
        ),
    ],
)
def test_a_tree_that_is_none_is_refused(stated: Any, said: str) -> None:
    with pytest.raises(InputInvalid, match=said.replace("[", r"\[").replace("]", r"\]")):
        tree_of(stated)
