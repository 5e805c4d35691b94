"""Connections to targets that carry many requests at once: made once, found again, each request on a stream that stands in for a connection.

A target is asked in TLS (ALPN), or known beforehand to speak what is shared. Nothing of a request goes up before it has answered in it; one that
speaks nothing but the old is remembered for a while, and its connection goes to the first who asked. INVARIANT: who shares a
connection is the session's to say (`shared_for`); here a key is a key. What goes wrong on a connection ends it and what it carries. Called by `reaching`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import TypeAlias

import structlog

from adapters.core import events as saw
from adapters.core.carried import Calls, Done, Sharing, Unserved
from adapters.core.ends import End
from adapters.core.events import Event, Side
from adapters.core.ports import Target
from adapters.core.stream_ends import StreamTransport
from adapters.core.tls import upstream_context
from adapters.core.turns import Ended, Turns

MAX_EACH = 256
"""Connections to the same target for the same people; above, who asks waits until there is room."""
MAX_PLAIN = 1_024
PLAIN_SECONDS = 60.0
"""How long a target that did not choose to share is not asked again."""
UNCLAIMED_SECONDS = 1.0
SHARED, DIALED = "shared", "dialed"
UNREACHED = "the target cannot be reached"
NOT_SPOKEN = "the target does not speak HTTP/2"

log = structlog.get_logger(__name__)


class SharedConnection:
    """One connection to a target, and the requests on it. Satisfies `ends.Hearer`."""

    def __init__(self, sharing: Sharing, target: Target, told: Callable[[SharedConnection], None]) -> None:
        """`told` whenever there may be more room on it, or none any more."""
        self._sharing = sharing
        self._target = target
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._calls: Calls | None = None
        self._ends: dict[StreamTransport, End] = {}
        self.is_over = False
        self.settled: asyncio.Future[bool | None] = self._loop.create_future()
        """Whether it carries requests; no: the target chose what is not shared (`give`); None: it has ended."""
        self._is_given = False
        self.end = End(self, Side.UPSTREAM)
        self._turns = Turns(
            self.end, opened=self._opened, ended=self._stream_over, settle=self._settle, fail=lambda _: self.close()
        )

    def start(self) -> None:
        """The socket stands."""
        if not self._target.tls:
            self._begin()
            return
        # WHY not the old word where the new is a must: a target that has none of ours in common says so at once.
        offered = (self._sharing.name, *(() if self._target.http2 == "always" else ("http/1.1",)))
        context = upstream_context(self._target, offered)
        self.end.start_tls(context, server_side=False, server_hostname=self._target.host)

    def _begin(self) -> None:
        self._calls = self._sharing.calls(self._target.tls)
        self._turns.begin(self._calls)

    # --- from the socket

    def take(self, event: Event) -> None:
        """What happens on the socket but bytes."""
        if isinstance(event, saw.TlsStarted) and self._calls is None:
            if self.end.chosen_protocol == self._sharing.name:
                self._begin()
            elif not self.settled.done():
                self.settled.set_result(False)
        else:
            self.lost(Side.UPSTREAM)

    def hear(self, side: Side, data: bytes) -> None:
        """Bytes of the target, in clear."""
        if self._calls is None:
            # WHY the end: it was asked nothing, in whatever it speaks.
            self.close()
        else:
            self._turns.work(data)

    def lost(self, side: Side) -> None:
        """The socket is gone for good, or the target says no more."""
        if self._calls is not None and not self.is_over:
            self._calls.lost()
            self._turns.work()
        self.close()

    def is_full(self, side: Side, full: bool) -> None:
        """The socket cannot take more for now. WHY read on: a target may wait for us to do so before it reads; what it makes us say is
        bounded by whoever says it."""
        self._turns.is_full(full)

    def tls_failed(self, side: Side, error: Exception) -> None:
        """TLS does not come about."""
        log.warning("TLS could not be started", side=side.name, error=type(error).__name__)
        self.close()

    def give(self) -> End | None:
        """The end of a connection that is not shared, secured; to one who asks, and once. WHY not for long: nobody may come for it."""
        if self.is_over or self._is_given:
            return None
        self._is_given = True
        return self.end

    def close_unless_given(self) -> None:
        """End it, where nobody came for it."""
        if not self._is_given:
            self.close()

    # --- requests

    @property
    def has_room(self) -> bool:
        """Whether one request more may be begun."""
        return not self.is_over and self._calls is not None and self._calls.has_room

    @property
    def is_retiring(self) -> bool:
        """Whether it takes no more requests, ever."""
        return self.is_over or (self._calls is not None and self._calls.is_retiring)

    def carry(self, end: End) -> None:
        """Have a stream stand in for the socket of this end. Only while there is room."""
        calls = self._calls
        assert calls is not None
        number = calls.open()
        stream = self._turns.streams[number] = StreamTransport(number, calls, end, self._turns.wake)
        self._ends[stream] = end
        end.connection_made(stream)

    def _settle(self) -> None:
        if self._calls is None or self._calls.is_over:
            self.close()
            return
        if self._calls.is_ready and not self.settled.done():
            self.settled.set_result(True)
        self._told(self)

    def _opened(self, number: int) -> None:
        raise RuntimeError("a target opens a stream")

    def _stream_over(self, one: Ended, stream: StreamTransport) -> None:
        end = self._ends.pop(stream)
        if isinstance(one, Done):
            # WHY nobody is told: the answer was delivered to its end, or waits at the stream for who reads it slowly.
            return
        if isinstance(one, Unserved):
            end.unserved()
        stream.gone()

    # --- ends

    def close(self) -> None:
        """End it now, and what it carries."""
        if self.is_over:
            return
        self.is_over = True
        if not self.settled.done():
            self.settled.set_result(None)
        self._turns.close()
        self._ends.clear()
        self.end.leave(self._loop)
        self._told(self)


Dialing: TypeAlias = Callable[[SharedConnection], Awaitable[bool]]
"""Connects one to its target and waits until it has settled. Whether the target was reached."""


@dataclass(slots=True)
class _Place:
    """What is known of the connections for one key."""

    connections: list[SharedConnection] = field(default_factory=list)
    dial: asyncio.Task[SharedConnection | saw.UpstreamFailed] | None = None
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class SharedConnections:
    """Those of one listener. `count` is told of each that is made, and of each request that finds one."""

    def __init__(self, sharing: Sharing, count: Callable[[str], None] = lambda what: None) -> None:
        self._sharing = sharing
        self._count = count
        self._places: dict[Hashable, _Place] = {}
        self._plain: dict[Hashable, float] = {}
        self._retired: set[SharedConnection] = set()

    def __len__(self) -> int:
        return sum(len(place.connections) for place in self._places.values())

    def serves(self, target: Target) -> bool:
        """Whether a target may be asked to share at all."""
        return target.http2 == "always" or (target.http2 == "auto" and target.tls)

    def take(self, key: Hashable, end: End) -> bool:
        """Whether there is a connection with room: a stream of it stands behind the end now."""
        place = self._places.get(key)
        found = None if place is None else next((one for one in place.connections if one.has_room), None)
        if found is None:
            return False
        self._count(SHARED)
        found.carry(end)
        return True

    def is_plain(self, key: Hashable) -> bool:
        """Whether a target chose not to share, a short while ago."""
        return self._plain.get(key, 0.0) > asyncio.get_running_loop().time()

    async def reach(self, key: Hashable, target: Target, end: End, dialed: Dialing) -> End | saw.UpstreamFailed:
        """A way to a target that may share: the end itself, with a stream behind it; another, connected and secured, to a target that does
        not share; or, without a socket, the end to which anybody else is to connect. Or why there is none.
        """
        while not self.take(key, end):
            if self.is_plain(key):
                return end
            place = self._places.setdefault(key, _Place())
            if place.dial is None and len(place.connections) >= MAX_EACH:
                await self._room(place)
                continue
            if place.dial is None:
                place.dial = asyncio.get_running_loop().create_task(self._dial(key, place, target, dialed))
            made = await asyncio.shield(place.dial)
            if isinstance(made, saw.UpstreamFailed):
                return made
            if made.settled.result() is False:
                return made.give() or end
        return end

    async def _room(self, place: _Place) -> None:
        """Wait until there may be room."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        place.waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                _wake_one(place)
            raise

    async def _dial(
        self, key: Hashable, place: _Place, target: Target, dialed: Dialing
    ) -> SharedConnection | saw.UpstreamFailed:
        """One connection more, or why it cannot be had."""
        made = SharedConnection(self._sharing, target, lambda one: self._told(key, place, one))
        try:
            is_reached = await dialed(made)
            found = made.settled.result() if made.settled.done() else None
            if found:
                self._count(DIALED)
                place.connections.append(made)
                return made
            if found is False and target.http2 != "always":
                self._remember(key)
                asyncio.get_running_loop().call_later(UNCLAIMED_SECONDS, made.close_unless_given)
                return made
            made.close()
            return saw.UpstreamFailed(NOT_SPOKEN, "NO_HTTP2") if is_reached else saw.UpstreamFailed(UNREACHED)
        finally:
            place.dial = None
            self._tidy(key, place)

    def _remember(self, key: Hashable) -> None:
        now = asyncio.get_running_loop().time()
        if len(self._plain) >= MAX_PLAIN:
            self._plain = {one: until for one, until in self._plain.items() if until > now}
        if len(self._plain) < MAX_PLAIN:
            self._plain[key] = now + PLAIN_SECONDS

    def _told(self, key: Hashable, place: _Place, one: SharedConnection) -> None:
        if one.is_retiring and one in place.connections:
            place.connections.remove(one)
            self._retired.add(one)
        if one.is_over:
            self._retired.discard(one)
        if one.has_room or len(place.connections) < MAX_EACH:
            _wake_one(place)
        self._tidy(key, place)

    def _tidy(self, key: Hashable, place: _Place) -> None:
        if not place.connections and place.dial is None and not place.waiting:
            self._places.pop(key, None)

    def close(self) -> None:
        """End them all."""
        for place in list(self._places.values()):
            for one in list(place.connections):
                one.close()
        for one in list(self._retired):
            one.close()


def _wake_one(place: _Place) -> None:
    while place.waiting:
        turn = place.waiting.popleft()
        if not turn.done():
            turn.set_result(None)
            return
