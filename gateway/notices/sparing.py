"""How often people are told of the same thing: who is denied ten thousand times does not file ten thousand tickets.

What is remembered is lost when the gateway ends: then the first one is told again. Used by `picking`.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass

AGAIN_SECONDS = 3600.0
"""For so long the same thing is told once."""
MAX_TOLD = 30
"""How many are told in `AGAIN_SECONDS`, however different: whoever is denied chooses much of what makes them different."""
MAX_KINDS = 4096


@dataclass(slots=True)
class _Told:
    when: float
    silent: int = 0


class Sparing:
    """What one receiver was told lately. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._kinds: OrderedDict[Hashable, _Told] = OrderedDict()
        self._lately: deque[float] = deque()
        self._dropped = 0
        """Not told for their number, or forgotten with the oldest kind."""

    def tell(self, kind: Hashable, now: float) -> int | None:
        """None when it is not to be told; else how many went untold before: of its kind, and for their number."""
        told = self._kinds.get(kind)
        if told is not None and now - told.when < AGAIN_SECONDS:
            told.silent += 1
            return None
        while self._lately and now - self._lately[0] >= AGAIN_SECONDS:
            self._lately.popleft()
        if len(self._lately) >= MAX_TOLD:
            self._dropped += 1
            return None
        self._lately.append(now)
        more = self._dropped + (0 if told is None else told.silent)
        self._dropped = 0
        self._kinds[kind] = _Told(now)
        self._kinds.move_to_end(kind)
        if len(self._kinds) > MAX_KINDS:
            self._dropped += self._kinds.popitem(last=False)[1].silent
        return more
