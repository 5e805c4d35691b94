"""With a lane or without one: the same bytes go both ways, the same lines are recorded, the session knows the same afterwards.

Two relays see the same dialogue with real sessions and real gates; one lets its session take the short way and the lane, the
other hands everything to the session as events.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import Question
from adapters.core.relay import Relay
from adapters.core.surroundings import Surroundings
from adapters.postgres.session.ready import Ready
from engine._native import sql_shape
from engine.command.tree import Effect, ParsedCommand
from engine.decision import Decision, Obligation
from engine.evaluator.cache import Judgement
from engine.request import Approval
from gateway.asked import Asked
from gateway.audit import log as log_module
from gateway.audit.entry import Entry
from gateway.doors.adapters import GatewaySession
from tests import wire
from tests.property.test_postgres_short import Rows
from tests.strategies.gates import ALLOW, ANA, DENY, MASK, ORDERS, SESSION, House
from tests.wire import SYNC, SignedIn, bind, describe, execute, parse, query

ID = re.compile(b"d-x-[0-9a-f]{5}")
TEXTS = ["select 1", "select 2", "select 'a'", "select 'execute'", "begin", "commit", "drop table t", "set a = 1"]
ODD = ["select 1;", "select 3; select 4", "select now", "select masked", "select limited", "copy t from stdin", ""]
texts = st.one_of(st.sampled_from(TEXTS[:3]), st.sampled_from(TEXTS), st.sampled_from(ODD))
NAMES = st.sampled_from(["", "a", "b"])
values = st.lists(st.one_of(st.none(), st.binary(max_size=3)), max_size=2).map(tuple)
commands = st.one_of(
    st.builds(query, texts),
    st.builds(query, st.just("select 1")),
    st.builds(lambda name, given: bind(name, parameters=given) + describe() + execute() + SYNC, NAMES, values),
    st.builds(lambda name: bind(name) + execute() + SYNC, NAMES),
    st.builds(lambda text, name: parse(text, name) + bind(name) + describe() + execute() + SYNC, texts, NAMES),
    st.builds(lambda text: parse(text) + bind() + execute() + SYNC, st.sampled_from(TEXTS[:3])),
    st.builds(lambda text, name: parse(text, name) + SYNC, texts, NAMES),
    st.builds(lambda name: wire.close("S", name) + SYNC, NAMES),
    st.just(wire.message("H")),
)
moves = st.one_of(
    *[st.tuples(st.just("repeat"), commands, st.integers(1, 5))] * 6,
    st.tuples(st.just("exchange"), commands),
    st.tuples(
        st.just("meanwhile"), st.just(query("select 1")), st.sampled_from(["time", "stop", "policies", "notice"])
    ),
    st.tuples(st.just("client"), commands),
    st.tuples(st.just("pieces"), commands, st.integers(0, 40)),
    st.tuples(st.just("server"), st.sampled_from([0, 1, 9])),
    st.tuples(st.just("notice")),
    st.tuples(st.sampled_from(["policies", "people", "gone", "full", "time", "stop"])),
)


class Program:
    """Policies that answer by the text's words, and give the verdict of a shape again as the engine does."""

    def __init__(self, revision: int) -> None:
        self.revision = str(revision)
        self._shapes: dict[tuple[str, bytes], Judgement] = {}

    def shape(self, question: Question) -> None:
        return None

    def judge(self, asked: Asked, now: int, approval: Approval | None) -> Judgement:
        question = asked.question
        assert isinstance(question, Question)
        shape = (str(asked.session.state), sql_shape(question.text) or question.text)
        known = self._shapes.get(shape)
        if known is not None:
            return Judgement(known.decision, known.command, exact=False)
        decision, command = self._decide(question.text)
        found = Judgement(replace(decision, revision=self.revision, cacheable=b"now" not in question.text), command)
        if found.decision.cacheable:
            self._shapes[shape] = found
        return found

    def _decide(self, text: bytes) -> tuple[Decision, ParsedCommand]:
        plain = wire.tree()
        match text.split():
            case [b"drop", *_]:
                return DENY, plain
            case [_, b"masked"]:
                return MASK, plain
            case [_, b"limited"]:
                return replace(ALLOW, obligations=(Obligation("rows", 1, "p/R"),)), plain
            case [_, b"now"]:
                return ALLOW, plain
            case [b"set", *_]:
                return ALLOW, wire.tree("set", Effect.SESSION)
            case _:
                return (DENY if self.revision == "1" and b"'" in text else ALLOW), plain


class World:
    def __init__(self) -> None:
        self.program = Program(0)


class Keeper:
    """The doors, as far as a session uses them."""

    def __init__(self, gate: object) -> None:
        self.gate = gate
        self.known = object()
        self.is_gone = False

    def shape_of(self, protocol: str, text: bytes) -> bytes | None:
        return sql_shape(text)

    def renew(self, asked: Asked) -> Asked | None:
        return None if self.is_gone else asked


class Wire(asyncio.Transport):
    """A socket that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.out = b""
        self.is_over = False

    def write(self, data: bytes) -> None:  # type: ignore[override]  # bytes are all that is written
        self.out += data

    def is_closing(self) -> bool:
        return self.is_over

    def close(self) -> None:
        self.is_over = True

    def abort(self) -> None:
        self.is_over = True

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Play:
    """One relay between a client and a server."""

    def __init__(self, house: House, has_lane: bool) -> None:
        self.house = house
        house.policies = World()  # type: ignore[assignment]  # as the gate sees it
        self.fill(False)
        gate = house.build()
        # Ids of one length: they stand in errors, and a failed try to record uses one up.
        gate._boot, gate._numbers = "x", itertools.count(0x10000)
        self.keeper = Keeper(gate)
        self.has_lane = has_lane
        session = SignedIn().session
        self.session = session
        self.relay = Relay(session, Surroundings(None), client_address=None)  # type: ignore[arg-type]  # nobody signs in
        self.gate = GatewaySession(self.keeper, ANA, SESSION, ORDERS)  # type: ignore[arg-type]  # as much as is used
        self.keeper.closed = lambda *about: None  # type: ignore[attr-defined]  # nobody looks
        self.relay._gate = self.gate
        self.client, self.target = Wire(), Wire()
        self.relay.client.connection_made(self.client)
        self.relay._upstream.connection_made(self.target)
        self.server = Rows()
        self.owed = b""
        self.again = self.through = 0
        """Answers that came through the lane, by whom the gate was asked, and with its leave through the wire."""
        finished = self.gate.finished_again

        def count(lines: object) -> None:
            self.again += 1
            finished(lines)  # type: ignore[arg-type]  # what the relay gave

        if has_lane:
            self.relay._gate = _Counting(self.gate, count)  # type: ignore[assignment]  # passes all on
        else:
            session.short_way = None

    def fill(self, full: bool) -> None:
        """The disk is full, or is not any more; for whoever looks now and for the log's own thread."""
        self.house.log._free_bytes = lambda place: -1 if full else 1
        self.house.log._look_at_space()

    def hear(self, side: Side, data: bytes) -> None:
        end = self.relay.client if side is Side.CLIENT else self.relay._upstream
        wire = end.through
        end.data_received(data)
        self.through += wire is not None and end.through is wire and side is Side.UPSTREAM
        written, self.target.out = self.target.out, b""
        if written:
            self.owed += self.server.take(written)

    def serve(self, held_back: int) -> None:
        cut = max(len(self.owed) - held_back, 0)
        now, self.owed = self.owed[:cut], self.owed[cut:]
        if now:
            self.hear(Side.UPSTREAM, now)

    def move(self, move: tuple[object, ...]) -> None:
        match move:
            case ("exchange", bytes() as data):
                self.hear(Side.CLIENT, data)
                for _ in range(4):
                    self.serve(0)
            case ("repeat", bytes() as data, int() as times):
                for _ in range(times):
                    self.move(("exchange", data))
            case ("meanwhile", bytes() as data, str() as event):
                self.move(("repeat", data, 4))
                self.hear(Side.CLIENT, data)
                self.move((event,))
                self.serve(0)
            case ("client", bytes() as data):
                self.hear(Side.CLIENT, data)
            case ("pieces", bytes() as data, int() as cut):
                self.hear(Side.CLIENT, data[:cut] or data[:1])
                self.hear(Side.CLIENT, data[len(data[:cut] or data[:1]) :] or wire.message("H"))
            case ("server", int() as held_back):
                self.serve(held_back)
            case ("notice",):
                self.owed = wire.fields("N", S="NOTICE", C="00000", M="n") + self.owed
            case ("policies",):
                self.house.policies.program = Program(1 - int(self.house.policies.program.revision))  # type: ignore[misc,union-attr,assignment]  # a World
            case ("people",):
                self.keeper.known = object()
            case ("gone",):
                self.keeper.is_gone, self.keeper.known = True, object()
            case ("full",):
                self.fill(not self.house.log._is_low)
            case ("time",):
                self.relay.take(saw.TimePassed())
            case _:
                self.relay.stop("soon")

    def seen(self) -> tuple[object, ...]:
        """Everything that shows from outside."""
        out = ID.sub(b"d-x-N", self.client.out)
        return out, self.owed, self.client.is_over, self.session.is_waiting, tuple(self.server.ran)

    def known(self) -> tuple[object, ...]:
        """What the session knows once the lane is left."""
        self.relay.take(saw.TimePassed())
        desk = self._ready()._desk
        return desk.names.statements, desk.names.portals.keys(), desk.replies.status, len(desk.replies.owed)

    def _ready(self) -> Ready:
        ready = self.session._ready
        assert ready is not None
        return ready

    def told(self) -> list[Entry]:
        """All entries, decisions numbered in order, without what time puts into them."""
        numbers: dict[str, str] = {}
        return [
            msgspec.structs.replace(
                entry, time=0, duration=0.0, decision_id=numbers.setdefault(entry.decision_id, str(len(numbers)))
            )
            for entry in self.house.entries()
        ]


class _Counting:
    """A session of the gate that says when an answer that was given again is over."""

    def __init__(self, gate: GatewaySession, finished_again: object) -> None:
        self._gate = gate
        self.finished_again = finished_again

    def __getattr__(self, name: str) -> object:
        return getattr(self._gate, name)


async def converse(plays: tuple[Play, Play], dialogue: list[tuple[object, ...]]) -> None:
    for move in dialogue:
        for play in plays:
            play.move(move)
        assert plays[0].seen() == plays[1].seen(), move
    assert plays[0].known() == plays[1].known()
    for play in plays:
        play.relay.cut("over")


async def meet(houses: list[House], dialogue: list[tuple[object, ...]]) -> int:
    plays = Play(houses[0], has_lane=True), Play(houses[1], has_lane=False)
    # The first question makes each session find out where it stands.
    await converse(plays, [("exchange", query("select 0")), *dialogue])
    assert plays[1].again == plays[1].through == 0
    return plays[0].through


def houses(folder: Path) -> list[House]:
    found = []
    for name in ("lane", "none"):
        (folder / name).mkdir()
        found.append(House(folder / name))
    return found


def test_a_lane_changes_nothing_that_anybody_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # WHY: how much is free is looked at by the dialogues themselves.
    monkeypatch.setattr(log_module, "SYNC_EVERY", 3_600.0)
    both = houses(tmp_path)
    through = []

    @given(st.lists(moves, min_size=6, max_size=30))
    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def play(dialogue: list[tuple[object, ...]]) -> None:
        through.append(asyncio.run(meet(both, dialogue)))

    try:
        play()
        told = [Play.told(_Told(house)) for house in both]  # type: ignore[arg-type]  # as much as is used
        assert told[0] == told[1]
        assert sum(through) > 100
    finally:
        for house in both:
            house.close()


class _Told:
    def __init__(self, house: House) -> None:
        self.house = house


def test_what_is_said_again_and_again_goes_through_the_lane(tmp_path: Path) -> None:
    both = houses(tmp_path)
    try:
        for command in (
            query("select 1"),
            parse("select 1") + bind() + describe() + execute() + SYNC,
            parse("select 1") + bind() + execute() + SYNC,
        ):
            # Asked, remembered, given again and learnt; from then on the lane.
            assert asyncio.run(meet(both, [("exchange", command)] * 8)) >= 5
        prepared = [("exchange", parse("select 2", "a") + SYNC), ("exchange", parse("select 'a'", "b") + SYNC)]
        runs = [("exchange", bind(name) + execute() + SYNC) for name in ("a", "b")]
        assert asyncio.run(meet(both, [*prepared, *(runs * 8)])) >= 10
    finally:
        for house in both:
            house.close()
