"""A gateway with a line on either side of it that can be cut after so many bytes, and a client that talks through both."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Iterator
from enum import Enum
from pathlib import Path

from tests.cutter import Cutter, Way
from tests.e2e.soak.audited import Audited, Ran, audited, errors_in
from tests.e2e.soak.harness import end_what_is_left
from tests.e2e.world import GatewayProcess

DEADLINE = 60.0
"""Seconds within which a whole conversation has an end, whatever was cut, on a machine that does much else."""
SETTLED = 45.0
CUT_OFF = re.compile(r"\[warning +\] TLS could not be started +error=\w+ side=UPSTREAM$")
"""What is said of a target whose line was cut in the middle of a handshake."""


class End(Enum):
    """How a step of a conversation came out for its client."""

    OK = "the answer"
    TOLD = "a word of the gateway's"
    CUT = "an answer that breaks off, and is seen to"
    GONE = "no connection any more"


Step = Callable[[], Awaitable[End]]


class Talk(ABC):
    """A conversation of one protocol, through a gateway before its target."""

    kept = 0
    """Connections to the target that may stay open for the next who asks."""

    def __init__(self, gateway: GatewayProcess) -> None:
        self.gateway = gateway
        self.port = gateway.port
        """Where its clients connect."""
        self.answered: set[str] = set()
        self._marks = 0

    def mark(self) -> str:
        self._marks += 1
        return f"m0x{self._marks}e"

    @abstractmethod
    def connected(self) -> contextlib.AbstractAsyncContextManager[Iterable[Step]]:
        """The steps, on a connection of their own. Raises ConnectionError where there is none."""

    @abstractmethod
    def ran(self) -> Iterable[tuple[str, str]]:
        """What the target wrote down."""

    @abstractmethod
    def said(self, text: str) -> str:
        """How it writes down a granted text."""


class Cut:
    """The lines, the gateway between them, the conversation."""

    def __init__(self, talk: Talk, near: Cutter, far: Cutter) -> None:
        self.talk, self.near, self.far = talk, near, far

    def hold_it(self) -> list[End]:
        """The conversation as far as it gets. Raises TimeoutError when it has no end."""
        return asyncio.run(self._hold_it())

    async def _hold_it(self) -> list[End]:
        try:
            async with asyncio.timeout(DEADLINE):
                return await self._talk()
        finally:
            await end_what_is_left()

    async def _talk(self) -> list[End]:
        ends: list[End] = []
        with contextlib.suppress(ConnectionError):
            async with self.talk.connected() as steps:
                for step in steps:
                    ends.append(await step())
                    if ends[-1] is End.GONE:
                        break
            return ends
        return [*ends, End.GONE]

    def settle(self) -> None:
        """Until nothing of a conversation is left: no connection to the target but those that are kept."""
        deadline = time.monotonic() + SETTLED
        while self.far.connections > self.talk.kept or not self.near.is_quiet:
            assert time.monotonic() < deadline, f"left: {self.near.connections}, {self.far.connections}"
            threading.Event().wait(0.02)

    def places(self, way: Way, line: Cutter, number: int, seed: int) -> list[int]:
        """So many places at which to cut one way of a line: spread over a whole conversation, and by chance."""
        ends = self.hold_it()
        assert set(ends) == {End.OK}, ends
        self.settle()
        size, chance = line.longest[way], random.Random(seed)
        spread = [size * at // (number // 2 + 1) for at in range(1, number // 2 + 1)]
        return spread + [chance.randrange(1, size) for _ in range(number - len(spread))]

    def try_at(self, line: Cutter, way: Way, after: int, *, resets: bool) -> None:
        """Cut, talk, and look whether it ended as it must."""
        line.way, line.after, line.resets = way, after, resets
        try:
            ends = self.hold_it()
        finally:
            # WHY both: a reset at the end of a conversation throws away what the client has not read yet.
            line.after, line.resets = None, False
        where = f"{'client' if line is self.near else 'target'}, {way.value}, after {after}, {resets=}"
        if line is self.far:
            # The client's own line is whole: it is never left without a word, or an answer that is seen to break off.
            assert End.GONE not in ends, (where, ends)
        self.settle()

    def check(self) -> None:
        """After all of it: everything that ran was granted and has an outcome, every session has ended, and all goes well again."""
        ends = self.hold_it()
        assert set(ends) == {End.OK}, ends
        self.settle()
        deadline = time.monotonic() + SETTLED
        while (wrong := self._wrong()) and time.monotonic() < deadline:
            threading.Event().wait(0.2)
        assert not wrong, wrong
        errors = [line for line in errors_in(self.talk.gateway.log) if not CUT_OFF.search(line)]
        assert not errors, errors

    def _wrong(self) -> list[str]:
        audit = self._audit()
        ran = list(self._ran())
        wrong = [f"not granted: {one.line}" for one in ran if not audit.has_granted(one)]
        wrong += [f"no outcome: {one.line}" for one in ran if not audit.has_finished(one)]
        wrong += [f"not known: {mark}" for mark in sorted(self.talk.answered - audit.known)]
        return wrong + ([f"sessions: {audit.sessions}"] if audit.sessions[0] != audit.sessions[1] else [])

    def _ran(self) -> Iterator[Ran]:
        """What ran. A read that was sent to a kept connection, and once more because that ended, ran once (docs/decisions/0037)."""
        seen: set[str] = set()
        for text, line in self.talk.ran():
            if text not in seen or not (self.talk.kept and text.startswith("GET ")):
                yield Ran(text, line)
            seen.add(text)

    def _audit(self) -> Audited:
        return audited(self.talk.gateway.audit, self.talk.said)


@contextlib.contextmanager
def cut_lines(talk: Talk, target: int, *files: Path) -> Iterator[Cut]:
    """Start the gateway between two lines. `files` name the target's port, and get the line's instead."""
    far = Cutter(target)
    for file in (talk.gateway.config, *files):
        text = file.read_text().replace(f"127.0.0.1:{target}", f"127.0.0.1:{far.port}")
        file.write_text(text.replace(f"[127.0.0.1]:{target}", f"[127.0.0.1]:{far.port}"))
    talk.gateway.start()
    near = Cutter(talk.gateway.port)
    talk.port = near.port
    try:
        yield Cut(talk, near, far)
    finally:
        near.close()
        talk.gateway.stop()
        far.close()
