"""The short way of a PostgreSQL session wishes what the long way wishes, in every dialogue; and what the kernel recognises,
the session's own decoders read the same.

Two sessions see the same events. One may take the short way, the other never does; after each event their wishes are compared.
"""

from __future__ import annotations

import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import Answer
from adapters.errors import PeerProtocolError
from adapters.postgres.messages import query as decoders
from adapters.postgres.messages.results import rows_of
from adapters.postgres.session import PostgresSession
from adapters.postgres.session.naming import is_fetch, may_execute
from adapters.postgres.session.short import Short, types_of
from adapters.postgres.session.simple import may_copy
from engine._native import short_query, short_reply, short_run
from engine.command.tree import Effect as CommandEffect
from engine.decision import Obligation
from tests import wire
from tests.property.test_postgres_session import NAMES, Server, extended, messages
from tests.wire import (
    SYNC,
    SignedIn,
    allow,
    bind,
    deny,
    describe,
    described,
    execute,
    hold,
    mask,
    message,
    parse,
    query,
)

TEXTS = st.sampled_from(
    ["select 1", "select 1;", "begin", "commit", "select 1; select 2", "copy t from stdin", "set a = 1"]
)
ANSWERS: tuple[Answer, ...] = (
    *(allow(), allow(), allow(), allow()),
    *(deny(), hold(), mask()),
    allow(Obligation("rows", 1, "p/R")),
    allow(command=wire.tree("set", CommandEffect.SESSION)),
    allow(command=wire.tree("create_table", CommandEffect.CREATE)),
    Answer(allow().decision, "d-unseen"),
)
values = st.lists(st.one_of(st.none(), st.binary(max_size=4)), max_size=2).map(tuple)
plain = st.one_of(
    st.builds(query, TEXTS),
    st.builds(lambda name, given: bind(name, parameters=given) + describe() + execute() + SYNC, NAMES, values),
    st.builds(lambda name: bind(name) + execute() + SYNC, NAMES),
    st.builds(lambda text, name: parse(text, name) + bind(name) + describe() + execute() + SYNC, TEXTS, NAMES),
    st.builds(lambda text, name: parse(text, name) + SYNC, TEXTS, NAMES),
)
exchanges = st.tuples(st.just("exchange"), st.tuples(plain, st.sampled_from(ANSWERS), st.sampled_from([0, 0, 1, 9])))
moves = st.one_of(
    exchanges,
    exchanges,
    exchanges,
    st.tuples(st.just("client"), st.one_of(plain, plain, plain, messages, extended, st.just(b""))),
    st.tuples(st.just("answer"), st.sampled_from(ANSWERS)),
    st.tuples(st.just("answer"), st.just(ANSWERS[0])),
    st.tuples(st.just("server"), st.integers(0, 40)),
    st.tuples(st.just("server"), st.just(0)),
    st.tuples(st.just("server"), st.just(0)),
    st.tuples(st.just("notice"), st.none()),
    st.tuples(st.sampled_from(["interrupt", "time", "stop"]), st.none()),
)


class Rows(Server):
    """A server whose selects have rows and whose BEGIN begins."""

    def __init__(self) -> None:
        super().__init__()
        self.is_open = False

    def take(self, data: bytes) -> bytes:
        answer = super().take(data)
        return answer.replace(wire.ready(), wire.ready("T")) if self.is_open else answer

    def _answer(self, kind: str, body: bytes) -> bytes:
        answer = super()._answer(kind, body)
        if answer == wire.NO_DATA and self.portals.get("", "").startswith("select"):
            return described("a")
        if kind == "E" and answer == wire.tag("SELECT 0"):
            ran = self.ran[-1]
            if ran in ("begin", "commit"):
                self.is_open = ran == "begin"
                return wire.tag(ran.upper())
            if ran.startswith("select"):
                return wire.row("1") + wire.row(None) + wire.tag("SELECT 2")
        return answer


class Never(Short):
    """A short way that nobody can take."""

    def ask(self, data: bytes) -> do.Ask | None:
        return None


class Relayed:
    """A session driven as the relay drives it: by its short way where it has one. What that says is told as wishes."""

    def __init__(self, session: PostgresSession) -> None:
        self._session = session
        self._asked = 0
        self.taken = 0

    def handle(self, event: saw.Event, now: float) -> list[do.Effect]:
        short = self._session.short_way
        match event:
            case saw.BytesReceived(Side.CLIENT, data) if short is not None:
                ask = short.ask(data, now)
                if ask is not None:
                    self._asked = ask.ticket
                    return [ask]
            case saw.BytesReceived(Side.UPSTREAM, data) if short is not None:
                found = short.reply(data, now)
                if found is not None:
                    self.taken += 1
                    return [do.Send(Side.CLIENT, found[0]), found[1]]
            case saw.Decided(ticket, answer) if short is not None and ticket == self._asked:
                up = short.granted(answer)
                if up is not None:
                    return [do.Send(Side.UPSTREAM, up)]
            case _:
                pass
        return self._session.handle(event, now)


class Both:
    """Three sessions that see the same: by events, by events without a short way, and as the relay does it."""

    def __init__(self) -> None:
        self.plays = [SignedIn(), SignedIn(), SignedIn()]
        server = Rows()
        for play in self.plays:
            play.client(query("select 0")).learn().answer(allow())
            play.upstream(server.take(play.sent(Side.UPSTREAM)))
            play.wishes.clear()
        ready = self.plays[1].session._ready  # type: ignore[attr-defined]  # the one thing that differs between the two
        ready._short = Never(ready._desk)
        self.relayed = Relayed(self.plays[2].session)
        self.server = Rows()
        self.owed = b""
        self.tickets: list[int] = []
        self.shorts = 0

    def see(self, event: saw.Event) -> None:
        short, long = (play.session.handle(event, 1.0) for play in self.plays[:2])
        assert short == long, f"{event}: the short way wished {short}, the long way {long}"
        relayed = self.relayed.handle(event, 1.0)
        assert relayed == long, f"{event}: the relay would do {relayed}, the long way wished {long}"
        for effect in long:
            match effect:
                case do.Send(Side.UPSTREAM, data):
                    self.owed += self.server.take(data)
                case do.Ask(ticket, _):
                    self.tickets.append(ticket)
                    self.shorts += self.plays[0].session._ready._short.pending is not None  # type: ignore[attr-defined]
                case _:
                    pass

    def move(self, move: str, given: object) -> None:
        match move, given:
            case "client", bytes() as data:
                self.see(saw.BytesReceived(Side.CLIENT, data))
            case "exchange", (bytes() as data, Answer() as answer, int() as held_back):
                self.move("client", data)
                self.move("answer", answer)
                self.move("server", held_back)
                self.move("server", 0)
            case "answer", Answer() as answer:
                if self.tickets:
                    self.see(saw.Decided(self.tickets.pop(), answer))
            case "server", int() as held_back:
                cut = max(len(self.owed) - held_back, 0)
                now, self.owed = self.owed[:cut], self.owed[cut:]
                if now:
                    self.see(saw.BytesReceived(Side.UPSTREAM, now))
            case "notice", _:
                self.owed = wire.fields("N", S="NOTICE", C="00000", M="n") + self.owed
            case "interrupt", _:
                self.see(saw.InterruptRequested())
            case "time", _:
                self.see(saw.TimePassed())
            case _:
                self.see(saw.StopRequested("soon"))


@given(st.lists(moves, max_size=25))
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_both_ways_wish_the_same(dialogue: list[tuple[str, object]]) -> None:
    both = Both()
    for move, what in dialogue:
        both.move(move, what)
    ends = [play.session._ready._desk for play in both.plays]  # type: ignore[attr-defined]
    for end in ends[1:]:
        assert ends[0].names.statements == end.names.statements
        assert ends[0].names.portals.keys() == end.names.portals.keys()
        assert ends[0].replies.status == end.replies.status


@pytest.mark.parametrize(
    "data",
    [query("select 1"), query("select 1;"), parse("select 1") + bind() + describe() + execute() + SYNC],
    ids=["simple", "semicolon", "extended"],
)
def test_what_clients_mostly_send_takes_the_short_way(data: bytes) -> None:
    both = Both()
    for _ in range(2):
        both.move("client", data)
        both.move("answer", allow())
        both.move("server", 0)
    assert both.shorts == both.relayed.taken == 2


def test_a_prepared_statement_takes_the_short_way() -> None:
    both = Both()
    both.move("client", parse("select $1", "n") + SYNC)
    both.move("answer", allow())
    both.move("server", 0)
    both.move("client", bind("n", parameters=(b"1",)) + execute() + SYNC)
    both.move("answer", allow())
    both.move("server", 0)
    assert both.shorts == 1


def with_types(text: str, name: str, types: list[int]) -> bytes:
    """A run whose Parse says of what types its parameters are."""
    packed = struct.pack(f"!h{len(types)}I", len(types), *types)
    return message("P", name.encode() + b"\0" + text.encode() + b"\0" + packed) + bind(name) + execute() + SYNC


typed = st.builds(with_types, TEXTS, NAMES, st.lists(st.integers(0, 2**32 - 1), max_size=3))


@given(st.one_of(plain.filter(lambda data: data[:1] != b"Q"), typed), st.data())
def test_what_is_recognised_is_read_the_same_by_the_decoders(data: bytes, draws: st.DataObject) -> None:
    changed = bytearray(data)
    for _ in range(draws.draw(st.integers(0, 3))):
        changed[draws.draw(st.integers(0, len(data) - 1))] = draws.draw(st.integers(0, 255))
    found = short_run(bytes(changed))
    if found is None:
        return
    statement, text, parameters, has_description = found
    parts = dict(wire.split(bytes(changed)))
    bound = decoders.decode_bind(parts["B"])
    assert (bound.portal, bound.statement) == (b"", statement)
    assert decoders.decode_parameters(bound.rest) == parameters
    assert decoders.decode_execute(parts["E"]) == decoders.Execute(b"", 0)
    assert ("D" in parts) is has_description
    assert ("P" in parts) is (text is not None)
    if text is not None:
        types = types_of(bytes(changed), statement, text)
        assert decoders.decode_parse(parts["P"]) == decoders.Parse(statement, text, types)


QUERIES = st.one_of(
    st.binary(max_size=30),
    st.text(alphabet="selct; \n\0'EXUTOPY", max_size=30).map(str.encode),
    st.sampled_from([b"select 1;;", b"Execute n", b"COPY t TO stdout", b"select ';'"]),
)


@given(QUERIES, st.sampled_from([b"", b"x"]))
def test_a_simple_query_is_read_and_run_as_the_encoders_do_it(text: bytes, behind: bytes) -> None:
    found = short_query(message("Q", text + b"\0") + behind)
    is_one = bool(text.strip(b"; \t\r\n")) and b";" not in text.rstrip(b"; \t\r\n")
    if behind or b"\0" in text or may_execute(text) or is_fetch(text) or may_copy(text) or not is_one:
        assert found is None
    else:
        run = decoders.encode_parse(text) + decoders.encode_bind() + decoders.DESCRIBE_PORTAL + decoders.EXECUTE_ALL
        assert found == (text, run + decoders.SYNC)
        assert decoders.decode_query(text + b"\0") == text


@given(st.binary(max_size=80))
def test_no_bytes_make_the_kernel_raise(data: bytes) -> None:
    short_query(data)
    assert short_run(data) is None or data[:1] in (b"P", b"B")
    assert short_reply(data) is None or data[:1] in (b"1", b"2")


@given(
    st.lists(st.one_of(st.none(), st.binary(max_size=6)), max_size=4),
    st.lists(st.sampled_from([0, 1, 2, -1]), max_size=4),
)
def test_bound_values_are_told_as_the_decoder_tells_them(given: list[bytes | None], formats: list[int]) -> None:
    cells = b"".join(struct.pack("!i", -1) if v is None else struct.pack("!i", len(v)) + v for v in given)
    rest = struct.pack(f"!h{len(formats)}h", len(formats), *formats) + struct.pack("!h", len(given)) + cells + b"\0\0"
    found = short_run(message("B", b"\0n\0" + rest) + execute() + SYNC)
    try:
        wanted: tuple[str | None, ...] | None = decoders.decode_parameters(rest)
    except PeerProtocolError:
        wanted = None
    if found is not None:
        assert found[2] == wanted


@given(
    st.sampled_from(["SELECT 3", "INSERT 0 5", "BEGIN", "SELECT 99999999999999999999999", "X 007", ""]), st.booleans()
)
def test_a_reply_is_counted_as_the_session_counts(tag: str, has_rows: bool) -> None:
    rows = wire.row("1") if has_rows else b""
    data = wire.BOUND + rows + message("C", tag.encode() + b"\0") + wire.ready()
    found = short_reply(data)
    if found is not None:
        assert found == (False, 0, len(wire.BOUND), len(rows), rows_of(tag.encode()), ord("I"))
