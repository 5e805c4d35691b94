"""What leaves the log: one event for one entry, under a uid that never changes. Pure. Used by every sink.

At least once: an event may come again after a crash of either side; its uid tells that it is the same one.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Protocol

import msgspec

from gateway.errors import GatewayError


class Severity(IntEnum):
    """How much somebody should look at it, in syslog's numbers (RFC 5424, 6.2.1)."""

    WARNING = 4
    NOTICE = 5
    INFO = 6


MAX_EVENTS = 256
"""What sinks take at once that can take many."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """`body` is one JSON object without a line break. `time` is UTC nanoseconds."""

    seq: int
    uid: str
    time: int
    kind: str
    severity: Severity
    body: bytes


class NotYet(Exception):
    """An entry is to be told of, but not yet: it and what stands behind it wait for the next look. Nothing is wrong."""


class SinkFailed(GatewayError):
    """A receiver did not take what it was sent, or cannot be reached. Tried again later, unless `is_final`."""

    code = "EXPORT_FAILED"

    def __init__(self, message: str, *, is_final: bool = False, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait
        """Seconds for which the receiver wants to be left alone."""
        self.is_final = is_final
        """The receiver has seen it and does not want it, now or later."""


class Sink(Protocol):
    """One receiver. Used by one thread."""

    @property
    def max_body(self) -> int:
        """Bytes of the largest body it takes."""

    @property
    def max_events(self) -> int:
        """How many it takes at once."""

    def send(self, events: Sequence[Event]) -> None:
        """Give the events over; when this returns, the receiver has them. Raises SinkFailed: none, some or all came."""

    def close(self) -> None:
        """Let the connection go. It may be used again."""
