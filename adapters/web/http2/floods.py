"""How much of what costs us more than the peer one connection may do: it comes back with time. Pure.

Named after what was found: rapid resets (CVE-2023-44487), floods of pings, settings, priorities, empty frames (CVE-2019-9511 and on).
The same for clients and targets.
"""

from __future__ import annotations

from adapters.core.buffer import KIB
from adapters.errors import PeerProtocolError
from adapters.web.http2.frames import Frame, Kind

CONTROL = (1000.0, 100.0)
"""Frames that carry nothing: so many at once, so many a second. Frames of ours with data give some back."""
RESETS = (200.0, 20.0)
"""Streams that end before their answer does, by the peer or for its mistakes."""
MAX_SETTINGS = 200
"""Settings that one peer may say in all."""
EARNED = 4
"""A frame with data lets a peer send so many: to open the windows again, on the stream and the connection."""
MAX_OWED = 256 * KIB
"""Bytes of ours about the connection (settings, pings, resets) that a peer does not take."""


class Allowance:
    """So much at once, and so much a second."""

    __slots__ = ("_left", "_most", "_per_second", "_when")

    def __init__(self, most: float, per_second: float, now: float) -> None:
        self._most, self._per_second = most, per_second
        self._left, self._when = most, now

    def spend(self, cost: float, now: float) -> bool:
        """Whether there is that much left; it is not any more then."""
        self._left = min(self._most, self._left + max(now - self._when, 0.0) * self._per_second)
        self._when = now
        if cost > self._left:
            return False
        self._left -= cost
        return True

    def earn(self, amount: float) -> None:
        """Give some back, for work that was wanted."""
        self._left = min(self._most, self._left + amount)


class Floods:
    """What one peer has left. `peer`: what it is called in a reason."""

    __slots__ = ("_control", "_owed", "_peer", "_resets", "_settings_said")

    def __init__(self, peer: str, now: float) -> None:
        self._peer = peer
        self._control, self._resets = Allowance(*CONTROL, now), Allowance(*RESETS, now)
        self._settings_said = self._owed = 0

    def count(self, frame: Frame, now: float, *, is_awaited: bool) -> None:
        """What a frame costs. `is_awaited`: its stream is open, or opened by it. Raises PeerProtocolError when it is too much."""
        cost = 1.0
        match frame.kind:
            case Kind.DATA:
                cost = 0.0 if frame.size or frame.is_last else 1.0
            case Kind.HEADERS | Kind.RST_STREAM if is_awaited:
                cost = 0.0
            case Kind.CONTINUATION:
                cost = 0.0
            case Kind.SETTINGS:
                self._settings_said += frame.size // 6
                if self._settings_said > MAX_SETTINGS:
                    raise self._too_much("says settings without end")
            case _:
                pass
        if cost and not self._control.spend(cost, now):
            raise self._too_much("sends too many frames that carry nothing")

    def earn(self) -> None:
        """A frame of ours with data went out."""
        self._control.earn(EARNED)

    def owe(self, size: int) -> None:
        """Bytes of ours wait for the peer."""
        self._owed += size

    def pay(self) -> None:
        """All that waited was taken."""
        self._owed = 0

    def check_owed(self) -> None:
        """Raises PeerProtocolError when too much waits."""
        if self._owed > MAX_OWED:
            raise self._too_much("asks for words and does not take them")

    def may_reset(self, now: float) -> bool:
        """Whether one stream more may end before its answer does."""
        return self._resets.spend(1.0, now)

    def _too_much(self, what: str) -> PeerProtocolError:
        return PeerProtocolError(f"the {self._peer} {what}", code="ENHANCE_YOUR_CALM")
