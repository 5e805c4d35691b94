"""What `carrying` and `shared` drive: the shape of a protocol that carries several connections on one, and what happens on it. Shapes only.

A stream is for its session what a connection of its own would be, to a client (`Multiplexer`) or to a target (`Calls`): bytes come, bytes go, one
of both leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class Opened:
    """A stream began; it gets a session of its own."""

    stream: int


@dataclass(frozen=True, slots=True)
class Heard:
    """Bytes of the other side on a stream, in the words of its session."""

    stream: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Left:
    """Nobody waits for the answer on a stream any more."""

    stream: int


@dataclass(frozen=True, slots=True)
class Unserved:
    """The target did nothing of what was asked on a stream, and says so; or it never was sent."""

    stream: int


@dataclass(frozen=True, slots=True)
class Done:
    """The answer on a stream is whole: it went out, or is `Heard` to its end."""

    stream: int


@dataclass(frozen=True, slots=True)
class Eased:
    """A stream on which something waited for the other side can take more."""

    stream: int


Happening: TypeAlias = Opened | Heard | Left | Unserved | Done | Eased


class Streams(Protocol):
    """What a stream's session does with it, whichever way it leads."""

    def answer(self, stream: int, data: bytes) -> None:
        """Bytes of a stream's session for the other side."""

    def finish(self, stream: int, *, at_once: bool) -> None:
        """A stream's session says nothing more. `at_once`: nor does what it said already matter."""

    def taken(self, stream: int, count: int) -> None:
        """Bytes that were `Heard` are used up."""

    def unsent(self, stream: int) -> int:
        """How many bytes wait for the other side."""

    def is_full(self, stream: int) -> bool:
        """Whether so many wait that no more should be made (`Eased` says when they may)."""


class Driven(Protocol):
    """Pure. What happened is asked for (`happened`) after every call, and what goes to the other side (`send`)."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it: when everything was sent, the connection ends."""

    @property
    def deadline(self) -> float | None:
        """When `tick` has to be called at the latest."""

    @property
    def wants_sending(self) -> bool:
        """Whether `send` would give something."""

    def begin(self, now: float) -> None:
        """The connection stands."""

    def receive(self, data: bytes, now: float) -> None:
        """Bytes of the other side."""

    def happened(self) -> list[Happening]:
        """What happened since the last call."""

    def send(self, most: int, now: float) -> bytes:
        """Bytes for the other side, about so many; nothing where there are none, or none that it takes."""

    def retire(self) -> None:
        """Take no new streams; over when those that are open have ended."""

    def tick(self, now: float) -> None:
        """The time was told."""


class Multiplexer(Driven, Streams, Protocol):
    """A client's connection and the streams on it."""


class Calls(Driven, Streams, Protocol):
    """A connection to a target and the requests on it, each in the words of its session."""

    @property
    def is_ready(self) -> bool:
        """Whether the target has said what it takes: nothing is asked before."""

    @property
    def has_room(self) -> bool:
        """Whether one request more may be begun."""

    @property
    def is_retiring(self) -> bool:
        """Whether none may be begun any more."""

    def open(self) -> int:
        """One request more; its number as a stream. Only while there is room."""

    def lost(self) -> None:
        """The target left."""


@dataclass(frozen=True, slots=True)
class Carriage:
    """How clients of a protocol carry several connections on one.

    `name`: in ALPN. `preface`: the first bytes of a client that does. `in_clear`: it may be done without TLS.
    `protocol`: that of the questions. `multiplexer` makes one, given what writes a refusal into the audit and says its number.
    """

    name: str
    preface: bytes
    in_clear: bool
    protocol: str
    multiplexer: Callable[[Callable[[bytes, str], str]], Multiplexer]


@dataclass(frozen=True, slots=True)
class Sharing:
    """How several requests to a target share one connection.

    `name`: in ALPN. `calls` makes a connection's, given whether it is inside TLS.
    """

    name: str
    calls: Callable[[bool], Calls]
