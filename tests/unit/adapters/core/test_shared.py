"""Connections that many requests are on: when one is made, who gets a part of it, what becomes of who waits."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from adapters.core import shared
from adapters.core.carried import Done, Eased, Happening, Heard, Left, Opened, Sharing, Unserved
from adapters.core.ends import End
from adapters.core.events import Event, Side, UpstreamFailed, UpstreamUnserved
from adapters.core.ports import Target
from adapters.core.shared import DIALED, SHARED, SharedConnection, SharedConnections
from tests.certificates import Authority


@dataclass
class Ear:
    """Who is told what is heard."""

    heard: bytes = b""
    events: list[object] = field(default_factory=list)

    def take(self, event: Event) -> None:
        self.events.append(event)

    def hear(self, side: Side, data: bytes) -> None:
        self.heard += data

    def lost(self, side: Side) -> None:
        self.events.append("lost")

    def is_full(self, side: Side, full: bool) -> None:
        self.events.append(full)

    def tls_failed(self, side: Side, error: Exception) -> None:
        pass


class Lines:
    """Requests on a connection as lines: `hello` greets, `NUMBER WORD` is heard on a stream. Satisfies `carried.Calls`."""

    room = 2

    def __init__(self, is_tls: bool) -> None:
        self.is_ready = self.is_over = self.is_retiring = self.full = False
        self.count = 0
        self.open_now: set[int] = set()
        self.out: list[bytes] = []
        self.waiting: list[Happening] = []
        self.deadline: float | None = None

    @property
    def has_room(self) -> bool:
        return self.is_ready and not self.is_over and not self.is_retiring and len(self.open_now) < self.room

    @property
    def wants_sending(self) -> bool:
        return bool(self.out)

    def begin(self, now: float) -> None:
        self.out.append(b"begin\n")

    def receive(self, data: bytes, now: float) -> None:
        for line in data.split():
            word, _, number = line.decode().partition(":")
            stream = int(number or 0)
            if word == "hello":
                self.is_ready = True
            elif word == "end":
                self.is_over = True
            elif word == "late":
                self.deadline = now + 60
            elif word == "error":
                raise ValueError("a mistake of ours")
            elif word == "open":
                self.waiting.append(Opened(1))
            else:
                if word in ("done", "left", "unserved"):
                    self.open_now.discard(stream)
                made: dict[str, Happening] = {
                    "done": Done(stream),
                    "left": Left(stream),
                    "unserved": Unserved(stream),
                    "eased": Eased(stream),
                }
                self.waiting.append(made.get(word, Heard(stream, word.encode())))

    def happened(self) -> list[Happening]:
        happened, self.waiting = self.waiting, []
        return happened

    def send(self, most: int, now: float) -> bytes:
        said = b"".join(self.out)
        self.out.clear()
        return said

    def open(self) -> int:
        self.count += 1
        self.open_now.add(self.count)
        return self.count

    def lost(self) -> None:
        self.is_over = True
        self.waiting += [Left(one) for one in self.open_now]

    def answer(self, stream: int, data: bytes) -> None:
        self.out.append(b"%d " % stream + data + b"\n")

    def finish(self, stream: int, *, at_once: bool) -> None:
        self.open_now.discard(stream)

    def taken(self, stream: int, count: int) -> None: ...

    def unsent(self, stream: int) -> int:
        return 0

    def is_full(self, stream: int) -> bool:
        return self.full

    def retire(self) -> None: ...

    def tick(self, now: float) -> None: ...


class Place:
    """A target, and how connections to it are made: each socket's other side is in `theirs`."""

    def __init__(self, **target: object) -> None:
        self.target = Target("127.0.0.1", 1, "", **{"tls": False, "http2": "always", **target})  # type: ignore[arg-type]
        self.theirs: list[socket.socket] = []
        self.made: list[SharedConnection] = []
        self.counts = Counter[str]()
        self.pool = SharedConnections(Sharing("lines", Lines), lambda what: self.counts.update([what]))
        self.greeting = b"hello "
        self.is_reached = True
        self.servers: list[asyncio.Server] = []

    async def dialed(self, made: SharedConnection) -> bool:
        if not self.is_reached:
            return False
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        self.theirs.append(theirs)
        self.made.append(made)
        await asyncio.get_running_loop().create_connection(lambda: made.end, sock=ours)
        made.start()
        theirs.send(self.greeting)
        async with asyncio.timeout(60):
            await made.settled
        return True

    async def way(self) -> tuple[End | UpstreamFailed, End, Ear]:
        ear = Ear()
        end = End(ear, Side.UPSTREAM)
        async with asyncio.timeout(60):
            return await self.pool.reach("key", self.target, end, self.dialed), end, ear

    def says(self, words: bytes, number: int = 0) -> None:
        self.theirs[number].send(words)

    async def heard(self, number: int = 0) -> bytes:
        async with asyncio.timeout(60):
            return await asyncio.get_running_loop().sock_recv(self.theirs[number], 1000)

    def close(self) -> None:
        self.pool.close()
        for one in (*self.theirs, *self.servers):
            one.close()


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    made = Place()
    yield made
    made.close()
    await asyncio.sleep(0)


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.sleep(0)


async def test_the_first_has_a_connection_made_and_the_second_a_part_of_it(place: Place) -> None:
    (first, end, ear), (second, other, _) = await asyncio.gather(place.way(), place.way())
    assert (first, second, len(place.theirs), len(place.pool)) == (end, other, 1, 1)
    assert place.counts == {DIALED: 1, SHARED: 2}
    end.send(b"a")
    other.send(b"b")
    assert await place.heard() == b"begin\n"
    assert await place.heard() == b"1 a\n2 b\n", "what several say goes out together"
    place.says(b"hi:1 done:1 hi:1 ")
    await until(lambda: ear.heard)
    assert ear.heard == b"hi"
    assert ear.events == [], "who has a whole answer is told of no end"


async def test_above_its_room_another_is_made_and_above_those_who_asks_waits(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "MAX_EACH", 2)
    ways = [await place.way() for _ in range(4)]
    assert len(place.theirs) == 2
    gone, waits = asyncio.ensure_future(place.way()), asyncio.ensure_future(place.way())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waits.done()
    gone.cancel()
    place.says(b"done:1 ", 1)
    found, end, _ = await waits
    assert found is end
    assert len(place.theirs) == 2
    assert all(way is end for way, end, _ in ways)


async def test_who_waited_and_left_gives_the_turn_on(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "MAX_EACH", 1)
    for _ in range(2):
        await place.way()
    gone, waits = asyncio.ensure_future(place.way()), asyncio.ensure_future(place.way())
    for _ in range(5):
        await asyncio.sleep(0)
    place.says(b"done:1 ")
    (room,) = place.pool._places.values()
    await until(lambda: len(room.waiting) < 2)
    gone.cancel()
    found, end, _ = await waits
    assert found is end


async def test_each_end_is_told_as_it_is(place: Place) -> None:
    (_, _, left), (_, _, unserved) = await place.way(), await place.way()
    place.says(b"left:1 unserved:2 eased:9 left:9 done:9 unserved:9 x:9 ")
    await until(lambda: left.events and unserved.events)
    assert left.events == ["lost"]
    assert unserved.events == [UpstreamUnserved(), "lost"]


async def test_one_that_is_full_is_told_when_it_may_go_on(place: Place) -> None:
    _, end, ear = await place.way()
    calls = place.made[0]._calls
    assert isinstance(calls, Lines)
    calls.full = True
    end.send(b"a")
    assert ear.events == [True]
    place.says(b"eased:1 ")
    await until(lambda: len(ear.events) == 2)
    assert ear.events == [True, False]
    made = place.made[0]
    made.is_full(Side.UPSTREAM, True)
    end.send(b"b")
    for _ in range(5):
        await asyncio.sleep(0)
    assert calls.out == [b"1 b\n"], "nothing is made that the socket does not take"
    made.is_full(Side.UPSTREAM, False)
    await until(lambda: not calls.out)


@pytest.mark.parametrize("words", [b"end ", b"error ", b"open "])
async def test_what_goes_wrong_on_a_connection_ends_what_it_carries_and_the_next_has_another(
    place: Place, words: bytes
) -> None:
    _, _, ear = await place.way()
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    place.says(words)
    await until(lambda: ear.events)
    assert ear.events == ["lost"]
    assert len(place.pool) == 0
    assert (await place.way())[0]
    assert len(place.theirs) == 2
    asyncio.get_running_loop().set_exception_handler(None)


async def test_a_target_that_leaves_takes_all_with_it(place: Place) -> None:
    _, _, ear = await place.way()
    place.says(b"late ")
    place.theirs[0].close()
    await until(lambda: ear.events)
    assert ear.events == ["lost"]
    assert len(place.pool) == 0
    place.made[0]._turns.wake()
    place.made[0].lost(Side.UPSTREAM)


async def test_one_that_retires_takes_no_more_and_finishes(place: Place) -> None:
    _, _, ear = await place.way()
    calls = place.made[0]._calls
    assert isinstance(calls, Lines)
    calls.is_retiring = True
    place.says(b"hi:1 ")
    await until(lambda: ear.heard)
    assert len(place.pool) == 0
    await place.way()
    assert len(place.theirs) == 2
    assert ear.events == []
    place.pool.close()
    assert ear.events == ["lost"]


@pytest.mark.parametrize(("is_reached", "code"), [(False, "TARGET_UNREACHABLE"), (True, "NO_HTTP2")])
async def test_why_there_is_no_way(place: Place, is_reached: bool, code: str) -> None:
    place.is_reached, place.greeting = is_reached, b"end "
    found, end, _ = await place.way()
    assert isinstance(found, UpstreamFailed)
    assert found.code == code
    assert end.transport is None


def secured(place: Place, folder: Path, *speaks: str, http2: str = "auto") -> list[bytes]:
    """Let the target speak TLS, and one of these in it. What it is told."""
    authority, told = Authority(), list[bytes]()
    issued = authority.issue("shop", "dns:shop")
    (folder / "ca.pem").write_bytes(authority.pem)
    (folder / "own.pem").write_bytes(issued.certificate + issued.key)
    place.target = Target("shop", 1, "", ca_file=str(folder / "ca.pem"), http2=http2)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "own.pem")
    context.set_alpn_protocols(list(speaks))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if place.greeting:
            writer.write(place.greeting)
        with contextlib.suppress(OSError):
            told.append(await reader.read(100))
            await reader.read()
        writer.close()

    async def dialed(made: SharedConnection) -> bool:
        place.servers.append(await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context))
        place.made.append(made)
        where = place.servers[-1].sockets[0].getsockname()
        await asyncio.get_running_loop().create_connection(lambda: made.end, *where)
        made.start()
        async with asyncio.timeout(60):
            await made.settled
        return True

    place.dialed = dialed  # type: ignore[method-assign]  # another way to make them
    return told


async def test_a_target_that_chooses_to_share_in_tls_does(place: Place, tmp_path: Path) -> None:
    told = secured(place, tmp_path, "lines", "http/1.1")
    found, end, _ = await place.way()
    assert found is end
    assert end.transport is not None
    await until(lambda: told)
    assert told == [b"begin\n"]


async def test_a_target_that_does_not_gives_its_connection_to_one_and_is_not_asked_again(
    place: Place, tmp_path: Path
) -> None:
    told, place.greeting = secured(place, tmp_path, "http/1.1"), b""
    (first, own, _), (second, other, _) = await asyncio.gather(place.way(), place.way())
    assert first is place.made[0].end
    assert isinstance(first, End)
    assert own.transport is None
    assert (second, other.transport) == (other, None), "to which anybody else connects"
    third, end, _ = await place.way()
    assert (third, end.transport, len(place.made)) == (end, None, 1)
    assert place.pool.is_plain("key")
    ear = Ear()
    first.tell(ear)
    first.send(b"old words")
    await until(lambda: told)
    assert told == [b"old words"]
    place.made[0].close_unless_given()
    assert not first.is_gone
    first.drop()
    await until(lambda: first.is_gone)


async def test_a_connection_that_nobody_came_for_ends(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "UNCLAIMED_SECONDS", 0.0)
    secured(place, tmp_path, "http/1.1")
    place.greeting = b""
    asks = asyncio.ensure_future(place.way())
    await until(lambda: place.made)
    asks.cancel()
    await until(lambda: place.made[0].is_over)
    assert place.made[0].give() is None


async def test_a_target_that_has_to_share_and_does_not_is_not_reached(place: Place, tmp_path: Path) -> None:
    told, place.greeting = secured(place, tmp_path, "http/1.1", http2="always"), b""
    found, _, _ = await place.way()
    assert isinstance(found, UpstreamFailed)
    assert found.code == "NO_HTTP2"
    assert told in ([], [b""])


async def test_one_that_speaks_unasked_in_the_old_words_is_left(place: Place, tmp_path: Path) -> None:
    secured(place, tmp_path, "http/1.1")
    place.greeting = b"unasked"
    await place.way()
    await until(lambda: place.made[0].is_over)


async def test_those_that_chose_the_old_are_not_remembered_without_end(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "MAX_PLAIN", 2)
    for key in ("a", "b", "c"):
        place.pool._remember(key)
    assert [place.pool.is_plain(key) for key in ("a", "b", "c")] == [True, True, False]


def test_who_may_be_asked_to_share() -> None:
    pool = SharedConnections(Sharing("lines", Lines))
    asked = [
        pool.serves(Target("h", 1, "", tls=tls, http2=http2))
        for http2 in ("off", "auto", "always")
        for tls in (True, False)
    ]
    assert asked == [False, False, True, False, True, True]
