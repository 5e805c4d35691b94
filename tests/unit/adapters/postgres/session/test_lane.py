"""The lane: open only while everything that decided stands; what is under way in it is owed when the session goes on."""

from __future__ import annotations

import msgspec
import pytest

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import Again
from adapters.postgres.session.lane import Lane
from engine._native import EntryForm, PostgresLane, Unwritten
from engine.command.tree import Effect as CommandEffect
from tests.wire import (
    BOUND,
    NO_DATA,
    PARSED,
    SYNC,
    Known,
    SignedIn,
    allow,
    bind,
    described,
    error,
    errors,
    execute,
    kinds,
    message,
    parse,
    query,
    ready,
    row,
    standing,
    tag,
    tree,
)

REPLY = PARSED + BOUND + described("a") + row("1") + tag("SELECT 1") + ready()


class Same:
    """What decided; the same as whatever has its mark."""

    form = EntryForm(b"", b"", "postgres", None, hides=False)
    for_shape = False

    def __init__(self, mark: str = "") -> None:
        self.mark = mark

    def is_like(self, other: Again) -> bool:
        return isinstance(other, Same) and other.mark == self.mark


def opened(text: str = "select 1", mark: str = "", names: Known | None = None) -> SignedIn:
    """A session whose lane knows one text."""
    play = SignedIn(meanings=names).client(query("select 0")).learn().answer(allow()).upstream(REPLY)
    go_short(play, query(text), mark)
    return play


def go_short(play: SignedIn, data: bytes, mark: str = "", reply: bytes = REPLY) -> None:
    """A command by the short way, as the relay has it, with an answer that may be given again."""
    short = play.session.short_way
    assert short is not None
    assert short.ask(data, 1.0) is not None
    assert short.granted(msgspec.structs.replace(allow(), again=Same(mark))) is not None
    assert short.reply(reply, 1.0) is not None
    play.wishes.clear()


def lane_of(play: SignedIn) -> Lane:
    short = play.session.short_way
    assert short is not None
    return short.lane


def test_a_text_granted_once_goes_through() -> None:
    play = opened()
    lane = lane_of(play)
    up = lane.ask(query("select 1"), 1.0)
    assert up is not None
    assert kinds(up) == "PBDES"
    assert not play.session.is_waiting
    assert lane.lines.line(Unwritten(1, 9), "d-9", 7) is not None
    shown = lane.reply(REPLY, 1.0)
    assert shown is not None
    assert kinds(shown) == "TDCZ"
    assert play.session.is_waiting


def test_a_path_of_one_transaction_opens_none() -> None:
    play = opened()
    setting = allow(command=tree("set", CommandEffect.SESSION))
    play.client(query("set local search_path = evil")).answer(setting)
    play.upstream(PARSED + BOUND + NO_DATA + tag("SET") + ready("T"))
    play.client(query("select 0")).upstream(standing('["evil"]', status="T")).answer(allow())
    play.upstream(REPLY[:-1] + b"T")
    go_short(play, query("select 1"), reply=REPLY[:-1] + b"T")
    assert lane_of(play).ask(query("select 1"), 1.0) is None


def test_names_that_changed_since_something_was_prepared_open_none() -> None:
    names = Known()
    play = opened(names=names)
    go_short(play, parse("select 5", "n") + bind("n") + execute() + SYNC, reply=REPLY.replace(described("a"), b""))
    short = play.session.short_way
    assert short is not None
    assert short.ask(query("select 2"), 1.0) is not None
    assert short.granted(msgspec.structs.replace(allow(), again=Same())) is not None
    names.version = "second"
    assert short.reply(REPLY, 1.0) is not None
    assert lane_of(play).ask(query("select 2"), 1.0) is None


def test_another_text_does_not() -> None:
    assert lane_of(opened()).ask(query("select 2"), 1.0) is None


def test_any_event_closes_it() -> None:
    play = opened()
    play.saw(saw.TimePassed())
    assert lane_of(play).ask(query("select 1"), 1.0) is None


def test_names_that_changed_or_are_old_close_it() -> None:
    names = Known()
    play = opened(names=names)
    assert lane_of(play).ask(query("select 1"), 29.0) is not None
    lane_of(play).take_back()
    assert lane_of(play).ask(query("select 1"), 31.0) is None
    names.is_known = False
    assert lane_of(play).ask(query("select 1"), 1.0) is None


def test_a_lane_whose_names_cannot_be_told_is_not_passed() -> None:
    lane = PostgresLane()
    with pytest.raises(AttributeError):
        lane.open(ord("I"), True, True, 9.0, object())
    assert not lane.is_used
    lane.learn(b"select 1", Same.form, False, object())
    names = Known()
    lane.open(ord("I"), True, True, 9.0, names)
    assert lane.ask(query("select 1"), float("nan")) is None
    assert lane.ask(query("select 1"), 9.0) is None
    assert lane.ask(query("select 1"), 8.0) is not None


def test_what_other_things_decided_is_forgotten() -> None:
    play = opened("select 1", "before")
    go_short(play, query("select 2"), "after")
    lane = lane_of(play)
    assert lane.ask(query("select 1"), 1.0) is None
    assert lane.ask(query("select 2"), 1.0) is not None


def test_an_answer_that_is_not_plain_is_read_by_the_session() -> None:
    play = opened()
    lane = lane_of(play)
    assert lane.ask(query("select 1"), 1.0) is not None
    assert lane.lines.line(Unwritten(1, 9), "d-9", 7) is not None
    assert lane.reply(PARSED + error("22012") + ready(), 1.0) is None
    play.upstream(PARSED + error("22012") + ready())
    assert errors(play.sent(Side.CLIENT))[0]["C"] == "22012"
    record = play.take(do.Record)
    assert (record.decision_id, record.outcome.error) == ("d-9", "22012")


def test_a_command_behind_one_under_way_waits_for_its_own_answer() -> None:
    play = opened()
    lane = lane_of(play)
    assert lane.ask(query("select 1"), 1.0) is not None
    assert lane.lines.line(Unwritten(1, 9), "d-9", 7) is not None
    play.client(query("select 2")).upstream(REPLY)
    assert play.take(do.Record).decision_id == "d-9"


@pytest.mark.parametrize("name", ["", "n"])
def test_a_name_made_in_the_lane_is_the_sessions_afterwards(name: str) -> None:
    play = opened("select 5")
    run = parse("select 5", name) + bind(name) + execute() + SYNC
    lane = lane_of(play)
    assert lane.ask(run, 1.0) == run
    assert lane.lines.line(Unwritten(1, 9), "d-9", 7) is not None
    assert lane.reply(PARSED + BOUND + row("1") + tag("SELECT 1") + ready(), 1.0) is not None
    play.client(bind(name) + execute() + SYNC)
    assert play.take(do.Ask).question.text == b"select 5"


def test_a_name_that_the_session_gave_another_text_is_not_the_old_one() -> None:
    play = opened("select 1")
    short_reply = PARSED + BOUND + row("1") + tag("SELECT 1") + ready()
    go_short(play, parse("select 1") + bind() + execute() + SYNC, reply=short_reply)
    lane = lane_of(play)
    assert lane.ask(bind() + execute() + SYNC, 1.0) is not None
    lane.take_back()
    play.client(parse("select 6") + SYNC).answer(allow()).upstream(PARSED + ready())
    # Opened again by a command that has nothing to do with the name.
    go_short(play, parse("select 1", "x") + bind("x") + execute() + SYNC, reply=short_reply)
    assert lane.ask(bind() + execute() + SYNC, 1.0) is None
    play.client(bind() + execute() + SYNC)
    assert play.take(do.Ask).question.text == b"select 6"


def test_a_message_in_pieces_goes_another_way() -> None:
    play = opened()
    assert lane_of(play).ask(query("select 1")[:7], 1.0) is None
    play.client(query("select 1")[:7])
    assert lane_of(play).ask(message("S"), 1.0) is None
