"""Decisions already made, found by everything that decided them.

One cache belongs to one program, so the revision needs no place in the key. What is in it: the parts of principal,
session, resource and context that the program's rules read, and the command, in one of three forms:
- the encoded tree, whole (`decide`);
- the text with its protocol and the catalog's version, which together fix the tree (`decide_text`);
- the text's *shape* instead of the text, only where nothing that was read differs between texts of one shape.

INVARIANT: a decision that is not `cacheable` (it read the time, failed, was held or approved) never comes in here.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from engine.command.tree import ParsedCommand
from engine.decision import Decision
from engine.evaluator.generations import Generations

Asker: TypeAlias = "tuple[bytes, bytes, bytes, bytes]"
"""The keys of principal, session, resource and context."""

KEPT = 4096
KEPT_BYTES = 8 * 1024 * 1024
_OF_A_DECISION = 2048


class Judgement(msgspec.Struct, frozen=True):
    """A decision on a text, with the tree that was judged.

    `exact` false: the tree is that of another text, which differs in literals alone (text, digest and spans are its
    own). `command` is None when the text was refused before it was parsed.
    """

    decision: Decision
    command: ParsedCommand | None
    exact: bool = True


class DecisionCache:
    """The decisions of one program."""

    __slots__ = ("_shapes", "_texts", "_trees")

    def __init__(self) -> None:
        self._trees: Generations[tuple[Asker, bytes], Decision] = Generations(KEPT, KEPT_BYTES)
        self._texts: Generations[tuple[Asker, str, bytes, str | None], Judgement] = Generations(KEPT, KEPT_BYTES)
        self._shapes: Generations[tuple[Asker, str, bytes, str | None], Judgement] = Generations(KEPT, KEPT_BYTES)

    def of_tree(self, asker: Asker, command: ParsedCommand) -> Decision | None:
        return self._trees.get((asker, command.encoded))

    def keep_tree(self, asker: Asker, command: ParsedCommand, decision: Decision) -> None:
        if decision.cacheable:
            self._trees.put((asker, command.encoded), decision, len(command.encoded) + _OF_A_DECISION)

    def of_text(self, asker: Asker, protocol: str, text: bytes, version: str | None) -> Judgement | None:
        return self._texts.get((asker, protocol, text, version))

    def keep_text(self, asker: Asker, protocol: str, text: bytes, version: str | None, found: Judgement) -> None:
        if found.decision.cacheable:
            self._texts.put((asker, protocol, text, version), found, len(text) + _weight(found))

    def of_shape(self, asker: Asker, protocol: str, shape: bytes, version: str | None) -> Judgement | None:
        return self._shapes.get((asker, protocol, shape, version))

    def keep_shape(self, asker: Asker, protocol: str, shape: bytes, version: str | None, found: Judgement) -> None:
        """Keep a decision for all texts of a shape. The caller knows that nothing which was read tells them apart."""
        if found.decision.cacheable:
            alike = Judgement(found.decision, found.command, exact=False)
            self._shapes.put((asker, protocol, shape, version), alike, len(shape) + _weight(found))


def _weight(found: Judgement) -> int:
    return _OF_A_DECISION + (0 if found.command is None else len(found.command.encoded))
