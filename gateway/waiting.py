"""The questions that wait in this process for people, and what became of the last ones. Safe from any thread. Used by the gate.

Bounded, whoever asks: in number, in bytes for each principal (so that nobody's large commands drive out those of others), and in time.
A question that is forgotten is asked again by its client, and its grant is found then.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from adapters.core.ports import Answer, Question
from gateway.asked import Asked

MAX_HELD = 10_000
"""Held questions this process remembers."""
MAX_BYTES = 16 * 1024 * 1024
"""Bytes of those of one principal."""
LEFT_OVER = 60 * 10**9
"""Nanoseconds for which a question is kept behind its ticket's end, for who looks late."""
MAX_SETTLED = 2_000
"""What became of the last so many is told again; who asks later than that is told that nothing is granted."""
_EACH = 2_000
"""Bytes that a question takes beside its text, about."""


@dataclass(frozen=True, slots=True)
class _Held:
    asked: Asked
    until: int
    bytes: int


class Waiting:
    """Which question waits for which ticket."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._settling: dict[str, tuple[threading.Lock, int]] = {}
        """Who settles a ticket, from its question to its answer, with how many want to."""
        self._held: OrderedDict[str, _Held] = OrderedDict()
        """The oldest first."""
        self._bytes: Counter[str] = Counter()
        """Of what is held, by principal."""
        self._left: dict[str, str] = {}
        self._settled: OrderedDict[str, Answer] = OrderedDict()

    def keep(self, ticket: str, asked: Asked, until: int) -> bool:
        """Let a question wait, for a ticket that is over at `until` (UTC nanoseconds) at the latest. No: that of another session, which is
        not over, waits there, and goes on doing so.

        INVARIANT: what a ticket releases is what it was shown with, so its question never becomes another.
        """
        # WHY without: what a session was told before is no part of the question, and would stay as long as the ticket.
        asked = asked if asked.memory is None else msgspec.structs.replace(asked, memory=None)
        with self._lock:
            found = self._held.get(ticket)
            before = None if found is None else found.asked
            is_same = before is None or (before.session.id, before.session.job) == (asked.session.id, asked.session.job)
            if before is not None and not is_same and self._left.get(ticket) != before.session.id:
                return False
            self._drop(ticket)
            self._held[ticket] = _Held(asked, until, _size(asked))
            who = asked.principal.name
            self._bytes[who] += self._held[ticket].bytes
            if len(self._held) > MAX_HELD:
                self._drop(next(iter(self._held)))
            if self._bytes[who] > MAX_BYTES:
                theirs = [one for one, held in self._held.items() if held.asked.principal.name == who and one != ticket]
                for one in theirs:
                    if self._bytes[who] <= MAX_BYTES:
                        break
                    self._drop(one)
            return True

    def _drop(self, ticket: str) -> Asked | None:
        self._left.pop(ticket, None)
        held = self._held.pop(ticket, None)
        if held is None:
            return None
        who = held.asked.principal.name
        self._bytes[who] -= held.bytes
        if self._bytes[who] <= 0:
            del self._bytes[who]
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


def _size(asked: Asked) -> int:
    question = asked.question
    if not isinstance(question, Question):
        return len(question.encoded) + _EACH
    return len(question.text) + sum(len(one or "") for one in question.parameters or ()) + _EACH
