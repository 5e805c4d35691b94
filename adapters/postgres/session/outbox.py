"""What one turn of a session wishes, gathered: at most one write to each side, then the rest in order."""

from __future__ import annotations

from adapters.core.effects import Close, Effect, Send
from adapters.core.events import Side


class Outbox:
    """Filled by the parts of a session during one event; `now` is that event's time."""

    __slots__ = ("_close", "_down", "_first", "_up", "_wishes", "now")

    def __init__(self) -> None:
        self.now = 0.0
        self._first: list[Effect] = []
        self._up: list[bytes] = []
        self._down: list[bytes] = []
        self._wishes: list[Effect] = []
        self._close: Close | None = None

    def up(self, data: bytes) -> None:
        """Send to the target."""
        self._up.append(data)

    def down(self, data: bytes) -> None:
        """Send to the client."""
        self._down.append(data)

    def first(self, effect: Effect) -> None:
        """What has to be done before anything is sent."""
        self._first.append(effect)

    def wish(self, effect: Effect) -> None:
        """Anything else; done after what this turn sends."""
        self._wishes.append(effect)

    def close(self, reason: str) -> None:
        """End both sides after everything else."""
        if self._close is None:
            self._close = Close(reason)

    def drop_up(self) -> None:
        """Forget what was meant for the target: this turn went wrong."""
        self._up.clear()

    def effects(self) -> list[Effect]:
        """All wishes of the turn; the outbox is empty afterwards."""
        found: list[Effect] = []
        if self._first:
            found += self._first
            self._first.clear()
        if self._up:
            found.append(Send(Side.UPSTREAM, self._up[0] if len(self._up) == 1 else b"".join(self._up)))
            self._up.clear()
        if self._down:
            found.append(Send(Side.CLIENT, self._down[0] if len(self._down) == 1 else b"".join(self._down)))
            self._down.clear()
        if self._wishes:
            found += self._wishes
            self._wishes.clear()
        if self._close is not None:
            found.append(self._close)
            self._close = None
        return found
