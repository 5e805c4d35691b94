"""Pings and pongs through a gateway: who asks whether somebody is there is answered by them, and by nobody else. Pure.

A ping goes on with a number of ours in it, and the pong to that number comes back with what the ping had. So what one side puts
into a ping never comes to the other one (a mask would not see it), and pongs that nobody asked for end here.
"""

from __future__ import annotations

MAX_OPEN = 16
"""Pings on their way; of more the oldest are forgotten (RFC 6455, 5.5.3 lets one answer only the last)."""


class Pings:
    """The pings of one side."""

    __slots__ = ("_asked", "_last")

    def __init__(self) -> None:
        self._asked: dict[bytes, bytes] = {}
        self._last = 0

    def ask(self, payload: bytes) -> bytes:
        """A ping came: what the one that goes on has in it."""
        self._last += 1
        number = b"%d" % self._last
        self._asked[number] = payload
        if len(self._asked) > MAX_OPEN:
            del self._asked[next(iter(self._asked))]
        return number

    def answer(self, payload: bytes) -> bytes | None:
        """A pong came from the other side: what the one that goes back has in it; None where none does."""
        if payload not in self._asked:
            return None
        # WHY the earlier ones too: who answers a ping has answered those before it.
        while (first := next(iter(self._asked))) != payload:
            del self._asked[first]
        return self._asked.pop(payload)
