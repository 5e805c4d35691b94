"""Verdicts that one session was given, ready to be given again without asking the policies again.

Drivers prepare and agents repeat themselves: the same text, or one that differs in literals which no rule reads, gets the
same verdict as long as nothing that decided it changed. What decided it: the compiled policies, what names mean, who
asks, on what, and the session's state. INVARIANT: each of these is compared *as an object* before a verdict is given
again; whoever has something new makes a new object (`engine.evaluator.sections` relies on the same). WHY the compiled policies
and the names are referred to weakly: they are large, replaced while sessions stay, and idle sessions must not keep the old ones.

Not remembered: what is not `cacheable` (it read the time, failed, was held or approved). Every verdict that is given
again is recorded like a fresh one; that is the gate's affair. One memory belongs to one session and its thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from weakref import ref

import msgspec

from adapters.core.ports import Again, Question
from engine._native import Count, EntryForm
from engine.command.tree import ParsedCommand
from engine.decision import Decision
from engine.evaluator.cache import weight_of
from engine.request import Principal, Resource, Session

MAX_KEPT = 256
MAX_BYTES = 128 * 1024
"""Of texts and forms in one session; with more, everything is forgotten and begins anew."""
MAX_TREES = 256 * 1024
"""The same of trees and decisions. WHY apart: many sessions share theirs, and a text may have one that is many times as large."""
MAX_TEXT = 8 * 1024
"""Longer texts are judged each time."""

ShapeOf = Callable[[str, bytes], bytes | None]
_GONE = object()


class Remembered(msgspec.Struct, frozen=True):
    """One verdict, and everything that decided it."""

    program: ref[object]
    names: ref[object] | None
    principal: Principal
    session: Session
    resource: Resource
    decision: Decision
    command: ParsedCommand | None
    mask_keys: Mapping[str, bytes]
    form: EntryForm
    count: Count
    """Where it is counted (`gate`)."""
    for_shape: bool
    """Whether it is for all texts of a shape."""

    def was_decided_by(self, program: object | None, names: object | None) -> bool:
        """Whether these very objects decided it."""
        # INVARIANT: an object that is gone decided nothing that counts; neither does the absence of one.
        if program is None or self.program() is not program:
            return False
        return names is None if self.names is None else names is not None and self.names() is names

    def is_like(self, other: Again) -> bool:
        """Whether the same things decided both, each the very same object."""
        return (
            isinstance(other, Remembered)
            and self.was_decided_by(other.program(), None if other.names is None else other.names() or _GONE)
            and self.principal is other.principal
            and self.session is other.session
            and self.resource is other.resource
        )


class Memory:
    """The verdicts of one session."""

    __slots__ = ("_bytes", "_known", "_shape_of", "_shapes", "_trees")

    def __init__(self, shape_of: ShapeOf) -> None:
        """`shape_of` is the parser's: a key that texts share only if they differ in literals alone."""
        self._shape_of = shape_of
        self._known: dict[bytes, Remembered] = {}
        self._shapes: dict[bytes, Remembered] = {}
        self._bytes = 0
        self._trees = 0

    def find(
        self, question: Question, program: object | None, principal: Principal, session: Session, resource: Resource
    ) -> Remembered | None:
        """What was said to this question under the same circumstances; None when any of them is another."""
        found = self._known.get(question.text)
        if found is None:
            if not self._shapes:
                return None
            shape = self._shape_of(question.protocol, question.text)
            if shape is None or (found := self._shapes.get(shape)) is None:
                return None
        if (
            found.was_decided_by(program, question.catalog)
            and found.session is session
            and found.principal is principal
            and found.resource is resource
        ):
            return found
        return None

    def keep(self, question: Question, found: Remembered) -> None:
        """Remember a cacheable verdict: for this text, or for all texts of its shape."""
        size = len(question.text) + found.form.size
        tree = weight_of(found.decision) + (0 if found.command is None else len(found.command.encoded))
        if len(question.text) > MAX_TEXT or size > MAX_BYTES or tree > MAX_TREES:
            return
        is_full = self._bytes + size > MAX_BYTES or self._trees + tree > MAX_TREES
        if is_full or len(self._known) + len(self._shapes) >= MAX_KEPT:
            self._known.clear()
            self._shapes.clear()
            self._bytes = self._trees = 0
        if not found.for_shape:
            self._known[question.text] = found
        elif (shape := self._shape_of(question.protocol, question.text)) is not None:
            self._shapes[shape] = found
        self._bytes += size
        self._trees += tree
