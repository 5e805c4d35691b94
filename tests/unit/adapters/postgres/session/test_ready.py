"""The parts put together: cancel, drain, backpressure, goodbye, what is refused."""

from __future__ import annotations

import struct

import pytest

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import Cause
from tests.wire import (
    BOUND,
    NO_DATA,
    PARSED,
    POISON,
    SYNC,
    SignedIn,
    allow,
    described,
    error,
    errors,
    fields,
    hold,
    kinds,
    message,
    packet,
    parse,
    query,
    ready,
    row,
    tag,
)

DONE = PARSED + BOUND + NO_DATA + tag("BEGIN") + ready()


def test_a_cancel_goes_to_the_target_with_the_targets_own_key() -> None:
    play = SignedIn().client(query("select pg_sleep(9)")).learn().answer(allow())
    play.wishes.clear()
    play.saw(saw.InterruptRequested())
    play.wished(do.Errand(packet(struct.pack("!I", 80877102) + b"pid!key!")))


def test_a_function_call_is_refused() -> None:
    play = SignedIn().client(message("F", bytes(10)))
    assert play.sent(Side.UPSTREAM) == POISON + SYNC
    play.upstream(error("42601") + ready())
    assert errors(play.sent(Side.CLIENT))[0]["C"] == "0A000"


def test_goodbye_ends_both_sides() -> None:
    SignedIn().client(message("X")).wished(do.Close("the client said goodbye"))
    SignedIn().client(parse("select 1") + message("X")).wished(do.Close("the client said goodbye"))


def test_one_query_after_another_in_one_piece() -> None:
    play = SignedIn().client(query("select 1") + query("select 2")).learn().answer(allow()).answer(allow())
    sent = play.sent(Side.UPSTREAM)
    assert kinds(sent) == "PBDESPBDES"
    play.upstream(DONE + DONE)
    assert kinds(play.sent(Side.CLIENT)) == "CZCZ"


def test_a_client_that_waits_is_not_read_without_end() -> None:
    play = SignedIn().client(query("delete from t")).learn().answer(hold())
    play.wishes.clear()
    play.client(query("select '" + "x" * 300_000 + "'")).wished(do.Pause(Side.CLIENT))
    play.saw(saw.Decided(1, allow()))
    play.take(do.Resume)


def test_what_the_server_owes_is_bounded_whatever_the_client_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.postgres.session.ready.MAX_OWED", 50)
    play = SignedIn().client(query("select 1")).learn().answer(allow()).upstream(DONE)
    play.wishes.clear()
    play.client(query("select 1") * 20_000)
    for _ in range(11):
        play.answer(allow())
    assert kinds(play.sent(Side.UPSTREAM)) == "PBDES" * 11
    play.take(do.Pause)
    play.wished_nothing()
    play.upstream(DONE * 4)
    assert not [one for one in play.wishes if isinstance(one, do.Ask)]
    play.upstream(DONE * 2)
    play.take(do.Ask)


def test_a_group_without_an_end_is_answered_as_far_as_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.postgres.session.ready.MAX_OWED", 50)
    play = SignedIn().client(query("select 1")).learn().answer(allow()).upstream(DONE)
    play.wishes.clear()
    play.client((parse("select 1") + message("H")) * 100)
    for _ in range(51):
        play.answer(allow())
    assert kinds(play.sent(Side.UPSTREAM)) == "PH" * 51 + "H"
    play.upstream(PARSED * 30)
    play.answer(allow())
    assert kinds(play.sent(Side.UPSTREAM)) == "PH"


def test_a_quiet_session_ends_at_once_when_asked() -> None:
    play = SignedIn().saw(saw.StopRequested("the gateway is shutting down"))
    assert errors(play.sent(Side.CLIENT))[0]["C"] == "57P01"
    play.take(do.Close)


def test_a_busy_session_ends_when_it_falls_quiet() -> None:
    play = SignedIn().client(query("begin")).learn().answer(allow())
    play.wishes.clear()
    play.saw(saw.StopRequested("the gateway is shutting down")).wished_nothing()
    play.upstream(PARSED + BOUND + NO_DATA + tag("BEGIN") + ready("T"))
    assert not [wish for wish in play.wishes if isinstance(wish, do.Close)]
    play.client(query("commit")).answer(allow())
    play.upstream(PARSED + BOUND + NO_DATA + tag("COMMIT") + ready("I"))
    play.take(do.Close)


def test_a_target_that_goes_ends_the_session() -> None:
    play = SignedIn().saw(saw.EndReceived(Side.UPSTREAM))
    (told,) = errors(play.sent(Side.CLIENT))
    assert (told["S"], told["C"]) == ("FATAL", "08006")
    play.take(do.Close)


def test_a_target_that_said_why_it_goes_is_not_spoken_over() -> None:
    play = SignedIn().upstream(fields("E", S="FATAL", V="FATAL", C="57P01", M="terminating"))
    play.sent(Side.CLIENT)
    play.saw(saw.EndReceived(Side.UPSTREAM)).wished(do.Close("the upstream left"))


def test_a_target_that_goes_in_the_middle_of_a_row_leaves_the_client_with_the_end() -> None:
    play = SignedIn().client(query("select 1")).learn().answer(allow())
    play.upstream(PARSED + BOUND + described("a") + row("x" * 1000)[:200])
    play.sent(Side.UPSTREAM)
    play.sent(Side.CLIENT)
    play.saw(saw.EndReceived(Side.UPSTREAM))
    assert play.take(do.Record).outcome.error == "08006"
    play.wished(do.Close("the upstream left"))


def test_what_runs_when_the_client_leaves_has_that_for_its_outcome() -> None:
    play = SignedIn().client(query("select 1")).learn().answer(allow())
    play.saw(saw.EndReceived(Side.CLIENT))
    assert play.take(do.Record).outcome.error == "08006"


def test_a_message_of_no_known_kind_or_size_ends_the_session_and_sends_nothing_up() -> None:
    for bad in (message("?"), message("p", b"x\0"), b"Q\0\0\0\3", b"Q\x7f\xff\xff\xff", b"E\0\2\0\0\0", query("a\0b")):
        play = SignedIn().client(bad)
        play.take(do.Close)
        assert play.sent(Side.UPSTREAM) == b""
        assert errors(play.sent(Side.CLIENT))[0]["S"] == "FATAL"


def test_after_the_end_nothing_is_wished_any_more() -> None:
    play = SignedIn().client(message("X"))
    play.wishes.clear()
    play.client(query("select 1")).upstream(ready()).saw(saw.InterruptRequested(), saw.TimePassed()).wished_nothing()


def test_an_answer_to_a_question_that_was_not_asked_changes_nothing() -> None:
    play = SignedIn().saw(saw.Decided(99, allow()))
    play.wished_nothing()


CANCEL = do.Errand(packet(struct.pack("!I", 80877102) + b"pid!key!"))
ENDED_IN_MIDDLE = PARSED + BOUND + described("a") + row("x" * 1000)[:200]


def ended(play: SignedIn, cause: Cause) -> SignedIn:
    play.wishes.clear()
    play.saw(saw.StopRequested("that is all", cause))
    return play


def told(play: SignedIn) -> tuple[str, str]:
    (one,) = errors(play.sent(Side.CLIENT))
    return one["S"], one["C"]


def test_a_session_says_when_it_waits_for_its_client() -> None:
    play = SignedIn()
    assert play.session.is_waiting
    play.client(query("begin")).learn()
    assert not play.session.is_waiting, "it was asked about"
    play.answer(allow())
    assert not play.session.is_waiting, "it runs"
    play.upstream(PARSED + BOUND + NO_DATA + tag("BEGIN") + ready("T"))
    assert play.session.is_waiting, "a transaction alone is no command"
    play.client(query("delete from t")).answer(hold())
    assert not SignedIn().client(query("delete from t")).learn().answer(hold()).session.is_waiting, "it is held"


def test_an_idle_session_is_told_so_and_ends() -> None:
    play = ended(SignedIn(), Cause.IDLE)
    assert told(play) == ("FATAL", "57P05")
    play.wished(do.Close("that is all"))


def test_a_session_that_is_idle_in_a_transaction_is_told_that() -> None:
    play = SignedIn().client(query("begin")).learn().answer(allow())
    play.upstream(PARSED + BOUND + NO_DATA + tag("BEGIN") + ready("T"))
    assert told(ended(play, Cause.IDLE)) == ("FATAL", "25P03")


def test_a_session_with_half_a_message_from_its_client_is_idle_too() -> None:
    assert told(ended(SignedIn().client(query("select 1")[:-3]), Cause.IDLE)) == ("FATAL", "57P05")
    assert told(ended(SignedIn().client(parse("select 1")), Cause.IDLE)) == ("FATAL", "57P05")


def test_a_session_that_runs_or_waits_for_people_does_not_end_for_being_idle() -> None:
    runs = SignedIn().client(query("select 1")).learn().answer(allow())
    held = SignedIn().client(query("delete from t")).learn().answer(hold())
    for play in (runs, held):
        ended(play, Cause.IDLE).wished_nothing()
    runs.upstream(DONE)
    assert not [wish for wish in runs.wishes if isinstance(wish, do.Close)], "it was asked too early"


def test_at_the_end_of_its_lifetime_a_session_finishes_what_runs() -> None:
    play = SignedIn().client(query("select 1")).learn().answer(allow())
    ended(play, Cause.LIFETIME).wished_nothing()
    play.upstream(DONE)
    down = play.sent(Side.CLIENT)
    assert kinds(down) == "CZE"
    assert errors(down)[0]["C"] == "57P01"
    play.take(do.Close)


@pytest.mark.parametrize("cause", [Cause.KILLED, Cause.REVOKED])
def test_a_killed_session_ends_with_what_runs_at_the_target(cause: Cause) -> None:
    play = SignedIn().client(query("select pg_sleep(9)")).learn().answer(allow())
    ended(play, cause)
    assert told(play) == ("FATAL", "57P01")
    assert play.take(do.Record).outcome.error == "57P01"
    play.wished(CANCEL, do.Close("that is all"))


def test_a_killed_session_takes_what_is_held_with_it() -> None:
    play = ended(SignedIn().client(query("delete from t")).learn().answer(hold()), Cause.KILLED)
    assert told(play) == ("FATAL", "57P01")
    play.take(do.Close)
    assert play.sent(Side.UPSTREAM) == b""


def test_a_session_is_never_ended_in_the_middle_of_a_message() -> None:
    play = SignedIn().client(query("select 1")).learn().answer(allow()).upstream(ENDED_IN_MIDDLE)
    ended(play, Cause.KILLED).wished(CANCEL).wished_nothing()
    play.upstream(row("x" * 1000)[200:])
    down = play.sent(Side.CLIENT)
    assert down.startswith(row("x" * 1000)[200:])
    (error_,) = errors(down[len(row("x" * 1000)) - 200 :])
    assert (error_["S"], error_["C"]) == ("FATAL", "57P01")
    play.take(do.Close)
