"""What `relay` drives: the shape of a session, and of the short way that it may offer. Shapes only.

Sessions of the protocols satisfy these; whoever accepts connections makes them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Protocol

from adapters.core import effects as do
from adapters.core.effects import Effect
from adapters.core.events import Event
from adapters.core.ports import Again, Answer, Lines
from engine._native import Leave, TlsConnection, Wire

WayOut = tuple[Callable[[bytes], None], TlsConnection | None]
"""Where bytes go out of a socket, and what opens and seals them."""


class Lane(Protocol):
    """For commands that were granted before: the same once more, with no words at all. INVARIANT: as `ShortWay`."""

    @property
    def again(self) -> Again | None:
        """What decided all that is granted here."""

    @property
    def lines(self) -> Lines:
        """What to record of the command under way."""

    @property
    def kept_for(self) -> Hashable | None:
        """For whom each command takes a connection to the target that was kept, and leaves it again; None: there is one for all of them."""

    @property
    def lasts(self) -> float:
        """Seconds for which the connection of the last answer may serve another command."""

    def ask(self, data: bytes, now: float) -> bytes | None:
        """Bytes from the client that are one command granted before: what goes to the target once `lines.line` is recorded."""

    def grant(self, leave: Leave | None) -> None:
        """Leave to give what was granted again without asking the gate."""

    def carry(self, data: bytes, now: float) -> bytes | None:
        """As `ask`, with leave: it is recorded, and what this gives goes to the target. None: nothing has changed."""

    def answer(self, data: bytes, now: float) -> bytes | None:
        """As `reply`, with leave: its outcome is recorded. None: nothing has changed."""

    def wire(self, client: WayOut, target: WayOut, now: float) -> Wire | None:
        """`carry` and `answer` for what these two sockets give; None where there is no such thing."""

    def take_back(self) -> None:
        """That is not to be carried here after all."""

    def reply(self, data: bytes, now: float) -> bytes | None:
        """Bytes from the target that are one whole answer: what goes to the client; `lines.outcome` is recorded then."""


class ShortWay(Protocol):
    """What a session offers for what comes with nearly every command: the same as through `handle`, with fewer words.

    INVARIANT: each method says exactly what `handle` would have wished for the same event, or None and nothing happened.
    """

    @property
    def lane(self) -> Lane: ...

    def ask(self, data: bytes, now: float) -> do.Ask | None:
        """Bytes from the client that are one command: what to ask about it."""

    def granted(self, answer: Answer) -> bytes | None:
        """The answer to that: what goes to the target."""

    def reply(self, data: bytes, now: float) -> tuple[bytes, do.Record] | None:
        """Bytes from the target that are one whole answer: what goes to the client, and what to record."""


class Session(Protocol):
    """What is driven: pure, one for each connection."""

    def handle(self, event: Event, now: float) -> list[Effect]: ...

    @property
    def short_way(self) -> ShortWay | None:
        """Asked anew for each piece of bytes; None when there is none at the moment."""

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its client: nothing runs for it, nothing is held."""
