"""Turns of a connection that carries several: what is told, in which order, and what an error in one ends."""

from __future__ import annotations

import asyncio

import pytest

from adapters.core.carried import Done, Eased, Happening, Heard, Left, Opened, Unserved
from adapters.core.ends import End
from adapters.core.events import Event, Side
from adapters.core.stream_ends import StreamTransport
from adapters.core.turns import Ended, Turns
from tests.unit.adapters.core.test_relay import Wire


class Nobody:
    """Who hears of the socket."""

    def take(self, event: Event) -> None: ...

    def hear(self, side: Side, data: bytes) -> None: ...

    def lost(self, side: Side) -> None: ...

    def is_full(self, side: Side, full: bool) -> None: ...

    def tls_failed(self, side: Side, error: Exception) -> None: ...


class Ear(asyncio.Protocol):
    """What is over a stream."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def data_received(self, data: bytes) -> None:
        self.heard.append(data)

    def resume_writing(self) -> None:
        self.heard.append("eased")

    def pause_writing(self) -> None:
        self.heard.append("full")

    def connection_lost(self, error: Exception | None) -> None:
        self.heard.append("lost")


class Scripted:
    """Says what was put in. Satisfies `carried.Driven` and `carried.Streams`."""

    def __init__(self) -> None:
        self.is_over = False
        self.deadline: float | None = None
        self.waiting: list[Happening] = []
        self.out: list[bytes] = []
        self.received: list[bytes] = []
        self.ticks = 0
        self.error: Exception | None = None

    @property
    def wants_sending(self) -> bool:
        return bool(self.out)

    def begin(self, now: float) -> None:
        self.out.append(b"hello")

    def receive(self, data: bytes, now: float) -> None:
        if self.error is not None:
            raise self.error
        self.received.append(data)

    def happened(self) -> list[Happening]:
        happened, self.waiting = self.waiting, []
        return happened

    def send(self, most: int, now: float) -> bytes:
        return self.out.pop(0)

    def retire(self) -> None: ...

    def tick(self, now: float) -> None:
        self.ticks += 1
        self.deadline = None

    def answer(self, stream: int, data: bytes) -> None:
        self.out.append(data)

    def finish(self, stream: int, *, at_once: bool) -> None: ...

    def taken(self, stream: int, count: int) -> None: ...

    def unsent(self, stream: int) -> int:
        return 0

    def is_full(self, stream: int) -> bool:
        return True


class World:
    """Turns over a wire, with one stream."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.wire = Wire()
        end = End(Nobody(), Side.CLIENT)
        end.connection_made(self.wire)
        self.driven = Scripted()
        self.turns = Turns(
            end,
            opened=lambda number: self.told.append(number),
            ended=self.ended,
            settle=lambda: self.told.append("settled"),
            fail=lambda reason: self.told.append(reason),
        )
        self.ear = Ear()
        self.stream = StreamTransport(1, self.driven, self.ear, self.turns.wake)
        self.turns.streams[1] = self.stream

    def ended(self, one: Ended, stream: StreamTransport) -> None:
        assert stream is self.stream
        self.told.append(one)

    @property
    def sent(self) -> bytes:
        return self.wire.out


async def test_a_turn_takes_tells_and_sends_until_nothing_comes_of_it() -> None:
    world = World()
    world.driven.waiting = [Opened(7), Heard(1, b"a"), Heard(9, b"x")]
    world.turns.begin(world.driven, b"first")
    await asyncio.sleep(0)
    assert world.driven.received == [b"first"]
    assert (world.told, world.ear.heard, world.sent) == ([7, "settled"], [b"a"], b"hello")
    world.stream.write(b"answer")
    world.driven.waiting = [Eased(1), Eased(9)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (world.ear.heard, world.sent) == ([b"a", "full", "eased"], b"helloanswer")


@pytest.mark.parametrize("one", [Done(1), Left(1), Unserved(1)])
async def test_a_stream_is_over_once(one: Ended) -> None:
    world = World()
    world.driven.waiting = [one, one, Heard(1, b"late")]
    world.turns.begin(world.driven)
    assert (world.told, world.turns.streams, world.ear.heard) == ([one, "settled"], {}, [])


async def test_nothing_is_made_that_the_socket_does_not_take() -> None:
    world = World()
    world.turns.is_full(True)
    world.turns.begin(world.driven)
    assert world.driven.out == [b"hello"]
    world.turns.is_full(False)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert world.driven.out == []
    assert world.sent == b"hello"


async def test_an_error_in_a_turn_ends_the_connection_and_is_not_swallowed() -> None:
    world = World()
    world.turns.begin(world.driven)
    world.driven.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        world.turns.work(b"x")
    assert world.told[-1] == "internal error"


async def test_a_turn_in_its_own_turn_is_an_error() -> None:
    world = World()
    world.turns._opened = lambda number: world.turns.work()
    world.driven.waiting = [Opened(1)]
    with pytest.raises(RuntimeError):
        world.turns.begin(world.driven)
    assert world.told == ["internal error"]


async def test_time_is_told_when_it_is_wanted_and_never_after_the_end() -> None:
    world = World()
    world.turns.work(b"before it stands")
    world.turns._tick()
    assert (world.driven.received, world.driven.ticks) == ([], 0)
    world.driven.deadline = asyncio.get_running_loop().time()
    world.turns.begin(world.driven)
    async with asyncio.timeout(5):
        while not world.driven.ticks:
            await asyncio.sleep(0)
    world.driven.deadline = asyncio.get_running_loop().time() + 60
    world.turns.work()
    world.turns.close()
    assert world.turns._timer is None
    assert world.ear.heard == ["lost"]
    world.turns.wake()
    world.turns.work(b"late")
    assert world.driven.received == []
