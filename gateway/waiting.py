"""The questions that wait in this process for people, and what became of the last ones. Safe from any thread. Used by the gate.

Bounded, whoever asks: in number, in bytes for each principal (so that nobody's large commands drive out those of others), and in time.
A question that is forgotten is asked again by its client, and its grant is found then.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from sys import getsizeof

import msgspec

from adapters.core.ports import Answer, Question
from engine._native import Catalog
from gateway.asked import Asked

MAX_HELD = 10_000
"""Held questions this process remembers; above, the oldest goes of the principal that has most of them, in bytes."""
MAX_BYTES = 16 * 1024 * 1024
"""Bytes of those of one principal,"""
MAX_NAMES_BYTES = 16 * 1024 * 1024
"""and of the different catalogs that they hold beside the newest one. WHY apart: many questions share one, which is somebody else's as well."""
LEFT_OVER = 60 * 10**9
"""Nanoseconds for which a question is kept behind its ticket's end, for who looks late."""
MAX_SETTLED = 2_000
"""What became of the last so many is told again; who asks later than that is told that nothing is granted."""
_EACH = 2_000
"""Bytes that a question takes beside its text, about."""


_Names = tuple[int, int]
"""A catalog: a hash of what it was built from, and how many bytes that is."""


@dataclass(frozen=True, slots=True)
class _Held:
    asked: Asked
    until: int
    bytes: int
    names: _Names


@dataclass(slots=True)
class _Theirs:
    """What is held of one principal."""

    tickets: OrderedDict[str, None] = field(default_factory=OrderedDict)
    """The oldest first."""
    bytes: int = 0
    names: Counter[_Names] = field(default_factory=Counter)
    names_bytes: int = 0
    """Of each of them once."""

    def add(self, ticket: str, held: _Held) -> None:
        self.tickets[ticket] = None
        self.bytes += held.bytes
        self.names[held.names] += 1
        if self.names[held.names] == 1:
            self.names_bytes += held.names[1]

    def remove(self, ticket: str, held: _Held) -> None:
        del self.tickets[ticket]
        self.bytes -= held.bytes
        self.names[held.names] -= 1
        if not self.names[held.names]:
            del self.names[held.names]
            self.names_bytes -= held.names[1]


class Waiting:
    """Which question waits for which ticket."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._settling: dict[str, tuple[threading.Lock, int]] = {}
        """Who settles a ticket, from its question to its answer, with how many want to."""
        self._held: dict[str, _Held] = {}
        self._of: dict[str, _Theirs] = {}
        """What is held, by principal."""
        self._left: dict[str, str] = {}
        self._awaited: Counter[str] = Counter()
        self._settled: OrderedDict[str, Answer] = OrderedDict()

    def keep(self, ticket: str, asked: Asked, until: int) -> bool:
        """Let a question wait, for a ticket that is over at `until` (UTC nanoseconds) at the latest. No: that of another session, which is
        not over, waits there, and goes on doing so.

        INVARIANT: what a ticket releases is what it was shown with, so its question never becomes another.
        """
        asked = _without_more(asked)
        size, names = _size(asked), _names(asked)
        with self._lock:
            found = self._held.get(ticket)
            before = None if found is None else found.asked
            is_same = before is None or (before.session.id, before.session.job) == (asked.session.id, asked.session.job)
            if before is not None and not is_same and self._left.get(ticket) != before.session.id:
                return False
            self._drop(ticket)
            self._held[ticket] = held = _Held(asked, until, size, names)
            theirs = self._of.setdefault(asked.principal.name, _Theirs())
            theirs.add(ticket, held)
            while len(theirs.tickets) > 1 and (
                theirs.bytes > MAX_BYTES or theirs.names_bytes - names[1] > MAX_NAMES_BYTES
            ):
                self._drop(next(iter(theirs.tickets)))
            if len(self._held) > MAX_HELD:
                most = max(self._of.values(), key=lambda one: one.bytes)
                self._drop(next(iter(most.tickets)))
            return True

    def _drop(self, ticket: str) -> Asked | None:
        self._left.pop(ticket, None)
        held = self._held.pop(ticket, None)
        if held is None:
            return None
        who = held.asked.principal.name
        self._of[who].remove(ticket, held)
        if not self._of[who].tickets:
            del self._of[who]
        return held.asked

    def forget_overdue(self, now: int) -> None:
        """Forget questions whose tickets are over and whose clients came for no answer."""
        with self._lock:
            for ticket in [one for one, held in self._held.items() if held.until + LEFT_OVER < now]:
                self._drop(ticket)

    def leave(self, ticket: str, session: str) -> None:
        """A session is over whose question waits here: another one that asks the same may wait in its place."""
        with self._lock:
            held = self._held.get(ticket)
            if held is not None and held.asked.session.id == session:
                self._left[ticket] = session

    @contextmanager
    def awaited(self, ticket: str) -> Iterator[None]:
        """Wait for what becomes of a ticket, and take it: its grant is of whoever does."""
        with self._lock:
            self._awaited[ticket] += 1
        try:
            yield
        finally:
            with self._lock:
                self._awaited[ticket] -= 1
                if not self._awaited[ticket]:
                    del self._awaited[ticket]

    def is_awaited(self, ticket: str) -> bool:
        """Whether somebody does."""
        with self._lock:
            return ticket in self._awaited

    @contextmanager
    def settling(self, ticket: str) -> Iterator[None]:
        """Be the only one who settles a ticket. WHY one lock for each: who settles may have to wait for the store."""
        with self._lock:
            one, count = self._settling.get(ticket) or (threading.Lock(), 0)
            self._settling[ticket] = (one, count + 1)
        try:
            with one:
                yield
        finally:
            with self._lock:
                one, count = self._settling[ticket]
                if count > 1:
                    self._settling[ticket] = (one, count - 1)
                else:
                    del self._settling[ticket]

    def find(self, ticket: str) -> Asked | None:
        """The question, which goes on waiting; None where nobody here asked."""
        with self._lock:
            held = self._held.get(ticket)
            return None if held is None else held.asked

    def take(self, ticket: str) -> Asked | None:
        """The question, which waits no more; None where nobody here asked."""
        with self._lock:
            return self._drop(ticket)

    def answer(self, ticket: str) -> Answer | None:
        """What became of one that was settled here."""
        with self._lock:
            return self._settled.get(ticket)

    def settle(self, ticket: str, answer: Answer) -> None:
        """Remember what became of one."""
        with self._lock:
            self._settled[ticket] = answer
            while len(self._settled) > MAX_SETTLED:
                self._settled.popitem(last=False)


def _without_more(asked: Asked) -> Asked:
    """The question alone. WHY: what its session was told before, and what the command uses, are no part of it (what is known of who asks
    is looked for again when it is released), and would stay as long as the ticket."""
    if asked.memory is None and asked.touched is None and not asked.unseen:
        return asked
    return msgspec.structs.replace(asked, memory=None, touched=None, unseen=())


def _size(asked: Asked) -> int:
    """Bytes of what a question holds; of a catalog only what one session sees of it."""
    question = asked.question
    said = _weight((asked.context, asked.session.state, asked.principal.attributes, asked.prompt)) + _EACH
    if not isinstance(question, Question):
        return len(question.encoded) + said
    own = len(question.catalog.session) if isinstance(question.catalog, Catalog) else 0
    return len(question.text) + _weight((question.parameters, question.state)) + own + said


def _names(asked: Asked) -> _Names:
    """The catalog that a question holds."""
    catalog = asked.question.catalog if isinstance(asked.question, Question) else None
    source = catalog.source if isinstance(catalog, Catalog) else b""
    return hash(source), len(source)


def _weight(value: object) -> int:
    """Bytes of a value of JSON, and what it holds."""
    match value:
        case Mapping():
            return getsizeof(value) + sum(_weight(one) for item in value.items() for one in item)
        case list() | tuple():
            return getsizeof(value) + sum(_weight(one) for one in value)
        case _:
            return getsizeof(value)
