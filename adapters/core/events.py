"""What happened, in the past tense. A session is driven by nothing else.

WHY Structs for the two that come with every command: a frozen dataclass takes ten times as long to make.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias

import msgspec

from adapters.core.ports import Answer, Cause, Proof, Refusal, ScramVerifier, Target


class Side(Enum):
    CLIENT = auto()
    UPSTREAM = auto()


class BytesReceived(msgspec.Struct, frozen=True, gc=False):
    side: Side
    data: bytes


@dataclass(frozen=True, slots=True)
class EndReceived:
    """The side will send nothing more."""

    side: Side


@dataclass(frozen=True, slots=True)
class TlsStarted:
    """TLS stands on this side.

    `name` is the verified peer name of a client certificate, if any; `protocol` what the peer chose of what was offered (ALPN);
    `end_point` what a proof of identity may be bound to: the digest of the server's certificate (`tls.end_point`), if it has one.
    """

    side: Side
    name: str | None = None
    protocol: str | None = None
    end_point: bytes | None = None


@dataclass(frozen=True, slots=True)
class LookedUp:
    """The answer to `LookUp`; no addresses: nobody knows the host, or it has too many."""

    host: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UpstreamOpened:
    """The connection asked for with `OpenUpstream` stands. `tls`: with whatever TLS the resource wants."""

    tls: bool


@dataclass(frozen=True, slots=True)
class UpstreamReused:
    """A connection that was kept stands in for the one asked for; TLS included. Its target may end it any moment."""


@dataclass(frozen=True, slots=True)
class UpstreamUnserved:
    """The target says that it did nothing of what was sent on this connection: it may be sent once more, on another."""


@dataclass(frozen=True, slots=True)
class UpstreamLeased:
    """A connection of the target's pool serves from now on, signed in and clean; `estate` is what its last session said of it."""

    estate: object = field(repr=False)


@dataclass(frozen=True, slots=True)
class UpstreamWanted:
    """Somebody waits for a connection like the leased one: a session that can do without it between two transactions gives it up."""


@dataclass(frozen=True, slots=True)
class UpstreamFailed:
    """The connection asked for cannot be had. `reason` is fit for the client."""

    reason: str
    code: str = "TARGET_UNREACHABLE"


class Decided(msgspec.Struct, frozen=True):
    """An answer to `Ask`. A hold is answered first with verdict hold, later again with what became of it."""

    ticket: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class VerifierFound:
    """The answer to `FindVerifier`."""

    verifier: ScramVerifier


@dataclass(frozen=True, slots=True)
class TokenChecked:
    """The answer to `CheckToken`; `proof` goes back with `Admit`."""

    good: bool
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class OwnerFound:
    """The answer to `FindOwner`; None: nobody's. `proof` goes back with `Admit`."""

    user: str | None
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """The gate let the user in; `target` is where the resource is."""

    session_id: str
    target: Target
    groups: tuple[str, ...] = ()
    """Of whom was let in; where a target is told of them."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The gate did not let the user in."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class KeyDerived:
    """The answer to `DeriveKey`."""

    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class InterruptRequested:
    """Somebody who knows this session's key wants what it runs to stop."""


@dataclass(frozen=True, slots=True)
class FactsRefreshed:
    """The answer to `RefreshFacts`; the facts may still be unknown."""


@dataclass(frozen=True, slots=True)
class RecordingFailed:
    """What is shown cannot be recorded any more; nothing of it is shown."""


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The moment asked for with `WakeAt` is there."""


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The session has to end. `reason` is fit for the client."""

    reason: str
    cause: Cause = Cause.DRAIN


Event: TypeAlias = (
    BytesReceived
    | EndReceived
    | TlsStarted
    | LookedUp
    | UpstreamOpened
    | UpstreamReused
    | UpstreamUnserved
    | UpstreamLeased
    | UpstreamWanted
    | UpstreamFailed
    | Decided
    | VerifierFound
    | TokenChecked
    | OwnerFound
    | Admitted
    | Refused
    | KeyDerived
    | InterruptRequested
    | FactsRefreshed
    | RecordingFailed
    | TimePassed
    | StopRequested
)
