"""What one event leads to, gathered: bytes for the client, its pauses, the connection to the target, the next deadline. Pure.

Keeps what must not be wished for twice (a pause, a connection, a time that is told already). Used by `conversation`.
"""

from __future__ import annotations

from collections.abc import Hashable

from adapters.core import effects as do
from adapters.core.effects import Effect
from adapters.core.events import Side


class Doing:
    """The effects of a session, event after event."""

    __slots__ = ("_armed", "_is_paused", "_is_upstream", "deadline", "effects", "now")

    def __init__(self) -> None:
        self.now = 0.0
        self.deadline: float | None = None
        self.effects: list[Effect] = []
        self._armed: float | None = None
        self._is_paused = self._is_upstream = False

    def begin(self, now: float) -> None:
        """Another event, at a time."""
        self.now, self.effects = now, []

    def add(self, *effects: Effect) -> None:
        """Wish for something."""
        self.effects += effects

    def send(self, data: bytes) -> None:
        """Bytes for the client."""
        if data:
            self.effects.append(do.Send(Side.CLIENT, data))

    def pause(self) -> None:
        """Read no more from the client for now."""
        if not self._is_paused:
            self._is_paused = True
            self.effects.append(do.Pause(Side.CLIENT))

    def resume(self) -> None:
        """Read from the client again."""
        if self._is_paused:
            self._is_paused = False
            self.effects.append(do.Resume(Side.CLIENT))

    def open_target(self, kept_for: Hashable | None = None, shared_for: Hashable | None = None) -> None:
        """Connect to the target, take a connection that was kept for the same, or part of one that is shared by them."""
        self._is_upstream = True
        self.effects.append(do.OpenUpstream(kept_for=kept_for, shared_for=shared_for))

    def keep_target(self, kept_for: Hashable | None, seconds: float) -> None:
        """Let the connection to the target serve another request of the same, for so long; not at all where there are none."""
        if self._is_upstream and kept_for is not None and seconds > 0:
            self._is_upstream = False
            self.effects.append(do.KeepUpstream(kept_for, seconds))

    def take_target(self) -> None:
        """The connection to the target is there already: somebody else asked for it."""
        self._is_upstream = True

    def drop_target(self) -> None:
        """End the connection to the target, where there is one."""
        if self._is_upstream:
            self._is_upstream = False
            self.effects.append(do.CloseUpstream())

    def wait(self, seconds: float | None) -> None:
        """Something has to happen within so long; None: whenever it likes."""
        self.deadline = None if seconds is None else self.now + seconds

    def wait_from(self, since: float, seconds: float | None) -> None:
        """The same, counted from a moment that is over."""
        self.deadline = None if seconds is None else since + seconds

    def is_late(self) -> bool:
        """The time was told: whether the deadline is over."""
        self._armed = None
        return self.deadline is not None and self.now >= self.deadline

    def arm(self) -> None:
        """Have the time told when it is needed. WHY not at each event: a deadline that moves back costs one look more."""
        if self.deadline is None:
            return
        if self._armed is None or self._armed > self.deadline or self._armed <= self.now:
            self._armed = self.deadline
            self.effects.append(do.WakeAt(self.deadline))
