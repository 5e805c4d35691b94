"""With a lane or without one: the same bytes go both ways on the same connections, the same lines are recorded.

Two relays see the same dialogue with real sessions, real gates and real kept connections; one lets its session open a lane, the other hands
everything to the session as events.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import socket
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.core import events as saw
from adapters.core.ends import End
from adapters.core.events import Side
from adapters.core.kept import KeptConnections
from adapters.core.ports import Cause, Question, Refusal, Target
from adapters.core.relay import Relay
from adapters.core.surroundings import Surroundings
from adapters.http.session import HttpManners
from adapters.web.session.conversation import Conversation
from adapters.web.session.lane import Lane
from adapters.web.session.settings import Settings
from engine.command.parse import parse_command
from engine.decision import MaskItem, Obligation, Verdict
from engine.evaluator.cache import Judgement
from engine.request import Approval, Principal, Resource, Session
from gateway.asked import Asked
from gateway.audit.entry import Entry
from gateway.doors.adapters import GatewaySession
from tests.strategies.gates import ALLOW, DENY, House

ID = re.compile(rb"d-x-[0-9a-f]{5}")
NUMBERS = {True: itertools.count(0x10000), False: itertools.count(0x10000)}
SECRET = "secret-of-the-gateway"
TARGETS = {
    "signed in": Target("127.0.0.1", 8080, "", SECRET, tls=False),
    "as they come": Target("127.0.0.1", 8080, "", tls=False),
}
SHOP = Resource("shop", "http", "shop", None, {})
CARDS = (MaskItem(None, (), "redact", path="$..card"), MaskItem(None, (), "partial", {"keep_last": 2}, path="$..mail"))


def request(line: str, *headers: str, token: str = "ana", body: bytes = b"") -> bytes:
    lines = [f"{line} HTTP/1.1", "Host: shop", f"Authorization: Bearer {token}", *headers]
    return "\r\n".join((*lines, "", "")).encode() + body


def answer(*headers: str, body: bytes = b"", status: str = "200 Fine", framing: str = "length") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers]
    if framing == "chunked":
        lines.append("Transfer-Encoding: chunked")
        body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    elif framing == "two":
        lines.append("Transfer-Encoding: chunked")
        body = b"1\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (body[:1], len(body) - 1, body[1:])
    elif framing == "length":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode() + body


PLAIN = [
    request("GET /ok"),
    request("GET /ok?a=1", "Cookie: a=b", "X-Thing: 1"),
    request("GET /masked", "If-None-Match: x"),
]
ODD = [
    request("GET /no"),
    request("GET /now"),
    request("GET /noted"),
    request("GET /ok", token="ann"),
    request("GET /ok", token="bob"),
    request("GET /ok", token="eve"),
    request("HEAD /ok"),
    request("POST /ok", "Content-Type: text/plain", "Content-Length: 2", body=b"ab"),
    request("POST /ok", "Content-Length: 0"),
    request("GET /ok", "Connection: close"),
    request("GET /ok", "Expect: 100-continue"),
    request("GET /ok", "Connection: keep-alive", "Range: bytes=0-1"),
    request("GET /ok/../no"),
    request("GET /ok").replace(b"1.1", b"1.0", 1),
    request("GET /ok", "Content-Length: 1"),
    b"GET /ok HTTP/1.1\n",
]
requests = st.one_of(st.sampled_from(PLAIN), st.sampled_from(PLAIN), st.sampled_from(ODD))
JSON = "Content-Type: application/json"
CARD = b'{"a": [{"card": "4111", "mail": "a@b.c", "n": 1.50}], "card": null, "s": "' + SECRET.encode() + b'\\u00e9"}'
ANSWERS = [
    answer(JSON, body=CARD),
    answer(
        JSON, "Date: now", "ETag: x", "Connection: keep-alive", "Keep-Alive: timeout=9", body=CARD, framing="chunked"
    ),
    answer(
        "Content-Type: application/hal+json; charset=UTF-8",
        "Cache-Control: public, max-age=3",
        body=CARD,
        framing="two",
    ),
    answer("Content-Type: text/plain", "Set-Cookie: a", f"X-Seen: {SECRET}!", body=b"words " + SECRET.encode()),
    answer(JSON, body=b'{"n": 1, "n": 2}'),
    answer(JSON, body=b"{", status="200 OK"),
    answer(JSON, "Content-Encoding: gzip", body=CARD),
    answer(JSON, body=b"[]", status="404 Nothing"),
    answer(JSON, body=b"[]", status="206 Part"),
    answer(JSON, body=b'"\\ud800"'),
    answer(JSON, body=b"[" + b"1," * 20_000 + b"1]"),
    answer("Content-Type: application/x-ndjson", body=CARD + b"\n"),
    answer("Sallyport-Decision: d-1", "Via: x", "Alt-Svc: y", body=b"ab", status="201 Made"),
    answer(status="204 None", framing="none"),
    answer(status="304 Same", framing="none"),
    answer(body=b""),
    answer(body=b"", framing="chunked"),
    answer("Connection: close", body=b"ab"),
    answer("Keep-Alive: timeout=1", body=b"ab"),
    answer("Upgrade: h2c", body=b"ab"),
    answer("Content-Length: 2", body=b"ab"),
    answer(body=b"ab") + b"HTTP/1.1 200 OK\r\n",
    answer(status="103 Early", framing="none") + answer(body=b"ab"),
    answer("Content-Type: text/csv", body=b"card\n1\n"),
    b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 2\r\n\r\nab",
    b"nothing of the kind",
]
answers = st.one_of(st.sampled_from(ANSWERS[:4]), st.sampled_from(ANSWERS))
moves = st.one_of(
    *[st.tuples(st.just("exchange"), st.sampled_from(PLAIN), answers, st.integers(1, 5))] * 6,
    st.tuples(st.just("exchange"), requests, answers, st.integers(1, 3)),
    st.tuples(
        st.just("meanwhile"),
        st.sampled_from(PLAIN),
        st.sampled_from(
            ["time", "stop", "kill", "policies", "people", "gone", "full", "left", "ended", "client", "rest"]
        ),
        answers,
    ),
    st.tuples(st.just("pieces"), requests, st.integers(1, 60), answers, st.integers(1, 60)),
    st.tuples(st.just("two"), requests, requests, answers),
    st.tuples(st.sampled_from(["time", "policies", "people", "gone", "full", "unasked", "ended", "token"])),
)


class Program:
    """Policies that answer by the path's words."""

    def __init__(self, revision: int) -> None:
        self.revision = str(revision)

    def shape(self, question: Question) -> None:
        return None

    def judge(self, asked: Asked, now: int, approval: Approval | None) -> Judgement:
        question = asked.question
        assert isinstance(question, Question)
        path = question.text.split(b" ")[1]
        decision = {
            b"/no": DENY,
            b"/masked": replace(ALLOW, verdict=Verdict.MASK, mask_plan=CARDS),
            b"/noted": replace(ALLOW, obligations=(Obligation("rows", 1, "p/R"),)),
        }.get(path, ALLOW if self.revision == "0" or b"a=1" not in path else DENY)
        command = parse_command("http", question.text)
        return Judgement(replace(decision, revision=self.revision, cacheable=path != b"/now"), command)


class World:
    def __init__(self) -> None:
        self.program = Program(0)


class Keeper:
    """The doors, as far as a session and a relay use them."""

    def __init__(self, gate: object, target: Target) -> None:
        self.gate = gate
        self.where = target
        self.known = object()
        self.is_gone = False
        self.tokens = {"ana": "ana", "ann": "ana", "bob": "bob"}
        self.numbers = itertools.count(1)

    def shape_of(self, protocol: str, text: bytes) -> bytes | None:
        return None

    def is_signed(self, token: str) -> bool:
        return False

    def is_ready(self, resource: str) -> bool:
        return True

    def owner_of(self, token: str) -> str | None:
        return self.tokens.get(token)

    def admit(self, *, user: str, proven: bool, **about: object) -> GatewaySession | Refusal:
        if not proven:
            return Refusal("28P01", "no")
        session = Session(f"s-{next(self.numbers)}", None, None, "10.0.0.9")
        return GatewaySession(self, Principal(user, "agent", ()), session, SHOP)  # type: ignore[arg-type]  # as much as is used

    def target(self, resource: str) -> Target:
        return self.where

    def groups_of(self, user: str) -> Sequence[str]:
        return ()

    def reached(self, session: str, seconds: float, is_reached: bool) -> None:
        pass

    def renew(self, asked: Asked) -> Asked | None:
        if self.is_gone:
            return None
        return msgspec.structs.replace(asked, principal=replace(asked.principal))

    def closed(self, *about: object) -> None:
        pass


class Wire(asyncio.Transport):
    """A socket that keeps what is written to it; what waits to be read of it is real."""

    def __init__(self) -> None:
        super().__init__()
        self.out = b""
        self.is_over = False
        self.here, self.there = socket.socketpair()

    def write(self, data: bytes) -> None:  # type: ignore[override]  # bytes are all that is written
        self.out += data

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self.here if name == "socket" else default

    def is_closing(self) -> bool:
        return self.is_over

    def close(self) -> None:
        self.is_over = True
        self.here.close()
        self.there.close()

    abort = close

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Driven(Relay):
    """A relay whose targets are here."""

    wires: list[tuple[Wire, End]]

    async def _open_upstream(self, end: End, shared_for: object) -> None:
        wire = Wire()
        end.connection_made(wire)
        self.wires.append((wire, end))
        self.take(saw.UpstreamOpened(tls=False))


class Play:
    """One relay between a client and a server."""

    def __init__(self, house: House, target: Target, has_lane: bool) -> None:
        self.house = house
        house.policies = World()  # type: ignore[assignment]  # as the gate sees it
        self.fill(False)
        gate = house.build()
        # Ids of one length, each once: they stand in answers, and a failed try to record uses one up.
        gate._boot, gate._numbers = "x", NUMBERS[has_lane]
        self.keeper = Keeper(gate, target)
        manners = HttpManners()
        session = Conversation(manners, Settings(resource="shop"), Lane(manners) if has_lane else None)
        self.session = session
        self.kept = KeptConnections()
        around = Surroundings(self.keeper, kept=self.kept)  # type: ignore[arg-type]  # as much as is used
        self.relay = Driven(session, around, client_address=None)
        self.relay.wires = []
        self.client = Wire()
        self.relay.client.connection_made(self.client)
        self.relay.take(saw.TimePassed())
        self.again = 0
        finished = gate.finished_again

        def count(lines: object) -> None:
            self.again += 1
            finished(lines)  # type: ignore[arg-type]  # what the relay gave

        gate.finished_again = count  # type: ignore[method-assign]  # counted

    def fill(self, full: bool) -> None:
        """The disk is full, or is not any more; for whoever looks now and for the log's own thread."""
        self.house.log._free_bytes = lambda place: -1 if full else 1
        self.house.log._is_low = full

    async def settle(self) -> None:
        for _ in range(6):
            await asyncio.sleep(0)

    async def ask(self, data: bytes) -> None:
        if not self.client.is_over:
            self.relay.hear(Side.CLIENT, data)
        await self.settle()

    async def serve(self, data: bytes, size: int = 1 << 20) -> None:
        """Say something on the connection on which a request waits for an answer, if there is one."""
        end = self.relay._upstream
        for at in range(0, len(data), size):
            if end.transport is not None and not end.transport.is_closing() and self.relay._upstream is end:
                end.data_received(data[at : at + size])
                await self.settle()

    async def move(self, move: tuple[object, ...]) -> None:
        match move:
            case ("exchange", bytes() as data, bytes() as said, int() as times):
                for _ in range(times):
                    await self.ask(data)
                    await self.serve(said)
            case ("meanwhile", bytes() as data, str() as event, bytes() as said):
                await self.move(("exchange", data, ANSWERS[0], 4))
                await self.ask(data)
                await self.move((event,))
                await self.serve(said)
            case ("pieces", bytes() as data, int() as cut, bytes() as said, int() as size):
                await self.ask(data[:cut])
                await self.ask(data[cut:] or b"\r\n")
                await self.serve(said[: size * 40], size)
                await self.serve(said[size * 40 :])
            case ("two", bytes() as data, bytes() as more, bytes() as said):
                await self.ask(data + more)
                await self.serve(said)
                await self.serve(said)
            case ("client",):
                await self.ask(PLAIN[0])
            case ("rest",):
                await self.ask(b"G")
            case ("policies",):
                self.house.policies.program = Program(1 - int(self.house.policies.program.revision))  # type: ignore[misc,union-attr,assignment]  # a World
            case ("people",):
                self.keeper.known = object()
            case ("token",):
                self.keeper.tokens.pop("ann", None)
                self.keeper.known = object()
            case ("gone",):
                self.keeper.is_gone, self.keeper.known = True, object()
            case ("full",):
                self.fill(not self.house.log._is_low)
            case ("unasked",):
                for wire, _ in self.relay.wires:
                    if not wire.is_over:
                        wire.there.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale")
            case ("ended",):
                for _, end in list(self.relay.wires):
                    if end.transport is not None and not end.transport.is_closing():
                        end.eof_received()
                        await self.settle()
            case ("left",):
                self.relay.take(saw.EndReceived(Side.CLIENT))
            case ("time",):
                self.relay.take(saw.TimePassed())
            case ("kill",):
                self.relay.stop("now", Cause.KILLED)
            case _:
                self.relay.stop("soon")
        await self.settle()

    def seen(self) -> tuple[object, ...]:
        """Everything that shows from outside."""
        up = [(wire.out, wire.is_over) for wire, _ in self.relay.wires]
        out = ID.sub(b"d-x-N", self.client.out)
        return out, up, self.client.is_over, self.session.is_waiting, len(self.kept)

    async def end(self) -> None:
        self.relay.cut("over")
        self.kept.close()
        await self.settle()
        for wire in (self.client, *(wire for wire, _ in self.relay.wires)):
            wire.close()


def told(house: House) -> list[Entry]:
    """All entries, decisions numbered in order, without what time puts into them."""
    numbers: dict[str, str] = {}
    return [
        msgspec.structs.replace(
            entry, time=0, duration=0.0, decision_id=numbers.setdefault(entry.decision_id, str(len(numbers)))
        )
        for entry in house.entries()
    ]


async def meet(houses: list[House], target: Target, dialogue: list[tuple[object, ...]]) -> int:
    plays = Play(houses[0], target, has_lane=True), Play(houses[1], target, has_lane=False)
    try:
        for move in dialogue:
            for play in plays:
                await play.move(move)
            assert plays[0].seen() == plays[1].seen(), move
        # What the session knows once the lane is left.
        for play in plays:
            await play.move(("time",))
        assert plays[0].session._do.deadline is None or plays[0].session.short_way is None
        assert (plays[0].session._phase, plays[0].session._do._is_upstream) == (
            plays[1].session._phase,
            plays[1].session._do._is_upstream,
        )
        assert plays[1].again == 0
        return plays[0].again
    finally:
        for play in plays:
            await play.end()


@pytest.fixture(name="both")
def _both(tmp_path: Path) -> object:
    found = []
    for name in ("lane", "none"):
        (tmp_path / name).mkdir()
        found.append(House(tmp_path / name))
    yield found
    for house in found:
        house.close()


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_lane_changes_nothing_that_anybody_sees(both: list[House], target: Target) -> None:
    through = []

    @given(st.lists(moves, min_size=3, max_size=16))
    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def play(dialogue: list[tuple[object, ...]]) -> None:
        through.append(asyncio.run(meet(both, target, dialogue)))

    play()
    for ours, theirs in zip(told(both[0]), told(both[1]), strict=True):
        assert ours == theirs
    assert sum(through) > 100


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("number", range(4))
def test_what_is_asked_again_and_again_goes_through_the_lane(both: list[House], target: Target, number: int) -> None:
    for asked in PLAIN:
        answered = ANSWERS[number]
        is_plain = b"masked" not in asked or b"json" in answered
        # Asked, remembered and learnt; from then on the lane.
        is_chunked = b"chunked" in answered and target.password is not None and b"masked" not in asked
        found = asyncio.run(meet(both, target, [("exchange", asked, answered, 8)]))
        assert found == (6 if is_plain and not is_chunked else 0)
    assert all(ours == theirs for ours, theirs in zip(told(both[0]), told(both[1]), strict=True))
