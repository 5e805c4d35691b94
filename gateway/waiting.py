"""The questions that wait in this process for people, and what became of the last ones. Safe from any thread. Used by the gate."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from adapters.core.ports import Answer
from engine.command.tree import ParsedCommand
from gateway.asked import Asked

MAX_HELD = 10_000
"""Held questions this process remembers; a forgotten one is asked again by its client, and its grant is found then."""
MAX_SETTLED = 2_000
"""What became of the last so many is told again; who asks later than that is told that nothing is granted."""


class Waiting:
    """Which question waits for which ticket."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._settling: dict[str, tuple[threading.Lock, int]] = {}
        """Who settles a ticket, from its question to its answer, with how many want to."""
        self._held: OrderedDict[str, Asked] = OrderedDict()
        self._left: dict[str, str] = {}
        self._settled: OrderedDict[str, Answer] = OrderedDict()

    def keep(self, ticket: str, asked: Asked) -> bool:
        """Let a question wait. No: that of another session, which is not over, waits there, and goes on doing so.

        INVARIANT: what a ticket releases is what it was shown with, so its question never becomes another.
        """
        with self._lock:
            before = self._held.get(ticket)
            is_same = before is None or (before.session.id, before.session.job) == (asked.session.id, asked.session.job)
            if before is not None and not is_same and self._left.get(ticket) != before.session.id:
                return False
            self._left.pop(ticket, None)
            self._held[ticket] = asked
            while len(self._held) > MAX_HELD:
                self._left.pop(self._held.popitem(last=False)[0], None)
            return True

    def leave(self, ticket: str, session: str) -> None:
        """A session is over whose question waits here: another one that asks the same may wait in its place."""
        with self._lock:
            before = self._held.get(ticket)
            if before is not None and before.session.id == session:
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
            return self._held.get(ticket)

    def take(self, ticket: str) -> Asked | None:
        """The question, which waits no more; None where nobody here asked."""
        with self._lock:
            self._left.pop(ticket, None)
            return self._held.pop(ticket, None)

    def answer(self, ticket: str) -> Answer | None:
        """What became of one that was settled here."""
        with self._lock:
            return self._settled.get(ticket)

    def settle(self, ticket: str, answer: Answer) -> None:
        """Remember what became of one."""
        if answer.command is not None:
            # WHY: what somebody decoded for a look is several times as large.
            answer = msgspec.structs.replace(answer, command=ParsedCommand(answer.command.encoded))
        with self._lock:
            self._settled[ticket] = answer
            while len(self._settled) > MAX_SETTLED:
                self._settled.popitem(last=False)
