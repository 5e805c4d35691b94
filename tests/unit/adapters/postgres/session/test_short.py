"""The short way: plain commands in one piece; everything else is left to the long way, asked about once."""

from __future__ import annotations

import pytest

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import Outcome
from engine.command.tree import Effect
from tests.wire import (
    BOUND,
    NO_DATA,
    PARSED,
    SYNC,
    Known,
    SignedIn,
    allow,
    bind,
    deny,
    describe,
    described,
    error,
    errors,
    execute,
    kinds,
    parse,
    query,
    ready,
    row,
    standing,
    tag,
    tree,
)

REPLY = PARSED + BOUND + described("a") + row("1") + tag("SELECT 1") + ready()


def learnt() -> SignedIn:
    """A session that knows where it stands, and has nothing under way."""
    play = SignedIn().client(query("select 0")).learn().answer(allow()).upstream(REPLY)
    play.wishes.clear()
    return play


def is_short(play: SignedIn) -> bool:
    return play.session._ready._short.pending is not None  # type: ignore[attr-defined]


def test_a_simple_query_goes_up_translated_and_its_reply_comes_down_without_our_completions() -> None:
    play = learnt().client(query("select 1"))
    assert is_short(play)
    play.answer(allow())
    assert kinds(play.sent(Side.UPSTREAM)) == "PBDES"
    play.upstream(REPLY)
    assert kinds(play.sent(Side.CLIENT)) == "TDCZ"
    play.wished(do.Record("d-allow", Outcome(rows=1, bytes=len(row("1")))))


def test_a_denial_is_told_the_long_way_and_asked_about_once() -> None:
    play = learnt().client(query("select 1"))
    assert is_short(play)
    play.answer(deny("not for you"))
    assert not [wish for wish in play.wishes if isinstance(wish, do.Ask)]
    play.upstream(error("42601") + ready())
    assert errors(play.sent(Side.CLIENT))[0]["C"] == "42501"


@pytest.mark.parametrize(
    "data",
    [
        query("execute p"),
        parse("select 1") + bind("other") + execute() + SYNC,
        bind("unknown") + execute() + SYNC,
        query("select 1") + query("select 2"),
        query("select 1")[:-1],
        b"Q\0\0\0\4",
        query("x" * 20_000),
    ],
    ids=["runs a prepared one", "binds another", "unknown", "two", "not whole", "no text", "long"],
)
def test_what_is_not_plain_takes_the_long_way(data: bytes) -> None:
    play = learnt()
    play.client(data)
    assert not is_short(play)


def test_a_simple_query_that_ends_an_unnamed_statement_takes_the_long_way() -> None:
    play = learnt().client(parse("select 1") + SYNC).answer(allow()).upstream(PARSED + ready())
    play.wishes.clear()
    play.client(query("select 1"))
    assert not is_short(play)


def test_a_granted_set_is_followed_the_long_way() -> None:
    play = learnt().client(query("set role x"))
    assert is_short(play)
    play.answer(allow(command=tree("set", Effect.SESSION))).upstream(PARSED + BOUND + NO_DATA + tag("SET") + ready())
    play.wishes.clear()
    play.client(query("select 1"))
    assert b"current_schemas" in play.sent(Side.UPSTREAM)


def test_more_from_the_client_before_the_answer_is_queued_behind() -> None:
    play = learnt().client(query("select 1"))
    first = play.take(do.Ask)
    play.client(query("select 2"))
    assert not is_short(play)
    play.saw(saw.Decided(first.ticket, allow()))
    second = play.take(do.Ask)
    assert second.question.text == b"select 2"
    assert second.ticket == first.ticket + 1


def test_a_session_that_waits_for_an_answer_is_not_quiet() -> None:
    play = learnt().client(query("select 1"))
    play.saw(saw.StopRequested("soon"))
    assert not [wish for wish in play.wishes if isinstance(wish, do.Close)]
    play.answer(allow()).upstream(REPLY)
    assert [wish for wish in play.wishes if isinstance(wish, do.Close)]


def test_a_reply_in_pieces_is_read_message_by_message() -> None:
    play = learnt().client(query("select 1")).answer(allow())
    play.sent(Side.UPSTREAM)
    for at in range(len(REPLY)):
        play.upstream(REPLY[at : at + 1])
    assert kinds(play.sent(Side.CLIENT)) == "TDCZ"


def test_bound_values_are_told_to_the_gate() -> None:
    play = learnt().client(parse("select $1") + bind(parameters=(b"7",)) + describe() + execute() + SYNC)
    assert is_short(play)
    assert play.take(do.Ask).question.parameters == ("7",)


def test_behind_names_that_changed_since_something_was_prepared_the_long_way_is_taken() -> None:
    names = Known()
    play = SignedIn(meanings=names).client(parse("select 1", "n") + SYNC).learn().answer(allow())
    play.upstream(PARSED + ready())
    names.version = "second"
    play.wishes.clear()
    play.client(query("select 1"))
    assert not is_short(play)


def test_a_name_of_which_a_server_looks_at_a_part_only_is_refused() -> None:
    play = learnt().client(parse("select 1", "n" * 64) + bind("n" * 64) + execute() + SYNC)
    assert [one["C"] for one in errors(play.sent(Side.CLIENT))] == ["08P01"]
    assert play.sent(Side.UPSTREAM) == b""


def test_the_end_of_a_transaction_in_which_the_session_learned_where_it_stands_takes_the_long_way() -> None:
    play = learnt().client(query("set local search_path = evil"))
    play.answer(allow(command=tree("set", Effect.SESSION)))
    play.upstream(PARSED + BOUND + NO_DATA + tag("SET") + ready("T")).sent(Side.UPSTREAM)
    play.client(query("select 1"))
    play.upstream(standing('["evil"]', status="T")).answer(allow()).upstream(REPLY[:-1] + b"T")
    play.wishes.clear()
    play.client(query("commit and chain")).answer(allow(command=tree("commit", Effect.SESSION)))
    play.upstream(PARSED + BOUND + NO_DATA + tag("COMMIT") + ready("T"))
    play.wishes.clear()
    play.client(query("select 1"))
    assert kinds(play.sent(Side.UPSTREAM)) == "PBECCS"
    play.upstream(standing(status="T"))
    assert play.take(do.Ask).question.state["search_path"] == ["pg_catalog", "public"]
