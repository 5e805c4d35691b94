"""The shape of published words."""

from __future__ import annotations

from engine.command.tree import Effect
from engine.command.words import Kind


def test_a_kind_has_a_name_an_effect_and_a_meaning() -> None:
    kind = Kind("select", Effect.READ, "reads")
    assert (kind.name, kind.effect, kind.meaning) == ("select", Effect.READ, "reads")
