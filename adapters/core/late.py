"""What one connection waits for that stands before everything else: answers that come later, in their places. Used by `relay`.

A question that nobody waits for any more is broken off: its session is told no, and the gate takes back what it granted after all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

from adapters.core import events as saw
from adapters.core.events import Event
from adapters.core.line import Line, Place
from adapters.core.ports import NOBODY_WAITS, GateSession, Outcome

Spawn = Callable[[Coroutine[None, None, None]], asyncio.Task[None]]


class Late:
    """The answers that are still to come. `spawn` begins a task, `go_on` is called when one has come."""

    def __init__(self, line: Line, spawn: Spawn, go_on: Callable[[], None]) -> None:
        self._line = line
        self._spawn = spawn
        self._go_on = go_on
        self._asking: dict[Place, tuple[int, asyncio.Task[None]]] = {}
        self.held: dict[int, tuple[str, asyncio.Task[None]]] = {}
        """Tickets of the gate that wait for people, and who waits for their fate, by the session's own tickets."""

    def expect(self, event: Callable[[], Awaitable[Event]], ticket: int | None) -> None:
        """Keep a place for an event that is still to come. `ticket`: of the question that it answers."""
        place = self._line.reserve()
        task = self._spawn(self._fill(place, event))
        if ticket is not None:
            self._asking[place] = (ticket, task)

    async def _fill(self, place: Place, event: Callable[[], Awaitable[Event]]) -> None:
        found = await event()
        self._asking.pop(place, None)
        self._line.fill(place, found)
        self._go_on()

    def break_off(self) -> None:
        """Have every question denied that waits for its answer. Nobody goes on with that here."""
        for place, (ticket, task) in self._asking.items():
            task.cancel()
            self._line.fill(place, saw.Decided(ticket, NOBODY_WAITS))
        self._asking.clear()

    def let_go(self, ticket: int) -> str | None:
        """Wait no more for people; gives the gate's ticket, None where nobody waits."""
        found = self.held.pop(ticket, None)
        if found is None:
            return None
        found[1].cancel()
        return found[0]

    def leave(self, gate: GateSession, reason: str) -> None:
        """The session is over: take back what waits for people, and say of what was granted and never heard of that it did not happen."""
        for ticket in list(self.held):
            gate.withdraw(self.let_go(ticket) or "", reason)
        self._asking.clear()
        for event in self._line.rest():
            if isinstance(event, saw.Decided) and event.answer.decision.is_granted:
                gate.finished(event.answer.decision_id, Outcome(error="CLIENT_GONE"))

    async def settled(self) -> None:
        """Wait until what is asked about now is answered, and its session has heard it."""
        if self._asking:
            await asyncio.wait([task for _, task in self._asking.values()])
