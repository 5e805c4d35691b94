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
_OF_A_MASK = 600
"""Bytes of one item of a mask plan, about: a text may have thousands of outputs."""


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
            self._trees.put((asker, command.encoded), decision, len(command.encoded) + _weight(asker, decision))

    def of_text(self, asker: Asker, protocol: str, text: bytes, version: str | None) -> Judgement | None:
        found = self._texts.get((asker, protocol, text, version))
        return None if found is None else _alone(found, exact=found.exact)

    def keep_text(self, asker: Asker, protocol: str, text: bytes, version: str | None, found: Judgement) -> None:
        if found.decision.cacheable:
            self._texts.put(
                (asker, protocol, text, version),
                _alone(found, exact=found.exact),
                len(text) + _weight(asker, found.decision, found.command),
            )

    def of_shape(self, asker: Asker, protocol: str, shape: bytes, version: str | None) -> Judgement | None:
        found = self._shapes.get((asker, protocol, shape, version))
        return None if found is None else _alone(found, exact=False)

    def keep_shape(self, asker: Asker, protocol: str, shape: bytes, version: str | None, found: Judgement) -> None:
        """Keep a decision for all texts of a shape. The caller knows that nothing which was read tells them apart."""
        if found.decision.cacheable:
            weight = len(shape) + _weight(asker, found.decision, found.command)
            self._shapes.put((asker, protocol, shape, version), _alone(found, exact=False), weight)


def _alone(found: Judgement, *, exact: bool) -> Judgement:
    """The same with a tree that nobody has decoded. WHY: what somebody decodes for a look is several times as large, and would stay."""
    command = None if found.command is None else ParsedCommand(found.command.encoded)
    return Judgement(found.decision, command, exact)


def weight_of(decision: Decision) -> int:
    """Bytes of what may be long in a decision, about."""
    said = sum(len(one.reason) + len(one.detail) + len(one.hint) for one in decision.reasons)
    return said + _OF_A_MASK * len(decision.mask_plan)


def _weight(asker: Asker, decision: Decision, command: ParsedCommand | None = None) -> int:
    """Bytes of an entry. WHY the asker: what rules read of it may be most of it, and another one each time."""
    return (
        _OF_A_DECISION + sum(map(len, asker)) + weight_of(decision) + (0 if command is None else len(command.encoded))
    )
