"""One connection's settings, and the limits that are the same for all."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.core.buffer import KIB

MAX_JUDGED_BODY = 256 * KIB
"""Bytes of a body that are read before the question is asked; of a longer one the judge knows only that it is there."""
HOLD_BACK = 64 * KIB
"""Bytes of an answer that is masked which are kept back, so that one that cannot be masked is refused whole."""
MAX_SHOWN = 16 * KIB
"""Bytes of what could not be read that the audit gets."""

QUIET_SECONDS = 0.1
"""After which something in a text that only waits for a word beside it is shown as it is."""
ENDED = "SESSION_ENDED"
STATUSES = {"TARGET_SLOW": 504, ENDED: 503, "DESTINATION_INSIDE": 403}
"""Of what went wrong with a target, where the status is not 502."""
CALL_SECONDS = 0.2
"""After which a call of gRPC that is not whole, and goes on with nothing, is judged as one whose messages are not read."""
LEAVE_SECONDS = 2.0
MAX_THROWN_AWAY = 1024 * KIB
"""How long, and how much of, what a client still sends is thrown away behind the last answer."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`resource`: the listener serves this one alone; None: the Host header names it. Times are seconds.

    `head_seconds`: TLS, and a head from its first byte to its last. `idle_seconds`: between two requests, and between two
    pieces of a body that is read. `target_seconds`: without a byte from or to the target.
    """

    resource: str | None = None
    tls: bool = False
    head_seconds: float = 20.0
    idle_seconds: float = 75.0
    target_seconds: float = 300.0
