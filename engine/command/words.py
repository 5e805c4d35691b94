"""The shape of the published tables of words: kinds of operations with their usual effect, features, steps of `via`."""

from __future__ import annotations

from dataclasses import dataclass

from engine.command.tree import Effect


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of operation, the effect it has when nothing makes it graver, and what it is."""

    name: str
    effect: Effect
    meaning: str
