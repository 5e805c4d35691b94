"""Connections to PostgreSQL that serve one session after the other: who gets one, who waits, what is cleaned, what is ended.

    new --session--> put back --washed--> free --asked--> session ...        (`session.pooled` says what is asked, and which answers are good)

By transaction, a session puts its connection back while it goes on, when it was told that somebody waits (`session.moving`).

The pools of one process, shared by its listeners; one for each resource, address, role and database, bounded by the resource's `size`.
INVARIANT: a connection on which anything came that was not asked for, or of which anything is in doubt, is ended. A place counts until its
socket is gone or given up here. All on the loop's thread. Satisfies `adapters.core.leasing.Pool`; made by the composition root.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field

import structlog

from adapters.core.ends import End, Hearer
from adapters.core.events import Event, Side, UpstreamWanted
from adapters.core.kept import is_quiet
from adapters.core.leasing import Leased
from adapters.core.ports import Refusal
from adapters.core.reaching import Reached, is_connected
from adapters.errors import PeerProtocolError
from adapters.postgres.messages.notices import NO_TARGET, TOO_MANY
from adapters.postgres.session.pooled import (
    WASHES,
    Answers,
    Estate,
    Kin,
    Pooling,
    encode_wash,
    encode_who,
    is_as_before,
    pooling_of,
    why_unfit,
    with_news,
)

WASH_SECONDS = 5.0
"""For all answers of a connection that is cleaned."""
ASK_SECONDS = 2.0
"""For the answer of one that is about to be taken."""
MAX_USES = 1_000
"""Sessions that one connection serves: its memory grows with what it has seen."""
UNREACHABLE = Refusal(NO_TARGET, "the target cannot be reached")
_STEPS = 2**53

NEW, REUSED, RETURNED, ENDED, REFUSED = "new", "reused", "returned", "ended", "refused"

log = structlog.get_logger(__name__)


class PoolEnd(End):
    """A connection of a pool."""

    def __init__(self, hearer: Hearer, kin: Kin, over: Callable[[PoolEnd], None]) -> None:
        super().__init__(hearer, Side.UPSTREAM)
        self.kin = kin
        self.is_wanted = False
        """Whoever has it was told that somebody waits."""
        self._over = over

    def want(self) -> None:
        """Tell whoever has it that somebody waits."""
        self.is_wanted = True
        self._hearer.take(UpstreamWanted())

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._over(self)


class _Silence:
    """Who hears a connection that is free: whatever is heard ends it. Satisfies `ends.Hearer`."""

    def __init__(self, broken: Callable[[], None]) -> None:
        self._broken = broken

    def take(self, event: Event) -> None:
        self._broken()

    def hear(self, side: Side, data: bytes) -> None:
        """Bytes that nobody asked for."""
        self._broken()

    def lost(self, side: Side) -> None:
        """The target ended it."""
        self._broken()

    def is_full(self, side: Side, full: bool) -> None:
        """Nothing large is sent on it."""

    def tls_failed(self, side: Side, error: Exception) -> None:
        """It is not what it was."""
        self._broken()


class _Hearing(_Silence):
    """Who hears the answers to questions of ours. `done` has them; None: something else came, or came besides."""

    def __init__(self, count: int) -> None:
        super().__init__(self._spoil)
        self._answers = Answers(count)
        self.is_spoilt = False
        self.done: asyncio.Future[Answers | None] = asyncio.get_running_loop().create_future()

    def hear(self, side: Side, data: bytes) -> None:
        """Bytes of the answers."""
        try:
            is_whole = self._answers.feed(data)
        except PeerProtocolError:
            self._spoil()
            return
        if is_whole and not self.done.done():
            self.done.set_result(self._answers)

    def _spoil(self) -> None:
        self.is_spoilt = True
        if not self.done.done():
            self.done.set_result(None)


@dataclass(slots=True, eq=False)
class _Free:
    """A connection that waits for a session."""

    line: PoolEnd
    estate: Estate
    washed: int
    """Its wash, counted with what was asked for (`Pools._moment`)."""
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True, eq=False)
class _Room:
    """The connections of one resource, address, role and database."""

    pooling: Pooling
    lines: set[PoolEnd] = field(default_factory=set)
    """All that are open, or about to be."""
    free: list[_Free] = field(default_factory=list)
    """The one that was put back last stands last."""
    lent: dict[PoolEnd, None] = field(default_factory=dict)
    """Those of sessions that may give theirs up; the one that was lent last stands last."""
    queue: deque[asyncio.Event] = field(default_factory=deque)
    """Sessions that wait, in the order they came."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the pools of a resource stand: connections that are open, those of them that are free, sessions that wait."""

    open: int = 0
    free: int = 0
    waiting: int = 0


_Key = tuple[str, str, int, str, str | None]


class Pools:
    """Those of one process. `count` is told of each connection that is new, reused, returned, or ended between two sessions, and of each
    session that got none, by resource."""

    def __init__(self, count: Callable[[str, str], None] = lambda resource, what: None) -> None:
        self._count = count
        self._rooms: dict[_Key, _Room] = {}
        self._washing: set[asyncio.Task[None]] = set()
        self._moments = itertools.count()
        self._is_over = False

    def _moment(self) -> int:
        """A number that tells what came after what. WHY no clock: the loop's stands still while things happen."""
        return next(self._moments)

    # --- what a relay asks for

    async def lease(self, kin: Hashable, hearer: Hearer, told: Reached, session: str) -> Leased | Refusal:
        """A connection that may serve `kin`: a free one, a new one while there is room, or the next that comes free in time."""
        pooling = pooling_of(kin.target) if isinstance(kin, Kin) else None
        if not isinstance(kin, Kin) or pooling is None:
            raise TypeError("a connection was asked for where there is no pool")
        room, began = self._room(kin, pooling), self._moment()
        found = await self._turn(room, kin)
        while isinstance(found, _Free):
            # WHY not asked again: by transaction it was often washed for this very session, and washing asks the same.
            if (pooling.by_transaction and found.washed > began) or await self._is_well(found):
                found.line.tell(hearer)
                self._count(kin.resource, REUSED)
                self._lend(room, found.line)
                return Leased(found.line, found.estate)
            found = self._take(room, kin)
        if found is None:
            self._count(kin.resource, REFUSED)
            return Refusal(TOO_MANY, _all_busy(pooling))
        return await self._opened(room, found, hearer, told, session)

    def _lend(self, room: _Room, line: PoolEnd) -> None:
        line.is_wanted = False
        if room.pooling.by_transaction:
            room.lent[line] = None
            if room.queue:
                # WHY now: who began to wait while this one was not lent yet has asked nobody for it.
                line.want()

    def put_back(self, end: End, estate: object) -> None:
        """Wash a connection whose session is over; free afterwards, or ended."""
        if not isinstance(end, PoolEnd) or not isinstance(estate, Estate):
            end.forget()
            return
        end.uses += 1
        if (room := self._rooms.get(_key(end.kin))) is not None:
            room.lent.pop(end, None)
        if self._is_over or self._is_old(end) or end.out or end.unsent or not is_quiet(end):
            self._end(end, "old or in doubt")
            return
        # WHY told at once: until it is washed nobody else may hear of it, least of all the session that is over.
        task = asyncio.get_running_loop().create_task(self._wash(end, estate))
        self._washing.add(task)
        task.add_done_callback(self._washing.discard)

    # --- turns

    async def _turn(self, room: _Room, kin: Kin) -> _Free | PoolEnd | None:
        """What a session gets when its turn has come; None when that was not in time."""
        me = asyncio.Event()
        room.queue.append(me)
        try:
            async with asyncio.timeout(room.pooling.wait_seconds):
                while True:
                    # INVARIANT: nobody is overtaken; between looking and taking nothing is waited for.
                    if room.queue[0] is me and (found := self._take(room, kin)) is not None:
                        return found
                    me.clear()
                    if room.queue[0] is me:
                        self._want(room)
                    await me.wait()
        except TimeoutError:
            return None
        finally:
            room.queue.remove(me)
            self._wake(room)

    def _want(self, room: _Room) -> None:
        """Have sessions told that somebody waits, until one gave its connection up at once. Nobody is told twice of one that they have."""
        for line in [line for line in room.lent if not line.is_wanted]:
            line.want()
            if line not in room.lent:
                return

    def _take(self, room: _Room, kin: Kin) -> _Free | PoolEnd | None:
        """A free connection for `kin`, or a place for a new one, if need be that of a free one of somebody else."""
        for one in [one for one in reversed(room.free) if one.line.kin == kin]:
            self._unfree(room, one)
            if is_quiet(one.line) and not self._is_old(one.line):
                return one
            self._end(one.line, "ended by the target, or old")
        if len(room.lines) >= room.pooling.size and room.free:
            oldest = room.free[0]
            self._unfree(room, oldest)
            self._end(oldest.line, "made room")
        if self._is_over or len(room.lines) >= room.pooling.size:
            return None
        line = PoolEnd(_Silence(lambda: None), kin, self._lost)
        room.lines.add(line)
        # WHY again: it was forgotten if the last of its connections ended just now.
        self._rooms.setdefault(_key(kin), room)
        return line

    async def _opened(
        self, room: _Room, line: PoolEnd, hearer: Hearer, told: Reached, session: str
    ) -> Leased | Refusal:
        line.tell(hearer)
        is_reached = False
        try:
            is_reached = await is_connected(line.kin.target, line, told, session)
        finally:
            # WHY here: whoever wanted it may have gone meanwhile.
            if not is_reached:
                self._end(line, "not reached, or not wanted any more")
        if not is_reached:
            return UNREACHABLE
        line.since = asyncio.get_running_loop().time()
        self._count(line.kin.resource, NEW)
        self._lend(room, line)
        return Leased(line)

    # --- questions between two sessions

    async def _ask(self, line: PoolEnd, questions: bytes, count: int, seconds: float) -> Answers | None:
        """The answers to questions, if they are all that came, and in time."""
        hearing = _Hearing(count)
        line.tell(hearing)
        line.send(questions)
        try:
            async with asyncio.timeout(seconds):
                answers = await hearing.done
        except TimeoutError:
            return None
        return None if hearing.is_spoilt or not is_quiet(line) else answers

    async def _is_well(self, one: _Free) -> bool:
        """Whether a free connection is alive, and what a new one would be. One that is not is ended."""
        is_well = False
        try:
            answers = await self._ask(one.line, encode_who(), 1, ASK_SECONDS)
            if answers is not None and is_as_before(one.estate, answers):
                one.estate, is_well = with_news(one.estate, answers), True
        finally:
            if not is_well:
                self._end(one.line, "dead, another than it was, or not wanted any more")
        return is_well

    async def _wash(self, line: PoolEnd, estate: Estate) -> None:
        moment = self._moment()
        seed = secrets.randbelow(_STEPS) / _STEPS * 2 - 1
        why: str | None = "unanswered"
        try:
            answers = await self._ask(line, encode_wash(estate.statuses, seed), WASHES, WASH_SECONDS)
            if answers is not None:
                why, estate = why_unfit(estate, answers), with_news(estate, answers)
        finally:
            if why is not None:
                self._end(line, why)
        if why is None:
            self._set_free(line, estate, moment)

    def _set_free(self, line: PoolEnd, estate: Estate, washed: int) -> None:
        room = self._rooms.get(_key(line.kin))
        if room is None or self._is_over or line not in room.lines or len(room.lines) > room.pooling.size:
            self._end(line, "one too many")
            return
        loop = asyncio.get_running_loop()
        one = _Free(line, estate, washed)
        line.tell(_Silence(lambda: self._broken(room, one)))
        left = line.since + room.pooling.lifetime_seconds - loop.time()
        one.timer = loop.call_later(max(0.0, min(room.pooling.idle_seconds, left)), self._broken, room, one)
        room.free.append(one)
        self._count(line.kin.resource, RETURNED)
        self._wake(room)

    # --- the end

    def _broken(self, room: _Room, one: _Free) -> None:
        """A free connection is free no more."""
        if one in room.free:
            self._unfree(room, one)
            self._end(one.line, "idle, old, or the target spoke")

    def _unfree(self, room: _Room, one: _Free) -> None:
        room.free.remove(one)
        if one.timer is not None:
            one.timer.cancel()

    def _end(self, line: PoolEnd, why: str) -> None:
        """End a connection that no session has. `why` is for the log alone."""
        log.debug("a pooled connection ends", resource=line.kin.resource, why=why)
        self._count(line.kin.resource, ENDED)
        line.forget()
        self._lost(line)

    def _lost(self, line: PoolEnd) -> None:
        """A place is free again. A second call changes nothing."""
        key = _key(line.kin)
        room = self._rooms.get(key)
        if room is None or line not in room.lines:
            return
        room.lines.discard(line)
        room.lent.pop(line, None)
        self._wake(room)
        if not room.lines and not room.queue:
            del self._rooms[key]

    def _wake(self, room: _Room) -> None:
        if room.queue:
            room.queue[0].set()

    def _is_old(self, line: PoolEnd) -> bool:
        pooling = pooling_of(line.kin.target)
        most = 0.0 if pooling is None else pooling.lifetime_seconds
        return line.uses >= MAX_USES or asyncio.get_running_loop().time() - line.since >= most

    async def close(self) -> None:
        """End all that are between two sessions, and keep none from now on."""
        self._is_over = True
        for room in list(self._rooms.values()):
            for one in list(room.free):
                self._broken(room, one)
        for task in list(self._washing):
            task.cancel()
        await asyncio.gather(*self._washing, return_exceptions=True)

    # --- how it stands

    def _room(self, kin: Kin, pooling: Pooling) -> _Room:
        room = self._rooms.setdefault(_key(kin), _Room(pooling))
        room.pooling = pooling  # WHY each time: the configuration may have been read again
        return room

    def standing(self) -> Mapping[str, Standing]:
        """How the pools stand, by resource. Safe from any thread."""
        found: dict[str, Standing] = {}
        for key, room in list(self._rooms.items()):
            before = found.get(key[0], Standing())
            found[key[0]] = Standing(
                before.open + len(room.lines), before.free + len(room.free), before.waiting + len(room.queue)
            )
        return found


def _key(kin: Kin) -> _Key:
    target = kin.target
    return kin.resource, target.host, target.port, target.user, target.database


def _all_busy(pooling: Pooling) -> str:
    return (
        f"all {pooling.size} connections of this resource's pool are in use, and none came free within "
        f"{pooling.wait_seconds:g} s; try again"
    )
