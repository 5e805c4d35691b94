"""Connections that wait for another request: which serve again, which do not, how many, how long."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from adapters.core import kept
from adapters.core.ends import End
from adapters.core.events import Event, Side
from adapters.core.kept import DROPPED, KEPT, REUSED, KeptConnections, is_quiet


@dataclass
class Ear:
    """Who is told what is heard."""

    heard: bytes = b""
    events: list[Event] = field(default_factory=list)

    def take(self, event: Event) -> None:
        self.events.append(event)

    def hear(self, side: Side, data: bytes) -> None:
        self.heard += data

    def lost(self, side: Side) -> None:
        pass

    def is_full(self, side: Side, full: bool) -> None:
        pass

    def tls_failed(self, side: Side, error: Exception) -> None:
        pass


TARGETS: list[socket.socket] = []
ENDS: list[End] = []


@pytest.fixture(autouse=True)
async def all_closed() -> AsyncIterator[None]:
    yield
    while ENDS:
        end = ENDS.pop()
        end.abort()
        await until_gone(end)
    while TARGETS:
        TARGETS.pop().close()


async def connected() -> tuple[End, socket.socket]:
    """An end, and the socket of its target."""
    ours, theirs = socket.socketpair()
    TARGETS.append(theirs)
    end = End(Ear(), Side.UPSTREAM)
    ENDS.append(end)
    await asyncio.get_running_loop().create_connection(lambda: end, sock=ours)
    return end, theirs


@pytest.fixture
def counts() -> Counter[str]:
    return Counter()


@pytest.fixture
def pool(counts: Counter[str]) -> KeptConnections:
    return KeptConnections(lambda what: counts.update([what]))


async def until_gone(end: End) -> None:
    async with asyncio.timeout(60):
        while not end.is_gone:
            await asyncio.sleep(0)


async def test_a_connection_serves_again_and_is_heard_by_who_took_it(
    pool: KeptConnections, counts: Counter[str]
) -> None:
    end, theirs = await connected()
    pool.put("a", end, 10)
    ear = Ear()
    assert pool.take("b", ear) is None
    assert pool.take("a", ear) is end
    assert pool.take("a", ear) is None
    end.send(b"ask")
    assert theirs.recv(10) == b"ask"
    theirs.send(b"answer")
    async with asyncio.timeout(60):
        while not ear.heard:
            await asyncio.sleep(0)
    assert ear.heard == b"answer"
    assert counts == {KEPT: 1, REUSED: 1}
    end.abort()


async def test_the_one_that_waits_shortest_is_taken_first(pool: KeptConnections) -> None:
    made = [await connected() for _ in range(3)]
    for end, _ in made:
        pool.put("a", end, 10)
    assert [pool.take("a", Ear()) for _ in range(3)] == [end for end, _ in reversed(made)]
    for end, _ in made:
        end.abort()


async def test_a_byte_that_nobody_asked_for_ends_it(pool: KeptConnections, counts: Counter[str]) -> None:
    end, theirs = await connected()
    pool.put("a", end, 10)
    theirs.send(b"x")
    await until_gone(end)
    assert pool.take("a", Ear()) is None
    assert counts == {KEPT: 1, DROPPED: 1}


async def test_a_byte_that_came_since_the_loop_last_looked_ends_it_too(pool: KeptConnections) -> None:
    end, theirs = await connected()
    pool.put("a", end, 10)
    theirs.send(b"x")
    assert pool.take("a", Ear()) is None
    await until_gone(end)


async def test_one_that_has_more_to_read_serves_nobody(pool: KeptConnections) -> None:
    end, theirs = await connected()
    theirs.send(b"x")
    pool.put("a", end, 10)
    assert pool.take("a", Ear()) is None
    assert len(pool) == 0
    await until_gone(end)


@pytest.mark.parametrize("looks", [True, False])
async def test_one_that_its_target_ended_serves_nobody(pool: KeptConnections, looks: bool) -> None:
    end, theirs = await connected()
    pool.put("a", end, 10)
    theirs.close()
    if looks:
        await until_gone(end)
        assert len(pool) == 0
    assert pool.take("a", Ear()) is None


async def test_each_waits_no_longer_than_it_was_said(pool: KeptConnections) -> None:
    end, _theirs = await connected()
    pool.put("a", end, 0.01)
    await until_gone(end)
    assert len(pool) == 0


async def test_one_that_waits_shorter_than_others_ends_before_them(pool: KeptConnections) -> None:
    made = [await connected() for _ in range(3)]
    for (end, _), seconds in zip(made, (10, 0.02, 0.01), strict=True):
        pool.put("a", end, seconds)
    await until_gone(made[2][0])
    await until_gone(made[1][0])
    assert len(pool) == 1
    assert pool.take("a", Ear()) is made[0][0]
    made[0][0].abort()
    pool.close()


async def test_none_is_kept_for_no_time_or_with_something_to_send(pool: KeptConnections) -> None:
    for seconds, out in ((0.0, b""), (10.0, b"x")):
        end, _theirs = await connected()
        end.out += [out] if out else []
        pool.put("a", end, seconds)
        assert len(pool) == 0


async def test_an_old_one_and_one_that_served_often_are_not_kept(
    pool: KeptConnections, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, _theirs = await connected()
    pool.put("a", old, 10)
    assert pool.take("a", Ear()) is old
    old.since -= kept.MAX_AGE
    pool.put("a", old, 10)
    assert len(pool) == 0
    monkeypatch.setattr(kept, "MAX_USES", 2)
    often, _its = await connected()
    pool.put("a", often, 10)
    assert pool.take("a", Ear()) is often
    pool.put("a", often, 10)
    assert len(pool) == 0


async def test_there_are_limits_for_each_and_for_all(pool: KeptConnections, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MAX_EACH", 2)
    monkeypatch.setattr(kept, "MAX_KEPT", 3)
    made = [await connected() for _ in range(5)]
    for number, (end, _) in enumerate(made):
        pool.put("ab"[number // 3], end, 10)
    assert len(pool) == 3
    await until_gone(made[0][0])
    await until_gone(made[1][0])
    assert pool.take("a", Ear()) is made[2][0]
    made[2][0].abort()
    pool.close()


async def test_after_the_end_nothing_is_kept(pool: KeptConnections) -> None:
    (first, _one), (second, _two) = await connected(), await connected()
    pool.put("a", first, 10)
    pool.close()
    pool.put("a", second, 10)
    assert len(pool) == 0
    await until_gone(first)
    await until_gone(second)


async def test_an_end_without_a_socket_is_not_quiet() -> None:
    assert not is_quiet(End(Ear(), Side.UPSTREAM))
