"""Who watches a page, and the moment it has to be shown anew. Pushed: a ticket's bell is heard, the log's number looked at.

A stream says only that something changed; the page is then asked for again, as its viewer may see it. Called by `server`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum
from types import TracebackType

from gateway.approvals.notify import Bell

LOOK_EVERY = 1.0
"""Seconds between looks at the log's number: pages of the audit follow it no faster. WHY looked at: decisions never wait for a page."""
PULSE_EVERY = 15.0
"""Seconds after which a silent stream says that it is still there, and its viewer is looked at again."""
MAX_STREAMS = 400
MAX_STREAMS_OF_ONE = 12


class Topic(StrEnum):
    """What a page shows."""

    HOLDS = "holds"
    LOG = "log"


class Heard(StrEnum):
    """What a stream has to say."""

    CHANGE = "change"
    PULSE = "pulse"
    END = "end"


class TooManyStreams(Exception):
    """One more than there may be."""


class Watchers:
    """The open streams of this process. For its event loop alone."""

    def __init__(self, bell: Bell, next_seq: Callable[[], int]) -> None:
        self.bell = bell
        self.next_seq = next_seq
        self._open: dict[str, set[Stream]] = {}
        self._is_ended = False

    def open(self, topic: Topic, who: str) -> Stream:
        """A stream for somebody; use it in a `with`. Raises TooManyStreams."""
        theirs = self._open.get(who, set())
        if len(theirs) >= MAX_STREAMS_OF_ONE or self.count() >= MAX_STREAMS or self._is_ended:
            raise TooManyStreams
        stream = Stream(self, topic, who)
        self._open.setdefault(who, theirs).add(stream)
        return stream

    def count(self) -> int:
        """How many are open."""
        return sum(len(streams) for streams in self._open.values())

    def close(self, stream: Stream) -> None:
        """One is over."""
        theirs = self._open.get(stream.who, set())
        theirs.discard(stream)
        if not theirs:
            self._open.pop(stream.who, None)

    def end(self) -> None:
        """End every stream; no more are opened."""
        self._is_ended = True
        for streams in list(self._open.values()):
            for stream in list(streams):
                stream.end()


class Stream:
    """One page that is watched."""

    def __init__(self, watchers: Watchers, topic: Topic, who: str) -> None:
        self._watchers = watchers
        self._topic = topic
        self.who = who
        self._rung = asyncio.Event()
        self._is_over = False
        self._seen = watchers.next_seq()
        self._leave: Callable[[], None] = lambda: None

    def __enter__(self) -> Stream:
        if self._topic is Topic.HOLDS:
            loop, rung = asyncio.get_running_loop(), self._rung

            def heard(ticket: str) -> None:
                try:
                    loop.call_soon_threadsafe(rung.set)
                except RuntimeError:
                    return  # WHY: the loop closed; nobody looks any more

            self._leave = self._watchers.bell.subscribe_all(heard)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()
        self._watchers.close(self)

    def end(self) -> None:
        """Say that it is over."""
        self._is_over = True
        self._rung.set()

    async def next(self, pulse: float = PULSE_EVERY, look: float = LOOK_EVERY) -> Heard:
        """The next thing to say."""
        loop = asyncio.get_running_loop()
        until = loop.time() + pulse
        while not self._is_over and loop.time() < until:
            wait = until - loop.time()
            try:
                async with asyncio.timeout(wait if self._topic is Topic.HOLDS else min(wait, look)):
                    await self._rung.wait()
            except TimeoutError:
                if self._has_grown():
                    return Heard.CHANGE
                continue
            self._rung.clear()
            if not self._is_over:
                return Heard.CHANGE
        return Heard.END if self._is_over else Heard.PULSE

    def _has_grown(self) -> bool:
        """Whether the log has entries that were not there at the last look."""
        if self._topic is not Topic.LOG:
            return False
        before, self._seen = self._seen, self._watchers.next_seq()
        return self._seen != before
