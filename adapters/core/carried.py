"""What `carrying` drives: the shape of a protocol that carries several connections on one, and what happens on it. Shapes only.

A stream is for its session what a client's own connection would be: bytes come, bytes go, one of both leaves.
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
    """Bytes of the client on a stream, in the words of its session."""

    stream: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Left:
    """Nobody waits for the answer on a stream any more."""

    stream: int


@dataclass(frozen=True, slots=True)
class Done:
    """The answer on a stream went out, whole."""

    stream: int


@dataclass(frozen=True, slots=True)
class Eased:
    """A stream whose answer waited for its client can take more."""

    stream: int


Happening: TypeAlias = Opened | Heard | Left | Done | Eased


class Multiplexer(Protocol):
    """Pure. What happened is asked for (`happened`) after every call, and what goes to the client (`send`)."""

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
        """Bytes of the client."""

    def happened(self) -> list[Happening]:
        """What happened since the last call."""

    def send(self, most: int, now: float) -> bytes:
        """Bytes for the client, about so many; nothing where there are none, or none that it takes."""

    def answer(self, stream: int, data: bytes) -> None:
        """Bytes of a stream's session for the client."""

    def finish(self, stream: int, *, at_once: bool) -> None:
        """A stream's session says nothing more. `at_once`: nor does what it said already matter."""

    def taken(self, stream: int, count: int) -> None:
        """Bytes that were `Heard` are used up."""

    def unsent(self, stream: int) -> int:
        """How many bytes of an answer wait for the client."""

    def is_full(self, stream: int) -> bool:
        """Whether so many wait that no more should be made (`Eased` says when they may)."""

    def retire(self) -> None:
        """Take no new streams; over when those that are open have ended."""

    def tick(self, now: float) -> None:
        """The time was told."""


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
