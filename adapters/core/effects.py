"""What a session wishes to happen, in the imperative. Only `core/relay` carries them out, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from adapters.core.events import Side
from adapters.core.ports import Outcome, Question


@dataclass(frozen=True, slots=True)
class Send:
    side: Side
    data: bytes


@dataclass(frozen=True, slots=True)
class Ask:
    """Put a question to the gate; the answer comes as `Decided` with the same ticket."""

    ticket: int
    question: Question


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The held question is not wanted any more (client gone, cancelled)."""

    ticket: int
    reason: str


@dataclass(frozen=True, slots=True)
class Record:
    """What became of a decided command, for the audit."""

    decision_id: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class OpenUpstream:
    """Connect to the resource's target."""


@dataclass(frozen=True, slots=True)
class StartTls:
    """Everything after this on the side is TLS. Plaintext that was already read behind it is an error."""

    side: Side


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop reading from the side."""

    side: Side


@dataclass(frozen=True, slots=True)
class Resume:
    side: Side


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Send `TimePassed` at this time (seconds of the relay's monotonic clock); replaces an earlier wish; None cancels it."""

    moment: float | None


@dataclass(frozen=True, slots=True)
class Close:
    """End both sides after what was sent has gone out."""

    reason: str


Effect: TypeAlias = Send | Ask | Withdraw | Record | OpenUpstream | StartTls | Pause | Resume | WakeAt | Close
