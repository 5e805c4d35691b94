"""What happened, in the past tense. A session is driven by nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from adapters.core.ports import Answer


class Side(Enum):
    CLIENT = auto()
    UPSTREAM = auto()


@dataclass(frozen=True, slots=True)
class BytesReceived:
    side: Side
    data: bytes


@dataclass(frozen=True, slots=True)
class EndReceived:
    """The side will send nothing more."""

    side: Side


@dataclass(frozen=True, slots=True)
class TlsStarted:
    """TLS stands on this side; `name` is the verified peer name of a client certificate, if any."""

    side: Side
    name: str | None = None


@dataclass(frozen=True, slots=True)
class UpstreamOpened:
    """The connection asked for with `OpenUpstream` stands (TLS included when the resource wants it)."""

    tls: bool


@dataclass(frozen=True, slots=True)
class UpstreamFailed:
    """The connection asked for cannot be had. `reason` is fit for the client."""

    reason: str


@dataclass(frozen=True, slots=True)
class Decided:
    """An answer to `Ask`. A hold is answered first with verdict hold, later again with what became of it."""

    ticket: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The moment asked for with `WakeAt` is there."""


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The gateway drains or an operator ends this session. `reason` is fit for the client."""

    reason: str


Event: TypeAlias = (
    BytesReceived | EndReceived | TlsStarted | UpstreamOpened | UpstreamFailed | Decided | TimePassed | StopRequested
)
