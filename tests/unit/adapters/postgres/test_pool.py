"""Who gets a connection, who waits, what is washed, what is ended. Real loop, loopback sockets; the server says what a test wants."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace

import pytest

from adapters.core.ends import End
from adapters.core.events import Event, Side, UpstreamWanted
from adapters.core.leasing import Leased
from adapters.core.ports import Refusal, Target
from adapters.postgres import pool as module
from adapters.postgres.pool import UNREACHABLE, PoolEnd, Pools, Standing
from adapters.postgres.session.pooled import Estate, Kin, Pooling
from tests.wire import described, error, message, ready, row, tag

ONE = Pooling(1, wait_seconds=5.0)
LEASED: list[End] = []
WHO = ("app", "app", "attributes", None, "5,t,t", "0")


def one(*cells: str | None) -> bytes:
    return described("a") + row(*cells) + tag("SELECT 1") + ready()


def good(text: bytes) -> bytes:
    """What a server says on which nothing was left."""
    if text.startswith(b"DISCARD"):
        return tag("DISCARD ALL") + ready()
    if b"setseed" in text:
        return one("")
    return one(*WHO) if b"session_user" in text else one("0", "0", None)


@dataclass
class Server:
    """Answers each query as `say` has it; None: not at all."""

    say: Callable[[bytes], bytes | None] = good
    port: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readexactly(5)
                text = await reader.readexactly(int.from_bytes(head[1:], "big") - 4)
                self.heard.append(text)
                answer = self.say(text)
                if answer is not None:
                    writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@dataclass
class Ear:
    """Whose session it is."""

    heard: bytes = b""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, event: Event) -> None:
        self.ended.set()

    def hear(self, side: Side, data: bytes) -> None:
        self.heard += data

    def lost(self, side: Side) -> None:
        self.ended.set()

    def is_full(self, side: Side, full: bool) -> None:
        pass

    def tls_failed(self, side: Side, error: Exception) -> None:
        pass


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    yield made
    listening.close()
    for writer in made.writers:
        writer.transport.abort()
    await asyncio.gather(*(writer.wait_closed() for writer in made.writers), return_exceptions=True)


@pytest.fixture
def counts() -> Counter[str]:
    return Counter()


@pytest.fixture
async def pools(counts: Counter[str]) -> AsyncIterator[Pools]:
    made = Pools(lambda resource, what: counts.update([what]))
    yield made
    await made.close()
    for end in LEASED:
        end.forget()
    await until(lambda: all(end.is_gone for end in LEASED))
    LEASED.clear()


def kin_of(server: Server, pooling: Pooling = ONE, **more: str) -> Kin:
    target = Target("127.0.0.1", server.port, "app", "secret", "main", tls=False, own=pooling)
    return Kin("main", target, tuple(more.items()))


ESTATE = Estate(
    b"\0\0\0\7key!", {"server_version": "15.20"}, tuple(None if cell is None else cell.encode() for cell in WHO)
)


async def leased(pools: Pools, kin: Kin, ear: Ear | None = None) -> Leased:
    found = await pools.lease(kin, ear or Ear(), lambda session, seconds, is_reached: None, "s-1")
    assert isinstance(found, Leased), found
    LEASED.append(found.end)
    return found


async def returned(pools: Pools, end: End, estate: Estate = ESTATE) -> None:
    """Put back, and washed or ended."""
    pools.put_back(end, estate)
    await asyncio.gather(*pools._washing, return_exceptions=True)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.sleep(0)


async def test_a_connection_is_new_then_washed_then_serves_the_next(
    pools: Pools, server: Server, counts: Counter[str]
) -> None:
    first = await leased(pools, kin_of(server))
    assert first.estate is None
    assert pools.standing() == {"main": Standing(1, 0, 0)}
    await returned(pools, first.end)
    assert pools.standing() == {"main": Standing(1, 1, 0)}
    ear = Ear()
    second = await leased(pools, kin_of(server), ear)
    assert second.end is first.end
    assert second.estate == ESTATE
    assert [text.split()[0] for text in server.heard] == [b"DISCARD", b"SELECT", b"SELECT", b"SELECT", b"SELECT"]
    assert counts == {"new": 1, "returned": 1, "reused": 1}
    server.writers[0].write(b"for the second")
    await until(lambda: ear.heard == b"for the second")


async def test_every_wash_has_another_seed(pools: Pools, server: Server) -> None:
    for _ in range(2):
        await returned(pools, (await leased(pools, kin_of(server))).end)
    seeds = [text for text in server.heard if b"setseed" in text]
    assert len(seeds) == len(set(seeds)) == 2


@pytest.mark.parametrize(
    "said",
    [
        lambda text: error("25001") + ready() if b"DISCARD" in text else good(text),
        lambda text: one("0", "1", None) if b"slots" in text else good(text),
        lambda text: one("app", "other", *WHO[2:]) if b"session_user" in text else good(text),
        lambda text: good(text) + message("A", bytes(6)) if b"slots" in text else good(text),
        lambda text: None,
    ],
    ids=["an error", "a slot", "another role", "a word too many", "silence"],
)
async def test_what_is_not_washed_well_serves_nobody(
    pools: Pools, server: Server, monkeypatch: pytest.MonkeyPatch, said: Callable[[bytes], bytes | None]
) -> None:
    monkeypatch.setattr(module, "WASH_SECONDS", 0.05)
    server.say = said
    first = await leased(pools, kin_of(server))
    await returned(pools, first.end)
    assert pools.standing() == {}
    assert (await leased(pools, kin_of(server))).end is not first.end


@pytest.mark.parametrize("say", [lambda text: None, lambda text: one("app", "app", "other attributes", *WHO[3:])])
async def test_one_that_is_dead_or_another_is_replaced_before_anybody_has_it(
    pools: Pools, server: Server, monkeypatch: pytest.MonkeyPatch, say: Callable[[bytes], bytes | None]
) -> None:
    monkeypatch.setattr(module, "ASK_SECONDS", 0.05)
    first = await leased(pools, kin_of(server))
    await returned(pools, first.end)
    server.say = say
    second = await leased(pools, kin_of(server))
    assert second.end is not first.end
    assert second.estate is None
    assert pools.standing() == {"main": Standing(1, 0, 0)}


async def test_what_comes_while_it_is_free_ends_it(pools: Pools, server: Server) -> None:
    for disturb in (lambda writer: writer.write(b"N"), lambda writer: writer.close()):
        await returned(pools, (await leased(pools, kin_of(server))).end)
        assert pools.standing()["main"].free == 1
        disturb(server.writers[-1])
        await until(lambda: pools.standing() == {})


async def test_news_that_come_with_an_answer_are_told_to_the_next(pools: Pools, server: Server) -> None:
    server.say = lambda text: message("S", b"TimeZone\0UTC\0") + good(text)
    await returned(pools, (await leased(pools, kin_of(server))).end)
    estate = (await leased(pools, kin_of(server))).estate
    assert isinstance(estate, Estate)
    assert estate.statuses["TimeZone"] == "UTC"


async def test_a_free_one_of_others_makes_room_and_never_serves(pools: Pools, server: Server) -> None:
    first = await leased(pools, kin_of(server, application_name="a"))
    await returned(pools, first.end)
    second = await leased(pools, kin_of(server, application_name="b"))
    assert second.end is not first.end
    assert first.end.is_gone or first.end.transport is None or first.end.transport.is_closing()
    assert pools.standing() == {"main": Standing(1, 0, 0)}


async def test_other_credentials_are_other_kin(pools: Pools, server: Server) -> None:
    kin = kin_of(server, Pooling(2))
    first = await leased(pools, kin)
    await returned(pools, first.end)
    rotated = replace(kin, target=replace(kin.target, password="rotated"))
    assert (await leased(pools, rotated)).end is not first.end


async def test_who_finds_none_in_time_is_refused_in_words(pools: Pools, server: Server, counts: Counter[str]) -> None:
    kin = kin_of(server, Pooling(1, wait_seconds=0.05))
    await leased(pools, kin)
    found = await pools.lease(kin, Ear(), lambda *told: None, "s-2")
    assert isinstance(found, Refusal)
    assert (found.code, "all 1 connections" in found.message) == ("53300", True)
    assert counts["refused"] == 1
    assert pools.standing() == {"main": Standing(1, 0, 0)}


async def test_who_waits_is_served_in_turn(pools: Pools, server: Server) -> None:
    kin, order = kin_of(server), list[int]()

    async def wait(number: int) -> None:
        found = await leased(pools, kin)
        order.append(number)
        await returned(pools, found.end)

    first = await leased(pools, kin)
    waiting = [asyncio.create_task(wait(number)) for number in range(4)]
    await until(lambda: pools.standing()["main"].waiting == 4)
    waiting[1].cancel()
    await returned(pools, first.end)
    await asyncio.gather(*waiting, return_exceptions=True)
    assert order == [0, 2, 3]
    assert pools.standing() == {"main": Standing(1, 1, 0)}


async def test_a_place_comes_free_when_a_session_ends_its_connection(pools: Pools, server: Server) -> None:
    first = await leased(pools, kin_of(server))
    waiting = asyncio.create_task(leased(pools, kin_of(server)))
    await until(lambda: pools.standing()["main"].waiting == 1)
    first.end.drop()
    assert (await waiting).end is not first.end


async def test_who_goes_while_a_connection_is_asked_for_them_takes_it_along(
    pools: Pools, server: Server, counts: Counter[str]
) -> None:
    await returned(pools, (await leased(pools, kin_of(server))).end)
    server.say = lambda text: None
    going = asyncio.create_task(leased(pools, kin_of(server)))
    await until(lambda: len(server.heard) == 5)
    going.cancel()
    await asyncio.gather(going, return_exceptions=True)
    assert pools.standing() == {}
    assert counts["ended"] == 1


async def test_a_target_that_cannot_be_reached_holds_no_place(pools: Pools) -> None:
    nowhere = Server(port=1)
    found = await pools.lease(kin_of(nowhere), Ear(), lambda *told: None, "s-1")
    assert found == UNREACHABLE
    assert pools.standing() == {}


@pytest.mark.parametrize("pooling", [Pooling(1, idle_seconds=0.01), Pooling(1, lifetime_seconds=0.3)])
async def test_one_that_is_idle_or_old_ends(pools: Pools, server: Server, pooling: Pooling) -> None:
    await returned(pools, (await leased(pools, kin_of(server, pooling))).end)
    await until(lambda: pools.standing() == {})


@pytest.mark.parametrize("spoil", ["uses", "since", "out", "foreign"])
async def test_what_is_in_doubt_is_not_even_washed(pools: Pools, server: Server, spoil: str) -> None:
    end = (await leased(pools, kin_of(server))).end
    assert isinstance(end, PoolEnd)
    if spoil == "uses":
        end.uses = module.MAX_USES
    elif spoil == "since":
        end.since -= 4_000
    elif spoil == "out":
        end.out.append(b"Q")
    await returned(pools, end, "no estate" if spoil == "foreign" else ESTATE)  # type: ignore[arg-type]  # that is the point
    await until(lambda: pools.standing() == {})
    assert server.heard == []


async def test_a_closed_pool_keeps_nothing(pools: Pools, server: Server) -> None:
    kin = kin_of(server, Pooling(3))
    free, washing, busy = [await leased(pools, kin) for _ in range(3)]
    await returned(pools, free.end)
    server.say = lambda text: None
    pools.put_back(washing.end, ESTATE)
    await until(lambda: len(server.heard) == 8)
    await pools.close()
    assert pools.standing() == {"main": Standing(1, 0, 0)}
    await returned(pools, busy.end)
    assert pools.standing() == {}


async def test_a_smaller_size_counts_at_once(pools: Pools, server: Server) -> None:
    large, small = kin_of(server, Pooling(2)), kin_of(server, Pooling(1, wait_seconds=0.01))
    first, second = await leased(pools, large), await leased(pools, large)
    assert isinstance(await pools.lease(small, Ear(), lambda *told: None, "s-3"), Refusal)
    await returned(pools, first.end)
    assert pools.standing() == {"main": Standing(1, 0, 0)}
    await returned(pools, second.end)
    assert pools.standing() == {"main": Standing(1, 1, 0)}


async def test_only_where_there_is_a_pool_is_there_something_to_lease(pools: Pools, server: Server) -> None:
    kin = kin_of(server)
    for wrong in ("no kin", replace(kin, target=replace(kin.target, own=None))):
        with pytest.raises(TypeError):
            await pools.lease(wrong, Ear(), lambda *told: None, "s-1")


# --- by transaction

BY_TRANSACTION = Pooling(1, wait_seconds=5.0, by_transaction=True)


@dataclass
class Giving(Ear):
    """A session that gives its connection up when it is told to, as long as it stands between two transactions."""

    pools: Pools | None = None
    end: End | None = None
    is_between: bool = True
    told: int = 0

    def take(self, event: Event) -> None:
        self.told += isinstance(event, UpstreamWanted)
        self.give()

    def give(self) -> None:
        if self.told and self.is_between and self.pools is not None and self.end is not None:
            self.pools.put_back(self.end, ESTATE)
            self.pools = None


async def giving(pools: Pools, kin: Kin, *, is_between: bool = True) -> Giving:
    made = Giving(pools=pools, is_between=is_between)
    made.end = (await leased(pools, kin, made)).end
    made.give()
    return made


async def test_who_waits_has_a_session_give_its_connection_up_washed(pools: Pools, server: Server) -> None:
    first = await giving(pools, kin_of(server, BY_TRANSACTION))
    second = await giving(pools, kin_of(server, BY_TRANSACTION))
    assert (second.end is first.end, first.told, second.told) == (True, 1, 0)
    # Washed since it was asked for: it is not asked once more.
    assert [text.split()[0] for text in server.heard] == [b"DISCARD", b"SELECT", b"SELECT", b"SELECT"]


async def test_one_that_was_washed_before_it_was_asked_for_is_asked_once_more(pools: Pools, server: Server) -> None:
    first = await giving(pools, kin_of(server, BY_TRANSACTION))
    assert first.end is not None
    await returned(pools, first.end)
    assert len(server.heard) == 4
    await giving(pools, kin_of(server, BY_TRANSACTION))
    assert len(server.heard) == 5


async def test_one_gives_and_the_others_are_left_alone(pools: Pools, server: Server) -> None:
    kin = kin_of(server, replace(BY_TRANSACTION, size=3))
    busy, *others = [await giving(pools, kin, is_between=number != 0) for number in range(3)]
    await giving(pools, kin)
    assert [one.told for one in (busy, *others)] == [1, 1, 0]


async def test_who_could_not_is_not_asked_again_before_it_has_another(pools: Pools, server: Server) -> None:
    kin = kin_of(server, BY_TRANSACTION)
    busy = await giving(pools, kin, is_between=False)
    waiting = [asyncio.create_task(giving(pools, kin)) for _ in range(2)]
    await until(lambda: busy.told == 1 and pools.standing()["main"].waiting == 2)
    assert busy.end is not None
    pools.put_back(busy.end, ESTATE)
    first, second = await asyncio.gather(*waiting)
    assert busy.told == 1
    # Who got it while somebody waited was told so at once.
    assert first.told + second.told == 1


async def test_who_waited_while_it_was_opened_is_not_forgotten(pools: Pools, server: Server) -> None:
    kin = kin_of(server, BY_TRANSACTION)
    opening = asyncio.create_task(giving(pools, kin, is_between=False))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(giving(pools, kin))
    busy = await opening
    await until(lambda: busy.told == 1)
    assert busy.end is not None
    pools.put_back(busy.end, ESTATE)
    assert (await waiting).end is busy.end


async def test_one_that_is_not_washed_well_is_replaced(pools: Pools, server: Server) -> None:
    first = await giving(pools, kin_of(server, BY_TRANSACTION))
    server.say = lambda text: one("0", "1", None) if b"slots" in text else good(text)
    second = await giving(pools, kin_of(server, BY_TRANSACTION))
    assert second.end is not first.end
    assert pools.standing() == {"main": Standing(1, 0, 0)}


async def test_by_session_nobody_is_asked(pools: Pools, server: Server) -> None:
    kin = kin_of(server, Pooling(1, wait_seconds=0.05))
    first = await giving(pools, kin)
    assert isinstance(await pools.lease(kin, Ear(), lambda *told: None, "s-2"), Refusal)
    assert first.told == 0
