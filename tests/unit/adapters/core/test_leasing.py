"""What a session is told of a connection from a pool, or of none; and a relay that has one for it."""

from __future__ import annotations

import asyncio

import pytest

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.effects import Effect
from adapters.core.ends import End, Hearer
from adapters.core.events import Event, Side
from adapters.core.leasing import Leased, told_of
from adapters.core.ports import Refusal
from adapters.core.relay import Relay
from adapters.core.surroundings import Surroundings
from tests.unit.adapters.core.test_kept import Ear
from tests.unit.adapters.core.test_relay import ADMIT, Gate, Keeper, Script, Wire, settled

END = End(Ear(), Side.UPSTREAM)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (Leased(END), saw.UpstreamOpened(tls=False)),
        (Leased(END, "an estate"), saw.UpstreamLeased("an estate")),
        (Refusal("53300", "none is free"), saw.UpstreamFailed("none is free", "53300")),
    ],
)
def test_a_session_is_told_what_it_got(found: Leased | Refusal, told: Event) -> None:
    assert told_of(found) == told


class Nobody:
    """Hears nothing."""

    def take(self, event: Event) -> None: ...
    def hear(self, side: Side, data: bytes) -> None: ...
    def lost(self, side: Side) -> None: ...
    def is_full(self, side: Side, full: bool) -> None: ...
    def tls_failed(self, side: Side, error: Exception) -> None: ...


NOBODY = Nobody()


class LittlePool:
    """A pool that gives what a test says."""

    def __init__(self, found: Leased | Refusal) -> None:
        self.found = found
        self.back: list[tuple[End, object]] = []

    async def lease(self, kin: object, hearer: Hearer, told: object, session: str) -> Leased | Refusal:
        return self.found

    def put_back(self, end: End, estate: object) -> None:
        self.back.append((end, estate))


def over_a_pool(pool: LittlePool | None) -> tuple[Relay, Script]:
    def react(event: Event) -> list[Effect]:
        if isinstance(event, saw.TimePassed):
            return [ADMIT, do.LeaseUpstream("kin")]
        if isinstance(event, saw.BytesReceived):
            return [do.RecordUpstream("backend 7"), do.ReturnUpstream("estate"), do.Close("bye")]
        return []

    session = Script(react)
    relay = Relay(session, Surroundings(Keeper(), pool=pool), client_address=None)
    relay.client.connection_made(Wire())
    relay.take(saw.TimePassed())
    return relay, session


async def test_a_connection_of_a_pool_serves_and_goes_back() -> None:
    end = End(NOBODY, Side.UPSTREAM)
    end.connection_made(Wire())
    pool = LittlePool(Leased(end, "an estate"))
    relay, session = over_a_pool(pool)
    await settled()
    assert session.seen[-1] == saw.UpstreamLeased("an estate")
    relay.is_full(Side.CLIENT, True)
    relay.hear(Side.CLIENT, b"x")
    assert pool.back == [(end, "estate")]
    assert not end.is_gone
    assert not end._unread_because, "who has it next is read from"
    assert not relay._upstream.out


async def test_where_a_pool_has_none_the_session_is_told_why() -> None:
    _, session = over_a_pool(LittlePool(Refusal("53300", "none is free")))
    await settled()
    assert session.seen[-1] == saw.UpstreamFailed("none is free", "53300")


async def test_without_a_pool_a_session_has_a_connection_of_its_own() -> None:
    relay, session = over_a_pool(None)
    await asyncio.gather(*relay._tasks.running())
    assert session.seen[-1] == saw.UpstreamFailed("the target cannot be reached")
    relay.hear(Side.CLIENT, b"x")
    await settled()


async def test_a_connection_that_cannot_be_recorded_ends_the_session() -> None:
    class Unwritten(Gate):
        def reached_over(self, connection: str) -> None:
            raise OSError("the disk is full")

    end = End(NOBODY, Side.UPSTREAM)
    end.connection_made(Wire())
    pool = LittlePool(Leased(end, "an estate"))
    relay, _ = over_a_pool(pool)
    await settled()
    relay._gate = Unwritten()
    relay.hear(Side.CLIENT, b"x")
    assert pool.back == []
    assert end.transport is not None
    assert end.transport.is_closing()
