"""`[limits]`: how often one principal may ask. Read by `model`, checked by `check`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.config.places import Path

MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class RateLimits:
    """`[limits]`: `requests_per_second` of one principal over gRPC (but of adapters), the faces and the console together, in this process;
    `burst` more at once. 0: no limit."""

    requests_per_second: float = 0.0
    burst: int = 100


def find_rate_misfits(limits: RateLimits) -> Iterator[tuple[Path, str]]:
    """Everything that does not fit together, as in `check`."""
    if not (limits.requests_per_second == 0 or 0.01 <= limits.requests_per_second <= MOST):
        yield ("limits", "requests_per_second"), f"is out of range; expected 0 (no limit), or 0.01 to {MOST}"
    if not 1 <= limits.burst <= MOST:
        yield ("limits", "burst"), f"is out of range; expected 1 to {MOST}"
