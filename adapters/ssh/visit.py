"""What all channels of one signed-in client share: the gate, the target, the way there, the tasks that wait and carry.

Also the one place where a request that is not carried is refused and recorded. No protocol of a channel here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from adapters.core.ports import Cause, GateSession, Question, Target
from adapters.ssh.facts import request_question
from adapters.ssh.upstream import Upstream

MAX_CHANNELS = 64
"""Open channels of one connection."""
MAX_REFUSALS = 500
"""Refused requests of one connection, each of which is an audit entry; one more ends it."""

log = structlog.get_logger(__name__)


class Channel(Protocol):
    """A channel of which can be seen whether something runs in it."""

    @property
    def is_waiting(self) -> bool:
        """Whether the next word is the client's: nothing runs, nothing is held."""


@dataclass(slots=True, eq=False)
class Visit:
    """One signed-in client. `cut` ends the connection at once."""

    gate: GateSession
    target: Target
    upstream: Upstream
    cut: Callable[[str], None]
    notice_seconds: float
    idle_seconds: float = 0.0
    """How long a terminal may stay where nobody types; 0: for ever."""
    channels: int = 0
    seen: set[Channel] = field(default_factory=set)
    """Those channels of which can be seen whether something runs; in all others something always does."""
    heard: bool = False
    """The client said something since somebody last looked (`adapters.core.watching`)."""
    ends_with: str | None = None
    """Why it ends with its last channel; None: it does not."""
    quiet: asyncio.Event = field(default_factory=asyncio.Event)
    """No channel is open."""
    leaving: set[Callable[[], None]] = field(default_factory=set)
    """Who has to be told when the client is gone."""
    _refusals: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.quiet.set()

    def opened(self) -> None:
        """One more channel is open."""
        self.channels += 1
        self.quiet.clear()

    def closed(self) -> None:
        """A channel is open no more."""
        self.channels -= 1
        if not self.channels:
            self.quiet.set()
            if self.ends_with is not None:
                self.cut(self.ends_with)

    @property
    def has_room(self) -> bool:
        """Whether one more channel may be opened."""
        return self.channels < MAX_CHANNELS and self.ends_with is None

    @property
    def is_waiting(self) -> bool:
        """Whether the client's word is all that is waited for, in every channel."""
        return len(self.seen) == self.channels and all(one.is_waiting for one in self.seen)

    def stop(self, reason: str, cause: Cause) -> None:
        """It has to end: at once where nothing is waited for, else with its last channel."""
        if self.is_waiting or cause.is_urgent:
            self.cut(reason)
        elif cause is not Cause.IDLE:
            self.ends_with = reason

    def refuse(self, word: str, *values: str) -> None:
        """Record that a request was refused because it is not carried here, whatever the policies say."""
        self.refuse_question(request_question(word, *values), f"`{word}` is not carried here")

    def refuse_question(self, question: Question, reason: str) -> None:
        """The same of a question."""
        self._refusals += 1
        if self._refusals > MAX_REFUSALS:
            self.cut("too many refused requests")
            return
        self.gate.refuse(question, reason)

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run something beside. INVARIANT: what fails there in a way nobody foresaw ends the connection."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("a channel failed closed", session=self.gate.id, error=type(error).__name__)
            self.cut("an error of the gateway")

    def close(self, reason: str) -> None:
        """The client is gone."""
        for tell in list(self.leaving):
            tell()
        for task in list(self._tasks):
            task.cancel()
        self.upstream.close()
        self.gate.close(reason)
