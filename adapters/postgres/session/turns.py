"""How the client's side waits: it is a generator that says what it needs, and goes on when that is there.

A hold, an answer of the server, the end of what runs: each is one `yield`, so that the order of things can be read from
top to bottom. Nothing here waits by itself; `session.ready` resumes the generator when the need is met.
"""

from __future__ import annotations

from collections.abc import Generator
from enum import IntEnum, auto
from typing import TypeAlias

import msgspec

from adapters.core.ports import Answer
from adapters.postgres.session.limits import Limits


class Need(IntEnum):
    """What must happen before the client's side goes on."""

    BYTES = auto()
    """More from the client."""
    ANSWER = auto()
    """The gate's answer to the question just asked."""
    FATE = auto()
    """What became of a held command; None when the client cancelled it."""
    IDLE = auto()
    """The server owes nothing."""
    REPLY = auto()
    """The step marked `awaited` is done."""
    COPY = auto()
    """More from the client, or the end of COPY FROM STDIN by the server."""
    NEWS = auto()
    """Anything from the server."""
    FACTS = auto()
    """The catalog was read again, or that took too long."""


Turn: TypeAlias = Generator[Need, Answer | None, None]


class Granted(msgspec.Struct, frozen=True):
    """A command may run (or be prepared) under these limits. `moves`: what stands behind it may mean something else than what stands before."""

    answer: Answer
    limits: Limits
    moves: bool = False


class Refused(msgspec.Struct, frozen=True):
    """A command may not run; `error` is what the user reads. `unparsable`: nobody can run it, so the server may say why."""

    error: bytes
    unparsable: bool = False


Judged: TypeAlias = Generator[Need, Answer | None, Granted | Refused]
