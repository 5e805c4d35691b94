"""Both ends of a relayed connection, joined in the core while its lane is open: bytes go from wire to wire there (docs/decisions/0070).

Nothing is granted here: of each command the lane decides, with leave of the gate. Whatever else happens to the connection parts the ends
first, and what is not the lane's comes the way it came before. Called by `relay`.
"""

from __future__ import annotations

from adapters.core.driven import Lane
from adapters.core.ends import End
from engine._native import Wire


class Joint:
    """The two ends of one connection, joined or not."""

    __slots__ = ("_ends", "_was_heard", "_wire")

    def __init__(self) -> None:
        self._was_heard = False
        self._wire: Wire | None = None
        self._ends: tuple[End, ...] = ()

    def join(self, lane: Lane, client: End, upstream: End, now: float) -> None:
        """Join them for what goes through the lane, where both can be."""
        down, up = client.way_out, upstream.way_out
        if self._wire is None and down is not None and up is not None:
            self._wire = wire = lane.wire(down, up, now)
            if wire is not None:
                self._ends = (client, upstream)
                client.through, upstream.through = wire.up, wire.down

    def part(self) -> None:
        """Each is heard by itself again."""
        if self._wire is not None:
            for end in self._ends:
                end.through = None
            self._was_heard |= self._wire.was_heard()
            self._wire, self._ends = None, ()

    def was_heard(self) -> bool:
        """Whether the client said something since this was asked last."""
        heard, self._was_heard = self._was_heard or (self._wire is not None and self._wire.was_heard()), False
        return heard
