"""How often one principal may ask: a bucket each, which fills with time. Called by those who are asked over gRPC and HTTP.

Adapters are not asked about: their questions are other people's commands, and limits of these are the policies' (`activity`).
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

CODE = "TOO_MANY_REQUESTS"
TOLD = "you ask too often; ask again later"
MAX_REMEMBERED = 10_000
"""Buckets kept; beyond it the oldest is forgotten, which is full again then."""
TOLD_EVERY = 60.0
"""Seconds after which the audit is told again of somebody who is refused all the while. WHY: each entry is a write on the disk."""


@dataclass(frozen=True, slots=True)
class Over:
    """That somebody asks too often: for how many whole seconds to wait, and whether the audit is told."""

    seconds: int
    is_told: bool


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float
    told_at: float = -math.inf


class Rates:
    """The buckets of one process. Safe from any thread."""

    def __init__(
        self, per_second: float, burst: int, clock: Callable[[], float], refused: Callable[[], None] = lambda: None
    ) -> None:
        """`clock` is seconds that only go on; `refused` counts. 0 a second: no limit."""
        self._rate, self._burst, self._clock, self._refused = per_second, float(burst), clock, refused
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, principal: str) -> Over | None:
        """Count one question; None when it may be asked."""
        if not self._rate:
            return None
        now = self._clock()
        with self._lock:
            bucket = self._buckets.get(principal)
            if bucket is None:
                bucket = self._buckets[principal] = _Bucket(self._burst, now)
                while len(self._buckets) > MAX_REMEMBERED:
                    self._buckets.popitem(last=False)
            self._buckets.move_to_end(principal)
            bucket.left = min(self._burst, bucket.left + (now - bucket.at) * self._rate)
            bucket.at = now
            if bucket.left >= 1:
                bucket.left -= 1
                return None
            is_told = now - bucket.told_at >= TOLD_EVERY
            if is_told:
                bucket.told_at = now
            seconds = max(1, math.ceil((1 - bucket.left) / self._rate))
        self._refused()
        return Over(seconds, is_told)


NO_LIMIT = Rates(0, 1, lambda: 0.0)
