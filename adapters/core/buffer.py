"""Bytes that have arrived and are not used up, and how many there may be.

`Inbox` keeps frames uncopied: readers look into `data` between `start` and its end. "Not enough yet" is a value. Work is
linear in what arrives, also when one frame comes in a million pieces.
"""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB

HIGH_WATER = 256 * KIB
"""Above this much unread from one side, that side is not read any more until it is used up."""
MAX_TEXT = MIB
"""One command's text (the engine's own limit)."""
MAX_MESSAGE = 64 * MIB
"""One message that must be seen whole: parameters of a Bind, a row to be masked, a piece of COPY data."""
MAX_SMALL_MESSAGE = 64 * KIB
"""Messages that hold names and numbers only."""
_MAX_USED = HIGH_WATER
"""Bytes that are used up and stay before those that are not."""


class Inbox:
    """A queue of bytes that is read in place."""

    __slots__ = ("_later", "_size", "_wanted", "data", "start")

    def __init__(self) -> None:
        self.data = b""
        self.start = 0
        # WHY no list of pieces: each is an object of fifty bytes, however few came in it.
        self._later = bytearray()
        self._size = 0
        self._wanted = 0

    def feed(self, data: bytes) -> bool:
        """Take bytes in. Whether there is enough to look again (see `want`)."""
        if self._size == 0:
            self.data = data
            self.start = 0
            self._size = len(data)
        else:
            self._later += data
            self._size += len(data)
        if self._size < self._wanted:
            return False
        if self._later:
            self.data = b"".join((self.data[self.start :], self._later))
            self.start = 0
            self._later = bytearray()
        self._wanted = 0
        return True

    def use(self, count: int) -> None:
        """`count` bytes from `start` on are done with."""
        self.start += count
        self._size -= count
        if self.start > _MAX_USED and self.start >= self._size:
            # WHY: what was used up would stay as long as nothing new comes.
            self.data, self.start = self.data[self.start :], 0

    def want(self, size: int) -> None:
        """Nothing can be done before `size` unused bytes are there."""
        self._wanted = size

    def __len__(self) -> int:
        """How many bytes are not used up."""
        return self._size
