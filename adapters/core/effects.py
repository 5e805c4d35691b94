"""What a session wishes to happen, in the imperative. Only `core/relay` carries them out, in order.

WHY Structs for the three of every command: a frozen dataclass takes ten times as long to make.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec

from adapters.core.events import Side
from adapters.core.ports import Outcome, Part, Proof, Question, Screen, Target
from engine.request import Json


class Send(msgspec.Struct, frozen=True, gc=False):
    side: Side
    data: bytes


class Ask(msgspec.Struct, frozen=True):
    """Put a question to the gate; the answer comes as `Decided` with the same ticket."""

    ticket: int
    question: Question


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The held question is not wanted any more (client gone, cancelled)."""

    ticket: int
    reason: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Stop waiting for the held question; its ticket stays open, so that a later try can use the grant."""

    ticket: int


class Record(msgspec.Struct, frozen=True, gc=False):
    """What became of a decided command, for the audit."""

    decision_id: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class FindVerifier:
    """Look up what proves this user's password; the answer is `VerifierFound`, also for users who do not exist."""

    user: str


@dataclass(frozen=True, slots=True)
class CheckToken:
    """Check a secret given in clear; the answer is `TokenChecked`."""

    user: str
    token: str = field(repr=False)
    resource: str


@dataclass(frozen=True, slots=True)
class FindOwner:
    """Look up whose token this is, who wants to go to this resource; the answer is `OwnerFound`."""

    token: str = field(repr=False)
    resource: str = ""


@dataclass(frozen=True, slots=True)
class Admit:
    """Ask to be let in; the answer is `Admitted` or `Refused`. Who was in before is out then."""

    user: str
    resource: str
    protocol: str
    proven: bool
    application: str | None = None
    database: str | None = None
    proof: Proof | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class DeriveKey:
    """Stretch a secret with PBKDF2-HMAC-SHA-256, off the loop; the answer is `KeyDerived`."""

    secret: bytes = field(repr=False)
    salt: bytes
    iterations: int


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Interrupt the session that holds this key, whoever it is, then end this connection without an answer."""

    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Errand:
    """Open one more connection to the target, hand over these bytes, wait for its end (PostgreSQL's cancel)."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RefreshFacts:
    """Have what the target's names mean at hand; `FactsRefreshed` says when that is done.

    `target` with the database that is meant; `changed`: it may have changed just now, so what was read before does not
    count.
    """

    target: Target
    changed: bool


@dataclass(frozen=True, slots=True)
class LookUp:
    """Find the addresses of a host; the answer is `LookedUp`."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class OpenUpstream:
    """Connect to the resource's target, or to another one in its place from now on.

    `kept_for`: a connection that was kept for the same (`KeepUpstream`) will do; then the answer is `UpstreamReused`.
    `shared_for`: so will a part of one on which requests for the same run already, where the target has such.
    """

    target: Target | None = None
    kept_for: Hashable | None = None
    shared_for: Hashable | None = None


@dataclass(frozen=True, slots=True)
class KeepUpstream:
    """The connection to the target served this request to its very end: let it serve another one of the same, within so many seconds."""

    kept_for: Hashable
    seconds: float


@dataclass(frozen=True, slots=True)
class LeaseUpstream:
    """Reach the resource's target over a connection of its pool, one that may serve `kin`.

    The answer is `UpstreamLeased` for one that served others, `UpstreamOpened` for a new one, `UpstreamFailed` where none came free.
    """

    kin: Hashable


@dataclass(frozen=True, slots=True)
class ReturnUpstream:
    """The session left nothing on its leased connection that it knows of: let the pool clean it and have it serve others. `estate` is
    what the next one has to know of it."""

    estate: object = field(repr=False)


@dataclass(frozen=True, slots=True)
class RecordUpstream:
    """Record which connection to the target serves the session. Nothing is sent where that cannot be done."""

    connection: str


@dataclass(frozen=True, slots=True)
class CloseUpstream:
    """End the connection to the target, or the attempt at one, at once; nothing more is heard of it. Another may be opened."""


@dataclass(frozen=True, slots=True)
class StartTls:
    """Everything after this on the side is TLS. Plaintext that was already read behind it is an error.

    With a `host` the client is shown a certificate for it, from an authority (`minting.Authority`); TLS in TLS where there is some.
    `begun`: what the peer said of the handshake before anybody asked for TLS. `in_core`: to a target it is the core's TLS.
    """

    side: Side
    host: str | None = None
    authority: object | None = field(default=None, repr=False)
    begun: bytes = b""
    in_core: bool = False


@dataclass(frozen=True, slots=True)
class StartRecording:
    """Begin a recording of the terminal that a grant shows. What goes wrong with it, now or later, comes as `RecordingFailed`, once."""

    decision_id: str
    screen: Screen


@dataclass(frozen=True, slots=True)
class Show:
    """Record what is shown, then send the client `sent`, which says it. Once the recording failed, neither happens."""

    shown: bytes
    sent: bytes


@dataclass(frozen=True, slots=True)
class RecordSize:
    """Record that the terminal has another size."""

    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class RecordFact:
    """Record a decision, or another fact of ours."""

    said: Mapping[str, Json]


class ShowPart(msgspec.Struct, frozen=True):
    """Record some of the result of a recorded exchange. What is sent behind it is sent only if that could be done."""

    decision_id: str
    part: Part


@dataclass(frozen=True, slots=True)
class EndRecording:
    """The recording is over."""

    status: int | None


Recorded: TypeAlias = StartRecording | Show | RecordSize | RecordFact | EndRecording
"""Those of a terminal that is recorded before it is shown; `taping` carries them out."""


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


Rare: TypeAlias = (
    Withdraw
    | Leave
    | FindVerifier
    | CheckToken
    | Admit
    | DeriveKey
    | Interrupt
    | Errand
    | RefreshFacts
    | FindOwner
    | LookUp
    | OpenUpstream
    | KeepUpstream
    | LeaseUpstream
    | ReturnUpstream
    | RecordUpstream
    | CloseUpstream
    | StartTls
    | ShowPart
    | Recorded
)
"""Those that no command needs by itself."""

Effect: TypeAlias = Send | Ask | Record | WakeAt | Pause | Resume | Close | Rare
