"""A session that gives its connection up between two transactions, and comes by another: what goes where, and what keeps it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.buffer import HIGH_WATER
from adapters.core.events import Side
from adapters.core.ports import Answer, Cause
from adapters.postgres.session import PostgresSession
from adapters.postgres.session.moving import MAX_WAITING
from adapters.postgres.session.pooled import Estate, Kin, Pooling
from engine.command.tree import Effect as CommandEffect
from engine.decision import MaskItem
from tests.playbook import Playbook
from tests.unit.adapters.postgres.session.test_lane import Same
from tests.wire import (
    BOUND,
    NO_DATA,
    PARSED,
    TARGET,
    allow,
    bind,
    deny,
    describe,
    described,
    error,
    errors,
    execute,
    hold,
    kinds,
    mask,
    message,
    packet,
    parse,
    query,
    ready,
    row,
    settings,
    split,
    standing,
    startup,
    tag,
    tree,
)

PLACE = replace(TARGET, own=Pooling(1, by_transaction=True))
WHO = ("app", "app", "attributes", None, "5,t,t", "0")
FIRST = Estate(
    b"\0\0\0\7key1", {"TimeZone": "UTC", "is_superuser": "off"}, (b"app", b"app", b"attributes", None, b"5,t,t", b"0")
)
SECOND = replace(FIRST, key=b"\0\0\0\x08key2")
PLAIN = allow(command=tree())
DONE = PARSED + BOUND + NO_DATA + tag("SELECT 1") + ready()
SYNC = message("S")


class Moved(Playbook):
    """Signed in on the first connection, by a pool that works by transaction."""

    def __init__(self, first: Estate = FIRST) -> None:
        super().__init__(PostgresSession(settings()))
        self.client(packet(struct.pack("!I", 80877103))).saw(saw.TlsStarted(Side.CLIENT))
        self.client(startup(user="ann", database="orders"))
        self.client(message("p", b"token\0")).saw(saw.TokenChecked(True)).saw(saw.Admitted("s-1", PLACE))
        self.saw(saw.UpstreamLeased(first))
        self.wishes.clear()

    def run(self, answer: Answer = PLAIN, done: bytes = DONE) -> Moved:
        """A simple query from question to answer; the server is asked where the session stands when that is not known."""
        self.client(query("select 1"))
        if any(isinstance(wish, do.Send) and wish.side is Side.UPSTREAM for wish in self.wishes):
            self.wishes.clear()
            self.upstream(standing())
        self.saw(saw.Decided(self.take(do.Ask).ticket, answer))
        self.wishes.clear()
        return self.upstream(done) if done else self

    def wanted(self) -> Moved:
        self.wishes.clear()
        return self.saw(saw.UpstreamWanted())

    def away(self) -> Moved:
        """It gave its connection up."""
        self.wanted()
        self.take(do.ReturnUpstream)
        self.wishes.clear()
        return self

    def back(self, estate: Estate = SECOND) -> Moved:
        """It comes by another one."""
        self.take(do.LeaseUpstream)
        self.wishes.clear()
        return self.saw(saw.UpstreamLeased(estate))

    @property
    def is_given_up(self) -> bool:
        return any(isinstance(wish, do.ReturnUpstream) for wish in self.wishes)


def test_between_two_transactions_it_gives_up_what_somebody_wants() -> None:
    play = Moved().run().wanted()
    assert play.wishes == [do.ReturnUpstream(FIRST)]
    # A second word finds nothing to give.
    play.wanted().wished_nothing()


def test_who_was_asked_before_it_was_ready_is_greeted_and_gives_up_at_once() -> None:
    play = Playbook(PostgresSession(settings()))
    play.client(packet(struct.pack("!I", 80877103))).saw(saw.TlsStarted(Side.CLIENT))
    play.client(startup(user="ann", database="orders"))
    play.client(message("p", b"token\0")).saw(saw.TokenChecked(True)).saw(saw.Admitted("s-1", PLACE))
    play.saw(saw.UpstreamWanted())
    play.wishes.clear()
    play.saw(saw.UpstreamLeased(FIRST))
    assert kinds(play.sent(Side.CLIENT)) == "RSSKZ"
    assert play.take(do.ReturnUpstream).estate == FIRST


def test_what_comes_next_waits_and_runs_on_the_next_connection() -> None:
    play = Moved().run().away()
    play.client(query("select 2")[:7])
    assert play.take(do.LeaseUpstream).kin == Kin("orders", PLACE, ())
    play.client(query("select 2")[7:])
    play.wishes.clear()
    play.saw(saw.UpstreamLeased(SECOND))
    assert play.wishes[0] == do.RecordUpstream("a connection of the pool, backend 8")
    assert do.Resume(Side.CLIENT) in play.wishes
    # Where it stands is asked anew: what was known is of another connection.
    assert kinds(play.sent(Side.UPSTREAM)) == "PBECCS"
    assert play.sent(Side.CLIENT) == b""
    play.upstream(standing())
    assert play.take(do.Ask).question.text == b"select 2"


def test_a_new_connection_is_signed_in_with_a_nonce_of_its_own() -> None:
    offer = message("R", struct.pack("!I", 10) + b"SCRAM-SHA-256\0\0")
    nonces = []
    play = Moved().run().away()
    for _ in range(2):
        play.client(query("select 2"))
        play.take(do.LeaseUpstream)
        play.wishes.clear()
        play.saw(saw.UpstreamOpened(False)).upstream(offer)
        nonces.append(play.sent(Side.UPSTREAM).partition(b"r=")[2])
        play.saw(saw.UpstreamLeased(SECOND)).upstream(standing())
        play.saw(saw.Decided(play.take(do.Ask).ticket, PLAIN)).upstream(DONE)
        play.away()
    assert len(set(nonces)) == 2
    assert b"clientNonce" not in b"".join(nonces)


def test_a_new_connection_has_to_be_as_the_first_one_was() -> None:
    play = Moved().run().away().client(query("select 2"))
    play.take(do.LeaseUpstream)
    play.saw(saw.UpstreamOpened(False))
    play.wishes.clear()
    greeting = message("S", b"TimeZone\0UTC\0") + message("S", b"is_superuser\0off\0")
    play.upstream(message("R", bytes(4)) + greeting + message("K", SECOND.key) + ready())
    assert kinds(play.sent(Side.UPSTREAM)) == "Q"
    play.upstream(described(*"abcdef") + row(*WHO) + tag("SELECT 1") + ready())
    assert play.wishes[0] == do.RecordUpstream("a new connection, backend 8")
    assert kinds(play.sent(Side.UPSTREAM)) == "PBECCS"


@pytest.mark.parametrize(
    "other",
    [
        replace(SECOND, who=(b"app", b"other", *SECOND.who[2:])),
        replace(SECOND, statuses={**SECOND.statuses, "TimeZone": "Asia/Tokyo"}),
        replace(SECOND, statuses={**SECOND.statuses, "in_hot_standby": "on"}),
        replace(SECOND, statuses={"TimeZone": "UTC"}),
    ],
)
def test_on_one_that_is_not_nothing_runs_and_the_session_ends(other: Estate) -> None:
    play = Moved().run().away().client(query("select 2")).back(other)
    assert errors(play.sent(Side.CLIENT))[0]["C"] == "57P01"
    assert play.sent(Side.UPSTREAM) == b""
    play.take(do.Close)


# --- what keeps it


@pytest.mark.parametrize(
    "answer",
    [
        msgspec.structs.replace(PLAIN, command=None),
        allow(command=tree("set", CommandEffect.SESSION)),
        allow(command=tree("create_table", CommandEffect.CREATE)),
        allow(command=tree("prepare", CommandEffect.SESSION)),
        allow(command=tree("select", features=("temp_object",))),
    ],
)
def test_what_it_would_miss_keeps_it_and_the_short_way_is_open_again(answer: Answer) -> None:
    play = Moved().run(answer).wanted()
    play.wished_nothing()
    assert play.session.short_way is not None  # type: ignore[attr-defined]  # a session


def test_a_setting_that_is_reported_otherwise_keeps_it() -> None:
    play = Moved().run().upstream(message("S", b"TimeZone\0Asia/Tokyo\0")).wanted().wished_nothing()
    play.upstream(message("S", b"TimeZone\0UTC\0")).wanted()
    assert isinstance(play, Moved)
    assert play.is_given_up


@pytest.mark.parametrize("flips", [b"on", b"on off"])
def test_a_superusers_role_keeps_it(flips: bytes) -> None:
    play = Moved().run()
    for word in flips.split():
        play.upstream(message("S", b"is_superuser\0" + word + b"\0"))
    play.wanted().wished_nothing()
    Moved(replace(FIRST, statuses={**FIRST.statuses, "is_superuser": "on"})).run().wanted().wished_nothing()


def test_a_verdict_that_masks_or_holds_keeps_it_and_a_denial_does_not() -> None:
    play = Moved().run(deny(), error("42601") + ready()).wanted()
    assert play.is_given_up
    play = Moved()
    plan = mask(MaskItem(0, (), "null"))
    play.run(plan, b"").upstream(PARSED + BOUND + described("c")).upstream(row("x") + tag("SELECT 1") + ready())
    assert kinds(play.sent(Side.CLIENT)) == "TDCZ"
    play.wanted().wished_nothing()
    play = Moved().run(hold(), b"").wanted()
    play.saw(saw.InterruptRequested()).upstream(error("42601") + ready())
    assert errors(play.sent(Side.CLIENT))[0]["C"] == "57014"
    assert not play.is_given_up


# --- moments


def test_a_transaction_ends_first() -> None:
    play = Moved().run(done=PARSED + BOUND + NO_DATA + tag("BEGIN") + ready("T")).wanted()
    play.wished_nothing()
    assert play.session.short_way is None  # type: ignore[attr-defined]  # a session
    play.run()
    assert play.is_given_up


def test_what_runs_ends_first() -> None:
    play = Moved().run(done=b"").wanted()
    play.wished_nothing()
    play.upstream(DONE[:-3]).upstream(DONE[-3:])
    assert play.is_given_up
    assert play.session.short_way is None  # type: ignore[attr-defined]  # a session


def test_half_a_message_of_the_client_is_waited_for() -> None:
    play = Moved().run()
    play.wishes.clear()
    play.client(query("select 2")[:6]).saw(saw.UpstreamWanted()).wished_nothing()


def test_a_group_that_only_prepared_is_ended_unseen() -> None:
    play = Moved().run()
    play.client(parse("select 2", "p") + describe("S", "p") + message("H"))
    play.saw(saw.Decided(play.take(do.Ask).ticket, PLAIN))
    play.wishes.clear()
    play.upstream(PARSED + message("t", bytes(2)) + described("c")).wanted()
    assert play.sent(Side.UPSTREAM) == SYNC
    assert not play.is_given_up
    play.upstream(ready())
    assert play.is_given_up
    assert play.sent(Side.CLIENT) == b""


def test_a_group_that_ran_something_is_not() -> None:
    play = Moved().run()
    play.client(parse("select 2") + bind() + execute() + message("H"))
    play.saw(saw.Decided(play.take(do.Ask).ticket, PLAIN))
    play.upstream(PARSED + BOUND + tag("SELECT 1")).wanted()
    play.wished_nothing()


# --- prepared statements


def prepared() -> Moved:
    """It prepared a statement with a type, and gave its connection up."""
    play = Moved().run()
    typed = message("P", b"p\0select $1\0" + struct.pack("!hI", 1, 23))
    play.client(typed + SYNC)
    play.saw(saw.Decided(play.take(do.Ask).ticket, PLAIN))
    play.upstream(PARSED + ready())
    return play.away()


TYPED = b"p\0select $1\0" + struct.pack("!hI", 1, 23)


@pytest.mark.parametrize(
    ("uses", "goes_up", "answers", "shown"),
    [
        (bind("p") + execute(), "PBES", PARSED + BOUND + tag("SELECT 1"), "2CZ"),
        (bind("p") + execute() + bind("p") + execute(), "PBEBES", PARSED + (BOUND + tag("SELECT 1")) * 2, "2C2CZ"),
    ],
)
def test_a_statement_is_made_where_it_is_used_and_nobody_sees_it(
    uses: bytes, goes_up: str, answers: bytes, shown: str
) -> None:
    play = prepared().client(uses + SYNC)
    assert isinstance(play, Moved)
    play.back()
    play.wishes.clear()
    play.upstream(standing())
    while any(isinstance(wish, do.Ask) for wish in play.wishes):
        play.saw(saw.Decided(play.take(do.Ask).ticket, PLAIN))
    sent = split(play.sent(Side.UPSTREAM))
    assert "".join(kind for kind, _ in sent) == goes_up
    assert sent[0] == ("P", TYPED)
    play.sent(Side.CLIENT)
    play.upstream(answers + ready())
    assert kinds(play.sent(Side.CLIENT)) == shown
    play.client(bind("p") + execute() + SYNC)
    play.saw(saw.Decided(play.take(do.Ask).ticket, PLAIN))
    assert kinds(play.sent(Side.UPSTREAM)) == "BES"


def test_a_statement_is_made_to_be_described_and_a_taken_name_stays_taken() -> None:
    for uses, goes_up in ((describe("S", "p"), "PDS"), (parse("select 2", "p"), "PPS")):
        play = prepared()
        play.client(uses + SYNC)
        play.take(do.LeaseUpstream)
        play.wishes.clear()
        play.saw(saw.UpstreamLeased(SECOND))
        if goes_up == "PPS":
            play.wishes.clear()
            play.upstream(standing())
            play.saw(saw.Decided(play.take(do.Ask).ticket, PLAIN))
        sent = split(play.sent(Side.UPSTREAM))
        assert "".join(kind for kind, _ in sent) == goes_up
        assert sent[0] == ("P", TYPED)


def test_the_lane_stays_shut() -> None:
    play = Moved().run()
    session = play.session
    assert isinstance(session, PostgresSession)
    short = session.short_way
    assert short is not None
    assert short.ask(query("select 1"), 1.0) is not None
    assert short.granted(msgspec.structs.replace(PLAIN, again=Same())) is not None
    assert short.reply(PARSED + BOUND + described("a") + tag("SELECT 0") + ready(), 1.0) is not None
    assert short.lane.again is None


# --- cancels, ends


def test_a_cancel_goes_up_while_something_runs_and_that_connection_is_ended() -> None:
    play = Moved().run(done=b"").saw(saw.InterruptRequested())
    assert play.take(do.Errand).data.endswith(FIRST.key)
    play.wishes.clear()
    play.upstream(DONE)
    assert isinstance(play, Moved)
    play.wanted()
    assert play.wishes == [do.CloseUpstream()]
    play.client(query("select 2"))
    play.back()
    play.wishes.clear()
    play.upstream(standing())
    play.saw(saw.Decided(play.take(do.Ask).ticket, PLAIN))
    play.saw(saw.InterruptRequested())
    assert play.take(do.Errand).data.endswith(SECOND.key)


def test_a_cancel_of_who_runs_nothing_goes_nowhere() -> None:
    play = Moved().run()
    play.wishes.clear()
    play.saw(saw.InterruptRequested()).wished_nothing()
    play.away().saw(saw.InterruptRequested()).wished_nothing()
    play.client(query("select 2"))
    play.wishes.clear()
    play.saw(saw.InterruptRequested()).wished_nothing()


LEAVES: tuple[Callable[[Playbook], object], ...] = (
    lambda play: play.client(message("X")),
    lambda play: play.saw(saw.EndReceived(Side.CLIENT)),
)


@pytest.mark.parametrize("leave", LEAVES, ids=["goodbye", "end"])
def test_who_leaves_without_a_connection_asks_for_none_and_gives_none_back(leave: Callable[[Playbook], object]) -> None:
    play = Moved().run().away()
    leave(play)
    assert [type(wish) for wish in play.wishes] == [do.Close]
    play = Moved().run().away()
    play.client(query("select 2"))
    play.wishes.clear()
    leave(play)
    assert not play.is_given_up


def test_who_is_back_gives_its_connection_back_at_its_end() -> None:
    play = Moved().run().away()
    play.client(query("select 2"))
    play.back().upstream(standing())
    play.saw(saw.Decided(play.take(do.Ask).ticket, PLAIN)).upstream(DONE)
    play.wishes.clear()
    play.client(message("X"))
    assert play.take(do.ReturnUpstream).estate == SECOND


def test_where_none_comes_free_the_session_ends_in_words() -> None:
    play = Moved().run().away()
    play.client(query("select 2")).saw(saw.UpstreamFailed("all are in use", "53300"))
    assert errors(play.sent(Side.CLIENT))[0]["C"] == "53300"


def test_to_come_by_one_may_not_take_for_ever() -> None:
    play = Moved().run().away().client(query("select 2"))
    until = play.take(do.WakeAt).moment
    assert until is not None
    play.saw(saw.TimePassed())
    play.now = until
    play.saw(saw.TimePassed())
    assert errors(play.sent(Side.CLIENT))[0]["C"] == "53300"


def test_a_target_that_leaves_while_it_is_signed_in_again_is_an_error() -> None:
    play = Moved().run().away()
    play.client(query("select 2")).saw(saw.UpstreamOpened(False), saw.EndReceived(Side.UPSTREAM))
    assert errors(play.sent(Side.CLIENT))[0]["S"] == "FATAL"


def test_a_client_is_not_listened_to_for_ever() -> None:
    play = Moved().run().away()
    play.client(bytes(HIGH_WATER))
    assert do.Pause(Side.CLIENT) not in play.wishes
    play.client(b"x")
    assert do.Pause(Side.CLIENT) in play.wishes
    for _ in range(3):
        play.client(bytes(MAX_WAITING // 2))
    assert errors(play.sent(Side.CLIENT))[0]["S"] == "FATAL"


def test_who_waits_is_not_idle_and_who_is_away_can_be_stopped() -> None:
    play = Moved().run().away()
    session = play.session
    assert isinstance(session, PostgresSession)
    assert session.is_waiting
    play.client(query("select 2"))
    assert not session.is_waiting
    play.saw(saw.StopRequested("idle", Cause.IDLE))
    assert play.sent(Side.CLIENT) == b""
    play.saw(saw.StopRequested("killed", Cause.KILLED))
    assert errors(play.sent(Side.CLIENT))[0]["C"] == "57P01"
    assert play.sent(Side.UPSTREAM) == b""


def test_by_session_nobody_gives_anything_up() -> None:
    play = Playbook(PostgresSession(settings()))
    play.client(packet(struct.pack("!I", 80877103))).saw(saw.TlsStarted(Side.CLIENT))
    play.client(startup(user="ann", database="orders"))
    play.client(message("p", b"token\0")).saw(saw.TokenChecked(True))
    play.saw(saw.Admitted("s-1", replace(PLACE, own=Pooling(1))), saw.UpstreamLeased(FIRST))
    play.wishes.clear()
    play.saw(saw.UpstreamWanted()).wished_nothing()
