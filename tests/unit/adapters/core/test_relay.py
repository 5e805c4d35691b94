"""The driver: effects are done in order, answers come back as events, and whatever fails ends the connection."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.driven import ShortWay
from adapters.core.effects import Effect
from adapters.core.events import Event, Side
from adapters.core.kept import KeptConnections
from adapters.core.ports import (
    Again,
    Answer,
    Cause,
    Connection,
    Ending,
    Lines,
    Outcome,
    Part,
    Proof,
    Question,
    Refusal,
    ScramVerifier,
    Target,
)
from adapters.core.relay import Relay
from adapters.core.surroundings import Surroundings
from adapters.errors import RecorderFailed
from engine._native import EntryForm, Leave, Unwritten
from engine._native import Wire as Wire_
from engine.decision import Decision, Verdict

QUESTION = Question("test", b"do it")


@dataclass
class Script:
    """A session whose reaction to each event is written down; keeps what it saw."""

    react: Callable[[Event], list[Effect]] = lambda event: []
    seen: list[Event] = field(default_factory=list)
    short_way: ShortWay | None = None
    is_waiting: bool = False

    def handle(self, event: Event, now: float) -> list[Effect]:
        self.seen.append(event)
        return self.react(event)


@dataclass
class Gate:
    answer: Answer = field(default_factory=lambda: Answer(Decision(Verdict.ALLOW, None), "d-1"))
    fate_of: asyncio.Future[Answer] | None = None
    calls: list[str] = field(default_factory=list)
    id: str = "s-1"
    gives_again: bool = True

    def watch(self, connection: Connection) -> None:
        self.connection = connection

    def decide(self, question: Question) -> Answer:
        self.calls.append("decide")
        return self.answer

    async def fate(self, ticket: str) -> Answer:
        assert self.fate_of is not None
        return await self.fate_of

    def withdraw(self, ticket: str, reason: str) -> None:
        self.calls.append(f"withdraw {ticket}")

    def finished(self, decision_id: str, outcome: Outcome) -> None:
        self.calls.append(f"finished {decision_id}")

    def give_again(self, again: Again, lines: Lines) -> bool:
        self.calls.append("again")
        return self.gives_again

    def finished_again(self, lines: Lines) -> None:
        self.calls.append("finished again")

    def leave(self, again: Again) -> Leave | None:
        return None

    def show(self, decision_id: str, part: Part) -> None:
        self.calls.append(f"show {decision_id}")
        if part.is_cut:
            raise RecorderFailed("no room", code="RECORDER_FAILED")

    def reached_over(self, connection: str) -> None:
        pass

    def close(self, reason: str) -> None:
        self.calls.append("close")


@dataclass(frozen=True)
class Proven:
    user: str
    groups: tuple[str, ...] = ()


@dataclass
class Keeper:
    gate: Gate = field(default_factory=Gate)
    where: Target | None = field(default_factory=lambda: Target("127.0.0.1", 1, "app", tls=False))
    refusal: Refusal | None = None

    def scram_verifier(self, user: str) -> ScramVerifier:
        return ScramVerifier(b"salt", 4096, b"s", b"k")

    takes_tokens = True
    admitted: list[dict[str, object]] = field(default_factory=list)

    def is_signed(self, token: str) -> bool:
        return token.startswith("ey")

    async def examine(self, token: str, user: str | None, resource: str) -> Proof:
        await asyncio.sleep(0)
        return Proven("ann", ("dba",)) if token == "ey good" and resource == "orders" else Proven("")

    def check_token(self, user: str, token: str, resource: str) -> bool:
        return token == "good"

    def owner_of(self, token: str) -> str | None:
        return "ann" if token == "good" else None

    def admit(self, **who: object) -> Gate | Refusal:
        self.admitted.append(who)
        return self.refusal or self.gate

    def is_ready(self, resource: str) -> bool:
        return True

    async def make_ready(self, resource: str) -> None:
        pass

    def reached(self, session: str, seconds: float, is_reached: bool) -> None:
        pass

    def groups_of(self, user: str) -> tuple[str, ...]:
        return ()

    def target(self, resource: str) -> Target | None:
        return self.where


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.out = b""
        self.log: list[str] = []
        self.closing = False
        self.unsent = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.log.append("write")
        self.out += bytes(data)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True
        self.log.append("close")

    def abort(self) -> None:
        self.closing = True

    def pause_reading(self) -> None:
        self.log.append("pause")

    def resume_reading(self) -> None:
        self.log.append("resume")


ADMIT = do.Admit("ann", "orders", "test", True)


def play(react: Callable[[Event], list[Effect]], keeper: Keeper | None = None) -> tuple[Relay, Script, Wire]:
    """A relay with a client's wire, admitted."""
    session = Script(lambda event: [ADMIT] if isinstance(event, saw.TimePassed) else [])
    relay = Relay(session, Surroundings(keeper or Keeper()), client_address="192.0.2.1")
    wire = Wire()
    relay.client.connection_made(wire)
    relay.take(saw.TimePassed())
    session.react = react
    session.seen.clear()
    return relay, session, wire


async def settled() -> None:
    """Let the tasks that are ready run."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_everything_sent_in_one_turn_is_one_write() -> None:
    relay, _, wire = play(lambda event: [do.Send(Side.CLIENT, b"a"), do.Send(Side.CLIENT, b"b")])
    relay.client.data_received(b"x")
    assert (wire.out, wire.log) == (b"ab", ["write"])


@dataclass
class NoLane:
    """A lane for the words that are said to be known in it."""

    known: tuple[bytes, ...] = ()
    again: Again | None = None
    calls: list[str] = field(default_factory=list)
    kept_for: str | None = None
    lasts: float = 0.0

    @property
    def lines(self) -> NoLane:
        return self

    def line(self, log: Unwritten, decision_id: str, clock: int) -> bytes | None:
        return b"line"

    def outcome(self, log: Unwritten, clock: int) -> bool:
        return True

    def ask(self, data: bytes, now: float) -> bytes | None:
        return b"again" if data in self.known else None

    def grant(self, leave: Leave | None) -> None:
        pass

    def carry(self, data: bytes, now: float) -> bytes | None:
        return None

    def answer(self, data: bytes, now: float) -> bytes | None:
        return None

    def wire(self, client: Callable[[bytes], None], target: Callable[[bytes], None], now: float) -> Wire_ | None:
        return None

    def take_back(self) -> None:
        self.calls.append("take back")

    def reply(self, data: bytes, now: float) -> bytes | None:
        return data.title() if data in self.known else None


@dataclass
class Short:
    """A short way for one word, whose answer is shown upper case."""

    granted_as: bytes | None = b"go"
    lane: NoLane = field(default_factory=lambda: NoLane())

    def ask(self, data: bytes, now: float) -> do.Ask | None:
        return do.Ask(7, Question("test", data)) if data == b"word" else None

    def granted(self, answer: Answer) -> bytes | None:
        return self.granted_as

    def reply(self, data: bytes, now: float) -> tuple[bytes, do.Record] | None:
        return (data.upper(), do.Record("d-1", Outcome(rows=1))) if data == b"done" else None


async def test_the_short_way_asks_sends_and_records_without_events() -> None:
    keeper = Keeper()
    relay, session, client = play(lambda event: [], keeper)
    upstream = Wire()
    relay._upstream.connection_made(upstream)
    session.short_way = Short()
    relay.hear(Side.CLIENT, b"word")
    relay.hear(Side.UPSTREAM, b"done")
    assert (upstream.out, client.out, session.seen) == (b"go", b"DONE", [])
    assert keeper.gate.calls == ["decide", "finished d-1"]


class Known:
    form = EntryForm(b"", b"", "test", None, hides=False)
    for_shape = False

    def is_like(self, other: Again) -> bool:
        return other is self


async def test_what_was_granted_before_goes_through_the_lane_recorded_and_unasked() -> None:
    keeper = Keeper()
    relay, session, client = play(lambda event: [], keeper)
    upstream = Wire()
    relay._upstream.connection_made(upstream)
    session.short_way = Short(lane=NoLane((b"word", b"done"), Known()))
    relay.hear(Side.CLIENT, b"word")
    relay.hear(Side.UPSTREAM, b"done")
    assert (upstream.out, client.out, session.seen) == (b"again", b"Done", [])
    assert keeper.gate.calls == ["again", "finished again"]


@pytest.mark.parametrize("again", [None, Known()], ids=["nothing", "changed"])
async def test_what_does_not_count_any_more_is_taken_back_and_asked_about(again: Again | None) -> None:
    keeper = Keeper(gate=Gate(gives_again=False))
    relay, session, _ = play(lambda event: [], keeper)
    upstream = Wire()
    relay._upstream.connection_made(upstream)
    lane = NoLane((b"word",), again)
    session.short_way = Short(lane=lane)
    relay.hear(Side.CLIENT, b"word")
    assert upstream.out == b"go"
    assert lane.calls == ["take back"]
    assert keeper.gate.calls == [*(["again"] if again else []), "decide"]


async def test_what_the_short_way_leaves_is_an_event() -> None:
    relay, session, _ = play(lambda event: [])
    session.short_way = Short(granted_as=None)
    relay.hear(Side.CLIENT, b"other")
    relay.hear(Side.CLIENT, b"word")
    relay.hear(Side.UPSTREAM, b"other")
    answer = Gate().answer
    assert session.seen == [
        saw.BytesReceived(Side.CLIENT, b"other"),
        saw.Decided(7, answer),
        saw.BytesReceived(Side.UPSTREAM, b"other"),
    ]


async def test_an_error_on_the_short_way_ends_the_connection_and_sends_nothing_up() -> None:
    class Broken(Gate):
        def decide(self, question: Question) -> Answer:
            raise RuntimeError("broken")

    relay, session, client = play(lambda event: [], Keeper(gate=Broken()))
    upstream = Wire()
    relay._upstream.connection_made(upstream)
    session.short_way = Short()
    relay.hear(Side.CLIENT, b"word")
    assert upstream.out == b""
    assert client.closing


async def test_what_a_session_shows_is_recorded_before_it_is_sent() -> None:
    keeper = Keeper()
    shown = do.ShowPart("d-1", Part(data=b"x"))
    relay, _, wire = play(lambda event: [shown, do.Send(Side.CLIENT, b"x")], keeper)
    relay.client.data_received(b"x")
    assert wire.out == b"x"
    assert keeper.gate.calls == ["show d-1"]


async def test_where_a_part_cannot_be_recorded_nothing_more_is_sent_and_the_session_ends() -> None:
    def react(event: Event) -> list[Effect]:
        if isinstance(event, saw.StopRequested):
            return [do.Send(Side.CLIENT, b"the end")]
        return [
            do.Send(Side.UPSTREAM, b"next"),
            do.Send(Side.CLIENT, b"before "),
            do.ShowPart("d-1", Part(is_cut=True)),
            do.Send(Side.CLIENT, b"unrecorded "),
            do.Send(Side.UPSTREAM, b"behind"),
            do.ShowPart("d-2", Part()),
            do.Record("d-1", Outcome()),
        ]

    keeper = Keeper()
    relay, _, wire = play(react, keeper)
    upstream = Wire()
    relay._upstream.connection_made(upstream)
    relay.client.data_received(b"x")
    relay.stop("it cannot be recorded", Cause.UNRECORDED)
    await asyncio.sleep(0)
    assert (wire.out, upstream.out) == (b"before the end", b"")
    assert keeper.gate.calls == ["show d-1", "finished d-1", "close"]
    assert wire.closing


async def test_an_answer_comes_after_the_effects_beside_the_question() -> None:
    def react(event: Event) -> list[Effect]:
        if isinstance(event, saw.BytesReceived):
            return [do.Ask(7, QUESTION), do.Send(Side.CLIENT, b"asked ")]
        return [do.Send(Side.CLIENT, b"answered")]

    keeper = Keeper()
    relay, session, wire = play(react, keeper)
    relay.client.data_received(b"x")
    assert wire.out == b"asked answered"
    assert session.seen[1] == saw.Decided(7, keeper.gate.answer)


async def test_an_error_in_a_session_ends_the_connection_and_sends_nothing_up() -> None:
    upstream = Wire()

    def react(event: Event) -> list[Effect]:
        return [do.Send(Side.UPSTREAM, b"leak"), do.Ask(1, QUESTION)]

    keeper = Keeper()
    relay, _, wire = play(react, keeper)
    relay._upstream.connection_made(upstream)
    keeper.gate.answer = None  # type: ignore[assignment]  # a gate that breaks its word
    relay.client.data_received(b"x")
    assert upstream.out == b""
    assert wire.closing
    assert keeper.gate.calls[-1] == "close"


async def test_a_hold_is_answered_again_when_its_fate_is_known() -> None:
    fate: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    gate = Gate(Answer(Decision(Verdict.HOLD, None), "d-1", "T-1"), fate)
    relay, session, _ = play(
        lambda event: [do.Ask(1, QUESTION)] if isinstance(event, saw.BytesReceived) else [], Keeper(gate)
    )
    relay.client.data_received(b"x")
    granted = Answer(Decision(Verdict.ALLOW, None), "d-2")
    fate.set_result(granted)
    await settled()
    assert session.seen[-1] == saw.Decided(1, granted)


async def test_a_fate_nobody_can_tell_is_a_denial() -> None:
    fate: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    gate = Gate(Answer(Decision(Verdict.HOLD, None), "d-1", "T-1"), fate)
    relay, session, _ = play(
        lambda event: [do.Ask(1, QUESTION)] if isinstance(event, saw.BytesReceived) else [], Keeper(gate)
    )
    relay.client.data_received(b"x")
    fate.set_exception(RuntimeError("the store is gone"))
    await settled()
    last = session.seen[-1]
    assert isinstance(last, saw.Decided)
    assert last.answer.decision.verdict is Verdict.DENY


async def test_a_client_that_goes_while_its_command_is_held_withdraws_it() -> None:
    gate = Gate(Answer(Decision(Verdict.HOLD, None), "d-1", "T-1"), asyncio.get_running_loop().create_future())

    def react(event: Event) -> list[Effect]:
        return (
            [do.Close("gone")]
            if isinstance(event, saw.EndReceived)
            else [do.Ask(1, QUESTION)] * isinstance(event, saw.BytesReceived)
        )

    relay, _, _ = play(react, Keeper(gate))
    relay.client.data_received(b"x")
    relay.client.eof_received()
    assert gate.calls[-2:] == ["withdraw T-1", "close"]


async def test_leaving_a_ticket_open_stops_the_wait_and_withdraws_nothing() -> None:
    fate: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    gate = Gate(Answer(Decision(Verdict.HOLD, None), "d-1", "T-1"), fate)

    def react(event: Event) -> list[Effect]:
        return (
            [do.Ask(1, QUESTION)]
            if isinstance(event, saw.BytesReceived)
            else [do.Leave(1)] * isinstance(event, saw.Decided)
        )

    relay, _, _ = play(react, Keeper(gate))
    relay.client.data_received(b"x")
    await settled()
    assert not relay._tasks.running()
    assert "withdraw T-1" not in gate.calls


async def test_who_is_refused_gets_no_gate() -> None:
    keeper = Keeper(refusal=Refusal("28P01", "no"))
    relay, session, _ = play(lambda event: [], keeper)
    session.react = lambda event: [ADMIT] if isinstance(event, saw.BytesReceived) else []
    relay.client.data_received(b"x")
    assert session.seen[-1] == saw.Refused(Refusal("28P01", "no"))


async def test_a_resource_that_does_not_exist_is_refused_after_admission() -> None:
    session = Script(lambda event: [ADMIT] if isinstance(event, saw.BytesReceived) else [])
    keeper = Keeper(where=None)
    relay = Relay(session, Surroundings(keeper), client_address=None)
    relay.client.connection_made(Wire())
    relay.client.data_received(b"x")
    assert isinstance(session.seen[-1], saw.Refused)
    assert keeper.gate.calls == ["close"]


async def test_a_full_peer_stops_the_reading_and_a_session_may_too() -> None:
    relay, session, wire = play(lambda event: [do.Pause(Side.CLIENT)])
    relay.client.data_received(b"x")
    relay.is_full(Side.UPSTREAM, True)
    assert wire.log == ["pause"]
    session.react = lambda event: [do.Resume(Side.CLIENT)]
    relay.client.data_received(b"x")
    assert wire.log == ["pause"]
    relay.is_full(Side.UPSTREAM, False)
    assert wire.log == ["pause", "resume"]


async def test_a_key_is_stretched_off_the_loop() -> None:
    relay, session, _ = play(
        lambda event: [do.DeriveKey(b"pw", b"salt", 1)] if isinstance(event, saw.BytesReceived) else []
    )
    relay.client.data_received(b"x")
    await asyncio.gather(*relay._tasks.running())
    assert isinstance(session.seen[-1], saw.KeyDerived)


@pytest.mark.parametrize(
    "effect",
    [do.DeriveKey(b"pw", b"salt", 1), do.RefreshFacts(Target("h", 1, "app"), True), do.LookUp("localhost", 1)],
    ids=lambda effect: type(effect).__name__,
)
async def test_what_a_connection_that_is_over_asked_for_is_not_begun(effect: Effect) -> None:
    relay, session, _ = play(lambda event: [effect] if isinstance(event, saw.BytesReceived) else [])
    relay.client.data_received(b"x")
    relay.cut("over")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        while relay._tasks.running():
            await asyncio.wait(relay._tasks.running())
        gc.collect()
    assert not any(isinstance(event, (saw.KeyDerived, saw.FactsRefreshed, saw.LookedUp)) for event in session.seen)


async def test_a_target_that_cannot_be_reached_is_an_event() -> None:
    keeper = Keeper(where=Target("127.0.0.1", 1, "app", tls=False))
    relay, session, _ = play(lambda event: [do.OpenUpstream()] if isinstance(event, saw.BytesReceived) else [], keeper)
    relay.client.data_received(b"x")
    await asyncio.gather(*relay._tasks.running())
    assert isinstance(session.seen[-1], saw.UpstreamFailed)


async def test_only_the_last_wish_to_be_woken_counts() -> None:
    now = asyncio.get_running_loop().time()
    moments = iter([now, now + 60.0, None])
    relay, session, _ = play(lambda event: [do.WakeAt(next(moments))] if isinstance(event, saw.BytesReceived) else [])
    relay.client.data_received(b"x")
    relay.client.data_received(b"x")
    await settled()
    assert saw.TimePassed() not in session.seen
    relay.client.data_received(b"x")
    assert relay._alarms._waking is None


@pytest.mark.parametrize("effect", [do.Ask(1, QUESTION), do.Record("d", Outcome()), do.Withdraw(1, "x")])
async def test_a_session_that_was_not_admitted_has_no_gate_to_ask(effect: Effect) -> None:
    session = Script(lambda event: [effect, do.Send(Side.CLIENT, b"went on")])
    relay = Relay(session, Surroundings(Keeper()), client_address=None)
    wire = Wire()
    relay.client.connection_made(wire)
    relay.client.data_received(b"x")
    assert wire.closing or isinstance(effect, do.Withdraw)


async def test_the_owner_of_a_token_is_found_and_another_login_ends_the_one_before() -> None:
    keeper = Keeper()
    relay, session, _ = play(
        lambda event: [do.FindOwner("good"), do.FindOwner("bad")] if isinstance(event, saw.BytesReceived) else [],
        keeper,
    )
    relay.client.data_received(b"x")
    assert session.seen[-2:] == [saw.OwnerFound("ann"), saw.OwnerFound(None)]
    session.react = lambda event: [ADMIT] if isinstance(event, saw.BytesReceived) else []
    relay.client.data_received(b"x")
    assert keeper.gate.calls == ["close"]
    assert isinstance(session.seen[-1], saw.Admitted)


async def test_a_signed_token_is_looked_into_while_others_are_served_and_its_proof_goes_back() -> None:
    keeper = Keeper()
    relay, session, _ = play(
        lambda event: [do.CheckToken("ann", "ey good", "orders")] if isinstance(event, saw.BytesReceived) else [],
        keeper,
    )
    relay.client.data_received(b"x")
    assert not any(isinstance(event, saw.TokenChecked) for event in session.seen)
    await settled()
    proof = Proven("ann", ("dba",))
    assert session.seen[-1] == saw.TokenChecked(True, proof)
    session.react = lambda event: (
        [do.Admit("ann", "orders", "test", True, proof=proof)] if isinstance(event, saw.BytesReceived) else []
    )
    relay.client.data_received(b"x")
    assert keeper.admitted[-1]["proof"] is proof
    admitted = session.seen[-1]
    assert isinstance(admitted, saw.Admitted)
    assert admitted.groups == ("dba",)


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (do.CheckToken("bob", "ey good", "orders"), saw.TokenChecked(False, Proven("ann", ("dba",)))),
        (do.CheckToken("ann", "ey bad", "orders"), saw.TokenChecked(False, Proven(""))),
        (do.CheckToken("", "ey bad", "orders"), saw.TokenChecked(False, Proven(""))),
        (do.FindOwner("ey good", "orders"), saw.OwnerFound("ann", Proven("ann", ("dba",)))),
        (do.FindOwner("ey good", "other"), saw.OwnerFound(None, Proven(""))),
    ],
)
async def test_a_proof_is_of_the_name_that_was_given_or_none(effect: Effect, expected: Event) -> None:
    relay, session, _ = play(lambda event: [effect] if isinstance(event, saw.BytesReceived) else [])
    relay.client.data_received(b"x")
    await settled()
    assert session.seen[-1] == expected


async def test_a_target_that_is_closed_is_heard_of_no_more_and_another_may_be_opened() -> None:
    came: list[asyncio.StreamWriter] = []
    arrived = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(writer)
        arrived.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    wishes: dict[bytes, Effect] = {b"o": do.OpenUpstream(), b"c": do.CloseUpstream()}
    keeper = Keeper(where=Target("127.0.0.1", port, "app", tls=False))
    relay, session, wire = play(
        lambda event: (
            [wishes[event.data]] if isinstance(event, saw.BytesReceived) and event.side is Side.CLIENT else []
        ),
        keeper,
    )
    for _ in range(2):
        relay.client.data_received(b"o")
        await asyncio.wait_for(arrived.wait(), 5)
        arrived.clear()
        relay.is_full(Side.UPSTREAM, True)
        relay.client.data_received(b"c")
        assert wire.log[-1] == "resume", "a peer that is gone is not full"
    relay.client.data_received(b"o")
    relay.client.data_received(b"c")
    await asyncio.gather(*relay._tasks.running())
    await settled()
    assert len(came) >= 2
    assert not any(isinstance(event, saw.EndReceived) for event in session.seen)
    assert not wire.closing
    relay.cut("done")
    server.close()
    await server.wait_closed()


async def test_a_client_that_reads_slowly_gets_its_last_bytes_as_long_as_it_gets_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    later: list[tuple[Callable[..., None], tuple[object, ...]]] = []
    relay, _, wire = play(lambda event: [])
    monkeypatch.setattr(relay._loop, "call_later", lambda seconds, call, *given: later.append((call, given)))
    relay.cut("done")
    for unsent in (900, 500, 100):
        wire.unsent = unsent
        call, given = later.pop()
        call(*given)
        assert not relay.closed.is_set()
    call, given = later.pop()
    call(*given)
    assert relay.closed.is_set(), "nothing moved any more"


async def test_a_session_that_was_admitted_can_be_watched_and_ended() -> None:
    keeper = Keeper()
    relay, session, wire = play(
        lambda event: [do.Close(event.reason)] if isinstance(event, saw.StopRequested) else [], keeper
    )
    connection = keeper.gate.connection
    session.is_waiting = True
    relay.client.data_received(b"x")
    assert connection.was_active()
    assert not connection.was_active()
    session.is_waiting = False
    assert connection.was_active()
    connection.end(Ending(Cause.KILLED, "over"))
    assert session.seen[-1] == saw.StopRequested("over", Cause.KILLED)
    assert wire.closing


async def test_an_errand_outlives_the_session_it_is_for() -> None:
    done = asyncio.Event()

    async def errand(target: Target, data: bytes) -> None:
        await asyncio.sleep(0)
        done.set()

    session = Script(lambda event: [ADMIT] if isinstance(event, saw.TimePassed) else [])
    relay = Relay(session, Surroundings(Keeper(), errand=errand), client_address=None)
    relay.client.connection_made(Wire())
    relay.take(saw.TimePassed())
    session.react = lambda event: [do.Errand(b"stop"), do.Close("over")]
    relay.client.data_received(b"x")
    async with asyncio.timeout(60):
        await done.wait()


async def test_a_connection_is_kept_for_those_it_is_for_and_heard_by_who_takes_it() -> None:
    came: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda reader, writer: came.append(writer), "127.0.0.1", 0)
    keeper = Keeper(where=Target("127.0.0.1", server.sockets[0].getsockname()[1], "app", tls=False))
    kept = KeptConnections()
    wishes: dict[bytes, Effect] = {
        b"o": do.OpenUpstream(kept_for="ana"),
        b"b": do.OpenUpstream(kept_for="bob"),
        b"k": do.KeepUpstream("ana", 10.0),
        b"c": do.CloseUpstream(),
    }

    def react(event: Event) -> list[Effect]:
        if isinstance(event, saw.TimePassed):
            return [ADMIT]
        return [wishes[event.data]] if isinstance(event, saw.BytesReceived) and event.side is Side.CLIENT else []

    session = Script(react)
    relay = Relay(session, Surroundings(keeper, kept=kept), client_address=None)
    relay.client.connection_made(Wire())
    relay.take(saw.TimePassed())

    async def wish(what: bytes) -> type[Event]:
        relay.client.data_received(what)
        await asyncio.gather(*relay._tasks.running())
        return type(session.seen[-1])

    assert await wish(b"o") is saw.UpstreamOpened
    await wish(b"k")
    assert len(kept) == 1
    assert await wish(b"b") is saw.UpstreamOpened, "it is ana's"
    await wish(b"c")
    assert await wish(b"o") is saw.UpstreamReused
    assert (len(came), len(kept)) == (2, 0)
    came[0].write(b"answer")
    async with asyncio.timeout(60):
        while session.seen[-1] != saw.BytesReceived(Side.UPSTREAM, b"answer"):
            await asyncio.sleep(0)
    relay.cut("done")
    for writer in came:
        writer.close()
    server.close()
    await server.wait_closed()
    await settled()


async def test_where_nobody_keeps_connections_one_that_is_to_be_kept_ends() -> None:
    session = Script(lambda event: [do.KeepUpstream("ana", 10.0)] if isinstance(event, saw.BytesReceived) else [])
    relay = Relay(session, Surroundings(Keeper()), client_address=None)
    relay.client.connection_made(Wire())
    before = relay._upstream
    relay.client.data_received(b"x")
    assert relay._upstream is not before
    assert before.is_gone


async def test_who_proved_nothing_has_no_credential_fetched() -> None:
    class Slow(Keeper):
        def is_ready(self, resource: str) -> bool:
            raise AssertionError

    relay, _, _ = play(lambda event: [], Keeper())
    relay._with = Surroundings(Slow(refusal=Refusal("28000", "no")))
    relay._session.react = lambda event: (  # type: ignore[attr-defined]
        [replace(ADMIT, proven=False)] if isinstance(event, saw.BytesReceived) else []
    )
    relay.hear(Side.CLIENT, b"x")
