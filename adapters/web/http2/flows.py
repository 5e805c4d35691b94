"""What one stream of HTTP/2 keeps whichever way it leads: what waits for the peer, and what the peer may send again. Pure.

`streams` (a client's request) and `calls` (one to a target) are such flows; `connection` moves them.
"""

from __future__ import annotations

from typing import Final

from adapters.core.buffer import KIB

STREAM_WINDOW: Final = 128 * KIB
"""Bytes that a peer may send on a stream before its session took any."""
FULL, LOW = 64 * KIB, 16 * KIB
"""Bytes that wait for the peer: above, no more are made; below, they are again."""


class Flow:
    """Both ways of one stream."""

    __slots__ = ("is_ended", "is_said", "queue", "to_credit", "was_full", "wire")

    def __init__(self) -> None:
        self.wire: int | None = None
        """Its number on the wire, once it is there."""
        self.queue = bytearray()
        """Of the body that goes to the peer, what it did not take yet."""
        self.is_said = False
        """The session said all that goes to the peer."""
        self.is_ended = False
        """The peer said all of its own."""
        self.to_credit = 0
        """Bytes of the peer that were used up, and are not told back yet."""
        self.was_full = False

    def is_full(self) -> bool:
        """Whether so much waits that no more should be made."""
        if len(self.queue) <= FULL:
            return False
        self.was_full = True
        return True

    def has_eased(self) -> bool:
        """Whether it was full, and can take more; once."""
        if not self.was_full or len(self.queue) >= LOW:
            return False
        self.was_full = False
        return True

    def take(self, most: int) -> bytes:
        """So many bytes at most of those that wait."""
        piece = bytes(self.queue[: max(most, 0)])
        del self.queue[: len(piece)]
        return piece

    def credit(self) -> int:
        """Bytes to be told back to the peer; none while they are not worth a frame, or nothing more comes."""
        if self.to_credit < STREAM_WINDOW // 4 or self.is_ended:
            return 0
        credit, self.to_credit = self.to_credit, 0
        return credit
