"""The events of one connection that wait for their turn, and for answers that stand before them. Pure. Used by `relay`."""

from __future__ import annotations

from collections import deque

from adapters.core.events import Event


class Place:
    """The place of an answer that is still to come."""


class Line:
    """Events in their order. INVARIANT: nothing that came behind a question is handled before its answer."""

    def __init__(self) -> None:
        self._waiting: deque[Event | Place] = deque()
        self._places = 0

    def append(self, event: Event) -> None:
        """Put an event at the end."""
        self._waiting.append(event)

    def put_first(self, event: Event) -> None:
        """Put an end before everything that waits."""
        self._waiting.appendleft(event)

    def reserve(self) -> Place:
        """Keep a place at the end for an answer."""
        place = Place()
        self._waiting.append(place)
        self._places += 1
        return place

    def fill(self, place: Place, event: Event) -> None:
        """Put the answer in its place."""
        self._waiting[self._waiting.index(place)] = event
        self._places -= 1

    def rest(self) -> list[Event]:
        """What waits, but for answers that are still to come. Nothing waits afterwards."""
        found = [event for event in self._waiting if not isinstance(event, Place)]
        self._waiting.clear()
        self._places = 0
        return found

    @property
    def is_open(self) -> bool:
        """Whether an answer is still to come."""
        return self._places > 0

    @property
    def is_stuck(self) -> bool:
        """Whether the first of what waits is such an answer."""
        return self._places > 0 and isinstance(self._waiting[0], Place)

    def next(self) -> Event | None:
        """The first, which waits no more; None when there is none, or its answer is still to come."""
        if not self._waiting:
            return None
        first = self._waiting[0]
        if isinstance(first, Place):
            return None
        self._waiting.popleft()
        return first
