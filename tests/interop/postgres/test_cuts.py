"""The line is cut, on either side of the gateway, at every message and at random bytes.

Whatever was going on: the client has an end within its deadline and can read why if it still listens, nothing went up
that was not decided, what was allowed has an outcome, and no connection to the server is left.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.cutter import Cutter, Way
from tests.interop.postgres.client import Raw
from tests.interop.postgres.running import Gateway, Server
from tests.wire import bind, describe, execute, message, parse, query

GOODBYES = ("08006", "57P01", "08004", "08P01")
OUR_OWN = (b"BEGIN", b"COMMIT", b"ROLLBACK", b")sallyport_denied")

DIALOGUE: tuple[tuple[bytes, ...], ...] = (
    (query("select 1, 'a'"),),
    (query("select c, a from cut /*mask*/"),),
    (query("begin; insert into cut values (7, 'seven'); commit"),),
    (parse("select $1::text", "s"), bind("s", parameters=(b"x",)), describe(), execute(), message("S")),
    (query("/*deny*/ select 2"),),
    (query("copy cut from stdin"), message("d", b"8\teight\n"), message("c")),
    (query("copy cut to stdout"),),
    (parse("select generate_series(1, 9)"), bind(), execute(limit=4), message("H"), execute(), message("S")),
    (query("delete from cut where a > 2"),),
)


class Cut:
    """A gateway with a cutter on one of its sides."""

    def __init__(self, server: Server, *, before_client: bool) -> None:
        plain = replace(server.target, host="127.0.0.1", tls=False, ca_file=None)
        if not before_client:
            self.cutter = Cutter(server.cluster.port)
            plain = replace(plain, port=self.cutter.port)
        self.gateway = Gateway(server, target=plain, reads_names=False)
        self.gateway.start()
        if before_client:
            self.cutter = Cutter(self.gateway.port)
        self.port = self.cutter.port if before_client else self.gateway.port

    def close(self) -> None:
        self.gateway.stop()
        self.cutter.close()

    def talk(self) -> list[tuple[str, bytes]]:
        """The dialogue as far as it gets: everything that was heard. Raises TimeoutError when nothing ends."""
        heard: list[tuple[str, bytes]] = []
        try:
            client = Raw(self.port, "ann", "main/postgres", self.gateway.password)
        except (ConnectionError, EOFError) as error:
            return [("E", str(error).encode()), ("end", b"")]
        try:
            for messages in DIALOGUE:
                client.send(*messages)
                while not heard or heard[-1][0] != "Z":
                    heard.append(client.next())
                heard.append(("", b""))
        except (ConnectionError, EOFError):
            heard.append(("end", client.unread))
        finally:
            client.close()
        return heard

    def settle(self) -> None:
        """Until every session of the gateway has ended."""
        keeper = self.gateway.keeper
        self.gateway.wait_for(lambda: len(keeper.closed) >= len(keeper.sessions))

    def check(self, direct: Raw) -> None:
        """What must hold once a dialogue is over."""
        gateway = self.gateway
        self.settle()
        left = (
            "select pg_sleep(0.05)::text || state || coalesce(wait_event, '') || query from pg_stat_activity"
            " where backend_type = 'client backend' and pid <> pg_backend_pid()"
            # Other gateways of the run read names from the same server; this one reads none.
            " and application_name <> 'sallyport catalog'"
        )
        for _ in range(100):
            found = direct.ask(left)
            if "D(" not in found:
                break
        else:
            raise AssertionError(f"a connection to the server is left: {found}")
        for session in gateway.keeper.sessions:
            ended = {decision for decision, _ in session.outcomes}
            assert len(ended) == len(session.outcomes), "two outcomes for one decision"


def boundaries(stream: bytes, at: int) -> list[int]:
    """Where messages of a stream end, from `at` on."""
    found = [at]
    while at + 5 <= len(stream):
        at += 1 + struct.unpack_from("!I", stream, at + 1)[0]
        found.append(at)
    return [place for place in found if place <= len(stream)]


def first_message(stream: bytes, way: Way) -> int:
    """Where ordinary messages begin: behind the startup packet on the way up."""
    return struct.unpack_from("!I", stream)[0] if way is Way.UP else 0


def texts_sent(stream: bytes) -> list[bytes]:
    """The texts of the Parse messages that went up."""
    at, texts = first_message(stream, Way.UP), []
    while at + 5 <= len(stream):
        end = at + 1 + struct.unpack_from("!I", stream, at + 1)[0]
        if stream[at : at + 1] == b"P" and end <= len(stream):
            name, _, rest = stream[at + 5 : end].partition(b"\0")
            if not name.startswith(b"sallyport"):
                texts.append(rest.partition(b"\0")[0])
        at = end
    return texts


@pytest.fixture(scope="module", params=[False, True], ids=["before the server", "before the client"])
def cut(request: pytest.FixtureRequest, server: Server) -> Iterator[Cut]:
    with Raw(server.cluster.port) as direct:
        direct.ask("create table if not exists cut (a int primary key, c text); truncate cut")
        direct.ask("insert into cut values (1, 'one'), (2, 'two')")
    made = Cut(server, before_client=request.param)
    yield made
    made.close()


def try_cut(cut: Cut, direct: Raw, way: Way, after: int, *, resets: bool) -> None:
    cutter, keeper = cut.cutter, cut.gateway.keeper
    cutter.way, cutter.after, cutter.resets = way, after, resets
    cut.settle()
    keeper.sessions.clear()
    keeper.closed.clear()
    heard = cut.talk()
    cutter.after = None
    where = f"cut {way.value} after {after} bytes, {'reset' if resets else 'ended'}"
    if heard[-1] == ("end", b"") and not resets and cut.port == cut.gateway.port:
        # The client's own line is whole: it is told, unless it stands inside a row.
        told = heard[-2] if len(heard) > 1 else ("", b"")
        assert told[0] == "E", (where, heard[-3:])
        assert any(code.encode() in told[1] for code in GOODBYES), (where, told)
    cut.check(direct)
    if cut.port == cut.gateway.port:
        asked = {question.text for session in keeper.sessions for question in session.asked}
        pieces = {piece.strip() for text in asked for piece in text.split(b";")} | asked
        strange = [text for text in texts_sent(bytes(cutter.passed[Way.UP])) if text not in pieces]
        assert [text for text in strange if text not in OUR_OWN and b"pg_catalog" not in text] == [], where


def places(cut: Cut, way: Way) -> tuple[list[int], int]:
    """All ends of messages of a whole dialogue, and how long it is."""
    cut.cutter.after = None
    heard = cut.talk()
    assert heard[-1] == ("", b""), heard[-5:]
    stream = bytes(cut.cutter.passed[way])
    return boundaries(stream, first_message(stream, way)), len(stream)


@pytest.mark.parametrize("way", list(Way))
def test_a_cut_at_some_messages_hurts_nobody(cut: Cut, way: Way, direct: Raw) -> None:
    ends, _ = places(cut, way)
    for number, after in enumerate(ends[:: max(1, len(ends) // 12)]):
        try_cut(cut, direct, way, after, resets=number % 2 == 1)


@pytest.mark.long
@pytest.mark.parametrize("resets", [False, True])
@pytest.mark.parametrize("way", list(Way))
def test_a_cut_at_every_message_and_at_random_bytes_hurts_nobody(cut: Cut, way: Way, resets: bool, direct: Raw) -> None:
    ends, size = places(cut, way)
    chance = random.Random(7)
    for after in ends + [chance.randrange(1, size) for _ in range(60)]:
        try_cut(cut, direct, way, after, resets=resets)
