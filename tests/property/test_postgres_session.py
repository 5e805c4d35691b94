"""What holds for every PostgreSQL session, whatever its peers do: only granted bytes went up, pieces do not matter, garbage
ends with one error.

The state machine plays a client that sends any messages in any order and a gate that says yes or no. The server is a small
model that answers as PostgreSQL does: in order, and after an error nothing up to Sync.
"""

from __future__ import annotations

import struct

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.events import BytesReceived, Side
from adapters.core.ports import Cause
from adapters.postgres.session import PostgresSession
from tests import wire
from tests.wire import (
    SYNC,
    allow,
    bind,
    close,
    deny,
    describe,
    error,
    execute,
    message,
    parse,
    query,
    ready,
    split,
    tag,
)

NAMES = st.sampled_from(["", "n", "n"])
TEXTS = st.sampled_from(["select 1", "delete from t", "drop table t"])
OURS = ("sallyport_denied", "sallyport", "pg_catalog.current_schemas", "BEGIN", "COMMIT", "ROLLBACK")

extended = st.one_of(
    st.builds(parse, TEXTS, NAMES),
    st.builds(bind, NAMES, NAMES),
    st.builds(describe, st.sampled_from(["S", "P"]), NAMES),
    st.builds(execute, NAMES),
    st.builds(close, st.sampled_from(["S", "P"]), NAMES),
    st.just(wire.FLUSH),
)
groups = st.one_of(
    st.builds(query, TEXTS),
    st.builds(lambda group: b"".join(group) + SYNC, st.lists(extended, min_size=1, max_size=5)),
    st.builds(lambda text, name: parse(text, name) + SYNC, TEXTS, NAMES),
    st.builds(lambda name: bind(name) + execute() + SYNC, NAMES),
)
messages = st.one_of(groups, groups, groups, extended, st.just(SYNC))


class Server:
    """Answers as a server would, and remembers which text ran."""

    def __init__(self) -> None:
        self.statements: dict[str, str] = {}
        self.portals: dict[str, str] = {}
        self.ran: list[str] = []
        self.skips = False

    def take(self, data: bytes) -> bytes:
        out = b""
        for kind, body in split(data):
            if kind == "S":
                self.skips = False
                self.portals.clear()
                out += ready()
            elif not self.skips:
                answer = self._answer(kind, body)
                self.skips = answer[:1] == b"E"
                out += answer
        return out

    def _answer(self, kind: str, body: bytes) -> bytes:
        parts = body.split(b"\0")
        first = parts[0].decode()
        match kind:
            case "P":
                text = parts[1].decode()
                if not first:
                    self.statements.pop("", None)
                if text.startswith(")"):
                    return error("42601")
                if first and first in self.statements:
                    return error("42P05")
                self.statements[first] = text
                return wire.PARSED
            case "B":
                text = self.statements.get(parts[1].decode())
                if text is None:
                    return error("26000")
                if first and first in self.portals:
                    return error("42P03")
                self.portals[first] = text
                return wire.BOUND
            case "D":
                known = self.statements if first[0] == "S" else self.portals
                if first[1:] not in known:
                    return error("26000" if first[0] == "S" else "34000")
                return (message("t", b"\0\0") if first[0] == "S" else b"") + wire.NO_DATA
            case "E":
                found = self.portals.get(first)
                if found is None:
                    return error("34000")
                self.ran.append(found)
                if "current_schemas" in found:
                    return wire.row('["public"]', "app", "app") + tag("SELECT 1")
                return tag("SELECT 0")
            case "C":
                (self.statements if first[0] == "S" else self.portals).pop(first[1:], None)
                return wire.CLOSED
            case _:
                return b""


class OnlyGrantedTextsRun(RuleBasedStateMachine):
    """Each run of a client's text is one grant of that very text, given before it and used once."""

    def __init__(self) -> None:
        super().__init__()
        play = wire.SignedIn()
        self.session = play.session
        self.server = Server()
        self.open: list[do.Ask] = []
        self.granted: list[str] = []
        self.pending = b""
        self.down = b""
        self.closed = False

    def take(self, effects: list[do.Effect]) -> None:
        for effect in effects:
            match effect:
                case do.Send(Side.UPSTREAM, data):
                    assert not self.closed, "something goes up after the end"
                    self.pending += data
                case do.Send(Side.CLIENT, data):
                    self.down += data
                case do.Ask():
                    self.open.append(effect)
                case do.Close():
                    self.closed = True
                case _:
                    pass

    @rule(batch=st.lists(groups, min_size=1, max_size=3))
    def client_sends(self, batch: list[bytes]) -> None:
        self.take(self.session.handle(BytesReceived(Side.CLIENT, b"".join(batch)), 0.0))

    @rule(grants=st.booleans())
    def gate_answers(self, grants: bool) -> None:
        if not self.open:
            return
        asked = self.open.pop(0)
        if grants and not asked.question.prepares:
            self.granted.append(asked.question.text.decode())
        self.take(self.session.handle(saw.Decided(asked.ticket, allow() if grants else deny()), 0.0))

    @rule()
    def server_answers(self) -> None:
        data, self.pending = self.pending, b""
        if data and not self.closed:
            self.take(self.session.handle(BytesReceived(Side.UPSTREAM, self.server.take(data)), 0.0))

    @rule(batch=st.lists(groups, min_size=1, max_size=3), grants=st.sampled_from([True, True, False]))
    def they_converse(self, batch: list[bytes], grants: bool) -> None:
        for group in batch:
            self.client_sends([group])
            self.everybody_answers(grants)

    @rule(grants=st.booleans())
    def everybody_answers(self, grants: bool) -> None:
        while (self.open or self.pending) and not self.closed:
            self.server_answers()
            self.gate_answers(grants)

    @rule(cause=st.sampled_from(Cause))
    def somebody_wants_it_to_end(self, cause: Cause) -> None:
        was_waiting = self.session.is_waiting
        self.take(self.session.handle(saw.StopRequested("that is all", cause), 0.0))
        assert self.closed or not (cause.is_urgent or (cause is Cause.IDLE and was_waiting))

    @invariant()
    def the_client_sees_whole_messages_and_at_most_one_end(self) -> None:
        seen = split(self.down)
        fatal = [number for number, (kind, body) in enumerate(seen) if kind == "E" and b"SFATAL" in body]
        assert fatal in ([], [len(seen) - 1])

    @invariant()
    def only_granted_texts_ran(self) -> None:
        left = list(self.granted)
        for text in self.server.ran:
            if not any(mark in text for mark in OURS):
                assert text in left, f"{text!r} ran without a grant of its own"
                left.remove(text)

    @invariant()
    def one_question_is_open_at_a_time(self) -> None:
        assert len(self.open) <= 1


TestOnlyGrantedTextsRun = OnlyGrantedTextsRun.TestCase
TestOnlyGrantedTextsRun.settings = settings(max_examples=150, stateful_step_count=15)


def played(pieces: list[bytes], verdicts: list[bool]) -> tuple[list[str], bytes]:
    """What runs and what the client sees, with a server that answers at once."""
    session, server = wire.SignedIn().session, Server()
    answers = iter(verdicts * 50)
    down = b""
    todo: list[saw.Event] = [BytesReceived(Side.CLIENT, piece) for piece in pieces]
    while todo:
        caused: list[saw.Event] = []
        for effect in session.handle(todo.pop(0), 0.0):
            match effect:
                case do.Send(Side.UPSTREAM, data):
                    caused.append(BytesReceived(Side.UPSTREAM, server.take(data)))
                case do.Send(Side.CLIENT, data):
                    down += data
                case do.Ask(ticket, _):
                    caused.append(saw.Decided(ticket, allow() if next(answers) else deny()))
                case _:
                    pass
        todo[:0] = caused
    return server.ran, down


@given(st.lists(messages, max_size=8), st.lists(st.booleans(), min_size=1, max_size=8), st.data())
@settings(max_examples=60)
def test_the_pieces_in_which_bytes_come_do_not_matter(
    batch: list[bytes], verdicts: list[bool], data: st.DataObject
) -> None:
    whole = b"".join(batch) + SYNC
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    parts = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    at_once = played([whole], verdicts)
    # Where a peer broke the protocol, what that turn had for the target is dropped: the turn is the piece.
    assume(b"SFATAL" not in at_once[1])
    assert played(parts, verdicts) == at_once


def refused_properly(effects: list[do.Effect]) -> None:
    """A session that ends says so with one FATAL error of a documented code and sends nothing up in that turn."""
    if any(isinstance(effect, do.Close) for effect in effects):
        sent = b"".join(effect.data for effect in effects if isinstance(effect, do.Send) and effect.side is Side.CLIENT)
        if sent[-1:] == b"\0" and b"SFATAL" in sent:
            assert any(code in sent for code in (b"C08P01", b"C0A000", b"C54000", b"C28000", b"C08006", b"C28P01"))
        assert not any(isinstance(effect, do.Send) and effect.side is Side.UPSTREAM for effect in effects)


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_garbage_before_sign_in_ends_with_one_documented_error(blobs: list[bytes]) -> None:
    session = PostgresSession(wire.settings())
    for blob in blobs:
        refused_properly(session.handle(BytesReceived(Side.CLIENT, blob), 0.0))


@given(st.sampled_from("QPBDECHSFXdcfp?"), st.binary(max_size=40), st.one_of(st.none(), st.integers(0, 2**32 - 1)))
def test_garbage_from_a_client_ends_with_one_documented_error(kind: str, body: bytes, length: int | None) -> None:
    blob = message(kind, body) if length is None else kind.encode() + struct.pack("!I", length) + body
    refused_properly(wire.SignedIn().session.handle(BytesReceived(Side.CLIENT, blob), 0.0))


@given(st.lists(st.tuples(st.sampled_from("123CDEGHIKNRSTVWZnstAcdv?"), st.binary(max_size=30)), max_size=4))
def test_garbage_from_a_target_ends_with_one_documented_error(replies: list[tuple[str, bytes]]) -> None:
    play = wire.SignedIn().client(query("select 1")).learn().answer(allow())
    for kind, body in replies:
        refused_properly(play.session.handle(BytesReceived(Side.UPSTREAM, message(kind, body)), 0.0))
