"""A dialogue with a session, written down: what it saw, what it wished. No sockets, no loop, no clock but the one given.

    Playbook(session).saw(BytesReceived(...)).wished(Send(...), Ask(...)).wished_nothing()

Effects are compared in order. `ANY` stands for a value that does not matter; a class stands for any value of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, Self, TypeVar

from adapters.core.effects import Effect, Send
from adapters.core.events import BytesReceived, Event, Side

Wish = TypeVar("Wish")


class _Anything:
    def __eq__(self, other: object) -> bool:
        return True

    def __repr__(self) -> str:
        return "ANY"

    __hash__ = object.__hash__


ANY = _Anything()


class Handles(Protocol):
    """What can be played with."""

    def handle(self, event: Event, now: float) -> list[Effect]: ...


class Playbook:
    """Plays events to one session and keeps what it wished until somebody says what it should have been."""

    def __init__(self, session: Handles) -> None:
        self.session = session
        self.now = 0.0
        self.wishes: list[Effect] = []

    def saw(self, *events: Event) -> Self:
        """The session sees these events, in order."""
        for event in events:
            self.wishes += self.session.handle(event, self.now)
        return self

    def client(self, data: bytes) -> Self:
        return self.saw(BytesReceived(Side.CLIENT, data))

    def upstream(self, data: bytes) -> Self:
        return self.saw(BytesReceived(Side.UPSTREAM, data))

    def wished(self, *expected: object) -> Self:
        """The next wishes are these."""
        found, self.wishes = self.wishes[: len(expected)], self.wishes[len(expected) :]
        assert len(found) == len(expected), f"wished only {found}, not {expected}"
        for wish, wanted in zip(found, expected, strict=True):
            fits = isinstance(wish, wanted) if isinstance(wanted, type) else wanted == wish
            assert fits, f"wished {wish}, not {wanted}"
        return self

    def wished_nothing(self) -> Self:
        assert self.wishes == []
        return self

    def take(self, kind: type[Wish], fits: Callable[[Wish], bool] = lambda wish: True) -> Wish:
        """Take the first wish of a kind out of the list, wherever it stands."""
        for number, wish in enumerate(self.wishes):
            if isinstance(wish, kind) and fits(wish):
                del self.wishes[number]
                return wish
        raise AssertionError(f"no wish of kind {kind.__name__} among {self.wishes}")

    def sent(self, side: Side) -> bytes:
        """All that was sent to a side and not looked at yet."""
        data = b"".join(wish.data for wish in self.wishes if isinstance(wish, Send) and wish.side is side)
        self.wishes = [wish for wish in self.wishes if not (isinstance(wish, Send) and wish.side is side)]
        return data

    def later(self, seconds: float) -> Self:
        """Time goes on; nothing happens by itself."""
        self.now += seconds
        return self
