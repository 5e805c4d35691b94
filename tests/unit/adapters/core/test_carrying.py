"""A carrier with a toy of a protocol: lines `N:text`, `N.` when a client leaves a stream; answers in the same lines."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

import pytest

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.carried import Carriage, Done, Happening, Heard, Left, Opened
from adapters.core.carrying import MAX_RELAYS, Carrier
from adapters.core.effects import Effect
from adapters.core.events import Event, Side
from adapters.core.ports import Answer, Cause, Ending, Question
from adapters.core.surroundings import Surroundings
from engine.decision import Decision, Verdict
from tests.unit.adapters.core.test_relay import ADMIT, Keeper, Script, Wire, settled

HELLO = b"HELLO\n"


class Toy:
    """Carries lines."""

    def __init__(self) -> None:
        self.is_over = self.is_retired = self.was_full = False
        self.deadline: float | None = None
        self.ticks = 0
        self._happened: list[Happening] = []
        self._out: list[bytes] = []
        self._open: set[int] = set()
        self.used: list[tuple[int, int]] = []

    @property
    def wants_sending(self) -> bool:
        return bool(self._out)

    def begin(self, now: float) -> None:
        self._out.append(b"hello\n")

    def receive(self, data: bytes, now: float) -> None:
        for line in data.removeprefix(HELLO).splitlines():
            if line == b"broken":
                raise ZeroDivisionError
            number = int(line[:1])
            if line[1:] == b".":
                self._open.discard(number)
                self._happened.append(Left(number))
                continue
            if number not in self._open:
                self._open.add(number)
                self._happened.append(Opened(number))
            self._happened.append(Heard(number, line[2:]))

    def happened(self) -> list[Happening]:
        happened, self._happened = self._happened, []
        return happened

    def send(self, most: int, now: float) -> bytes:
        return self._out.pop(0)

    def answer(self, stream: int, data: bytes) -> None:
        self._out.append(b"%d:%b\n" % (stream, data))
        if data.endswith(b"!"):
            self._happened.append(Done(stream))

    def finish(self, stream: int, *, at_once: bool) -> None:
        self._out.append(b"%d.\n" % stream)
        self._happened.append(Left(stream))

    def taken(self, stream: int, count: int) -> None:
        self.used.append((stream, count))

    def unsent(self, stream: int) -> int:
        return 0

    def is_full(self, stream: int) -> bool:
        return False

    def retire(self) -> None:
        self.is_retired = True
        self._out.append(b"bye\n")

    def tick(self, now: float) -> None:
        self.ticks += 1
        self.is_over = True


class World:
    """A carrier on a wire, whose sessions react as is written down."""

    def __init__(self, react: Callable[[Event], list[Effect]], tls: ssl.SSLContext | None = None) -> None:
        self.toy = Toy()
        self.record: Callable[[bytes, str], str] | None = None
        self.sessions: list[Script] = []
        self.keeper = Keeper()
        self.finished: list[Carrier] = []

        def multiplexer(record: Callable[[bytes, str], str]) -> Toy:
            self.record = record
            return self.toy

        def session() -> Script:
            self.sessions.append(Script(react))
            return self.sessions[-1]

        carriage = Carriage("toy", HELLO, True, "test", multiplexer)
        surroundings = Surroundings(self.keeper, client_tls=tls)
        self.carrier = Carrier(carriage, session, surroundings, client_address=None, finished=self.finished.append)
        self.wire = Wire()
        self.carrier.client.connection_made(self.wire)
        self.carrier.take(saw.TimePassed())

    def client(self, data: bytes) -> None:
        self.carrier.client.data_received(data)

    def texts(self, number: int) -> list[bytes]:
        return [one.data for one in self.sessions[number].seen if isinstance(one, saw.BytesReceived)]


def shouting(event: Event) -> list[Effect]:
    match event:
        case saw.TimePassed():
            return [ADMIT]
        case saw.BytesReceived(Side.CLIENT, data):
            return [do.Send(Side.CLIENT, data.upper())]
        case saw.EndReceived(Side.CLIENT):
            return [do.Close("gone")]
        case saw.StopRequested():
            return [do.Close("stopped")]
        case _:
            return []


async def test_each_stream_is_driven_by_a_relay_of_its_own() -> None:
    world = World(shouting)
    world.client(HELLO + b"1:a\n2:b\n1:c\n")
    await settled()
    assert world.wire.out == b"hello\n1:A\n2:B\n1:C\n"
    assert (world.texts(0), world.texts(1)) == ([b"a", b"c"], [b"b"])
    assert world.toy.used == [(1, 1), (2, 1), (1, 1)]
    assert len(world.keeper.admitted) == 1, "one login for both"


async def test_the_preface_may_come_in_pieces() -> None:
    world = World(shouting)
    for at in range(len(HELLO)):
        world.client(HELLO[at : at + 1])
    assert world.wire.out == b"hello\n"


async def test_who_says_something_else_is_a_client_like_any_other() -> None:
    world = World(shouting)
    world.client(b"HE")
    world.client(b"Y\n")
    world.client(b"more")
    assert world.wire.out == b"HEY\nMORE"
    assert len(world.sessions) == 1
    world.carrier.stop("over")
    assert world.wire.closing
    world.carrier.client.connection_lost(None)
    assert world.finished == [world.carrier]
    assert world.carrier.closed.is_set()


async def test_a_stream_that_is_answered_or_left_ends_its_relay_and_no_other() -> None:
    world = World(shouting)
    world.client(HELLO + b"1:a!\n2:b\n3:c\n")
    await settled()
    world.client(b"3.\n2:d\n")
    await settled()
    assert [isinstance(one.seen[-1], saw.EndReceived) for one in world.sessions] == [True, False, True]
    assert world.wire.out == b"hello\n1:A!\n2:B\n3:C\n2:D\n"
    assert len(world.carrier._relays) == 1
    world.client(b"9.\n")


async def test_a_session_that_ends_ends_its_stream() -> None:
    world = World(lambda event: [do.Close("no")] if isinstance(event, saw.BytesReceived) else [])
    world.client(HELLO + b"1:a\n")
    await settled()
    assert world.wire.out == b"hello\n1.\n"
    assert not world.carrier._relays
    assert not world.wire.closing


async def test_an_error_ends_the_connection_and_everything_on_it() -> None:
    world = World(shouting)
    world.client(HELLO + b"1:a\n")
    with pytest.raises(ZeroDivisionError):
        world.client(b"broken\n")
    assert world.wire.closing
    assert isinstance(world.sessions[0].seen[-1], saw.EndReceived)
    world.client(b"1:b\n")
    assert world.texts(0) == [b"a"]


async def test_a_session_that_fails_ends_its_stream_alone() -> None:
    def failing(event: Event) -> list[Effect]:
        if isinstance(event, saw.BytesReceived) and event.data == b"x":
            raise ZeroDivisionError
        return shouting(event)

    world = World(failing)
    world.client(HELLO + b"1:x\n2:b\n")
    await settled()
    assert b"2:B\n" in world.wire.out
    assert b"1:" not in world.wire.out
    assert not world.wire.closing


async def test_a_client_that_takes_no_answers_is_not_read() -> None:
    world = World(shouting)
    world.client(HELLO)
    world.carrier.client.pause_writing()
    assert world.wire.log[-1] == "pause"
    world.client(b"1:a\n")
    await settled()
    assert world.wire.out == b"hello\n"
    world.carrier.client.resume_writing()
    await settled()
    assert world.wire.log[-2:] == ["resume", "write"]
    assert world.wire.out == b"hello\n1:A\n"


async def test_a_drained_connection_takes_no_new_streams_and_its_sessions_are_asked_to_end() -> None:
    world = World(shouting)
    world.client(HELLO + b"1:a\n")
    world.carrier.stop("shutting down")
    await settled()
    assert world.toy.is_retired
    assert saw.StopRequested("shutting down", Cause.DRAIN) in world.sessions[0].seen
    world.toy.is_over = True
    world.carrier._turns.wake()
    await settled()
    assert world.wire.closing


async def test_a_login_that_is_ended_retires_the_connection() -> None:
    world = World(shouting)
    world.client(HELLO + b"1:a\n")
    world.keeper.gate.connection.end(Ending(Cause.KILLED, "no more"))
    await settled()
    assert world.toy.is_retired
    assert saw.StopRequested("no more", Cause.KILLED) in world.sessions[0].seen


async def test_before_anything_is_said_a_stop_ends_the_connection() -> None:
    world = World(shouting)
    world.carrier.stop("shutting down")
    assert world.wire.closing
    other = World(shouting)
    other.carrier.cut("now")
    assert other.wire.closing


async def test_a_client_that_leaves_ends_everything() -> None:
    world = World(shouting)
    world.client(HELLO + b"1:a\n")
    world.carrier.client.eof_received()
    assert world.wire.closing
    world.carrier.client.connection_lost(None)
    assert world.carrier.closed.is_set()
    assert isinstance(world.sessions[0].seen[-1], saw.EndReceived)
    assert world.keeper.gate.calls[-1] == "close"


async def test_time_is_told_when_it_is_wanted() -> None:
    world = World(shouting)
    world.toy.deadline = asyncio.get_running_loop().time()
    world.client(HELLO)
    for _ in range(100):
        if world.toy.ticks:
            break
        await asyncio.sleep(0.001)
    assert world.toy.ticks == 1
    assert world.wire.closing


async def test_more_relays_than_there_may_be_end_the_connection() -> None:
    world = World(shouting)
    world.client(HELLO)
    world.carrier._relays |= {object() for _ in range(MAX_RELAYS)}  # type: ignore[misc]
    with pytest.raises(AttributeError):
        world.client(b"1:a\n")
    assert world.carrier._closing is not None


async def test_a_refusal_is_written_for_who_is_signed_in() -> None:
    world = World(shouting)
    world.client(HELLO)
    assert world.record is not None
    assert world.record(b"x", "why") == "", "nobody is"
    world.client(b"1:a\n")
    told: list[tuple[bytes, str]] = []

    def refuse(question: Question, reason: str) -> Answer:
        told.append((question.text, reason))
        return Answer(Decision(Verdict.DENY, None), "d-9")

    setattr(world.keeper.gate, "refuse", refuse)  # noqa: B010
    assert world.record(b"x", "why") == "d-9"
    assert told == [(b"x", "why")]


async def test_tls_that_fails_ends_the_connection() -> None:
    world = World(shouting, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    world.client(b"no TLS at all")
    assert world.wire.closing
    assert world.sessions == []
