"""One connection from first byte to last."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace

import pytest

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import Answer, Cause, Refusal
from adapters.postgres.session import PostgresSession
from adapters.postgres.session.phases import Phase
from adapters.postgres.session.pooled import Estate, Kin, Pooling
from engine.command.tree import Effect as CommandEffect
from engine.command.tree import ParsedCommand
from engine.decision import Decision, Verdict
from tests.playbook import Playbook
from tests.wire import (
    BOUND,
    KEY,
    NO_DATA,
    PARSED,
    TARGET,
    allow,
    described,
    error,
    errors,
    fields,
    kinds,
    message,
    query,
    ready,
    row,
    settings,
    sign_in,
    split,
    standing,
    startup,
    tag,
    tree,
)


def proving() -> Playbook:
    """A client that gave a token inside TLS."""
    play = Playbook(PostgresSession(settings()))
    play.client(b"\0\0\0\x08\x04\xd2\x16\x2f").saw(saw.TlsStarted(Side.CLIENT))
    return play.client(startup(user="ann")).client(message("p", b"t\0"))


def admitted() -> Playbook:
    """One that was let in."""
    play = proving().saw(saw.TokenChecked(True), saw.Admitted("s", TARGET))
    play.wishes.clear()
    return play


def test_a_session_goes_through_its_phases_to_ready() -> None:
    session = PostgresSession(settings())
    assert session.phase is Phase.OPENING
    sign_in(Playbook(session))
    assert session.phase is Phase.READY


def test_the_client_gets_our_own_cancel_key_and_not_the_targets() -> None:
    play = admitted()
    play.saw(saw.UpstreamOpened(False)).wishes.clear()
    play.upstream(message("R", bytes(4)) + message("S", b"TimeZone\0UTC\0") + message("K", b"pid!key!") + ready())
    sent = play.sent(Side.CLIENT)
    assert kinds(sent) == "RSKZ"
    assert split(sent)[2][1] == KEY[:8]


def test_signing_in_has_a_deadline() -> None:
    play = Playbook(PostgresSession(settings(login_seconds=20.0)))
    play.saw(saw.TimePassed()).wished(do.WakeAt(20.0))
    play.later(20.0).saw(saw.TimePassed())
    assert errors(play.sent(Side.CLIENT))[0]["S"] == "FATAL"
    play.take(do.Close)


def test_a_target_that_cannot_be_reached_is_told_without_its_address() -> None:
    play = admitted()
    play.saw(saw.UpstreamFailed("the target cannot be reached"))
    sent = play.sent(Side.CLIENT)
    assert errors(sent)[0]["C"] == "08006"
    assert b"db.example" not in sent


@pytest.mark.parametrize(("code", "shown"), [("28P01", "28P01"), ("28000", "28P01"), ("53300", "53300")])
def test_who_is_refused_learns_no_more_than_needed(code: str, shown: str) -> None:
    play = proving().saw(saw.TokenChecked(False))
    play.wishes.clear()
    play.saw(saw.Refused(Refusal(code, "too many")))
    assert errors(play.sent(Side.CLIENT))[0]["C"] == shown


def test_a_target_that_leaves_while_we_sign_in_is_an_error_for_the_client() -> None:
    play = admitted()
    play.saw(saw.EndReceived(Side.UPSTREAM))
    assert errors(play.sent(Side.CLIENT))[0]["S"] == "FATAL"
    play.take(do.Close)


def test_a_session_that_is_over_is_not_left_for_the_collector() -> None:
    """A gateway that waits for the collector of circles holds the sessions of minutes."""
    gone = []
    gc.disable()
    try:
        for last in (message("X"), query("select 1")):
            play = Playbook(PostgresSession(settings()))
            sign_in(play)
            play.client(last).saw(saw.EndReceived(Side.CLIENT))
            gone.append(weakref.ref(play.session))
            del play
        assert [reference() for reference in gone] == [None, None]
    finally:
        gc.enable()


# --- a connection of a pool

POOLED = replace(TARGET, own=Pooling(1))
WHO = ("app", "app", "attributes", None, "5,t,t", "0")
TOLD = described(*"abcdef") + row(*WHO) + tag("SELECT 1") + ready()
GREETING = message("S", b"TimeZone\0UTC\0") + message("S", b"is_superuser\0off\0")
ESTATE = Estate(
    b"\0\0\0\7key!",
    {"TimeZone": "UTC", "is_superuser": "off", "work": "hidden"},
    (b"app", b"app", b"attributes", None, b"5,t,t", b"0"),
)


def leasing() -> Playbook:
    """A client that was let in where there is a pool."""
    play = proving().saw(saw.TokenChecked(True), saw.Admitted("s", POOLED))
    kin = play.take(do.LeaseUpstream).kin
    assert kin == Kin("ann", replace(POOLED, database="main"), ())
    play.wishes.clear()
    return play


def pooled() -> Playbook:
    """One that has a connection which served others."""
    return leasing().saw(saw.UpstreamLeased(ESTATE))


def returned(play: Playbook) -> Estate | None:
    """What is said of the connection to the pool, if it goes back."""
    found = [wish for wish in play.wishes if isinstance(wish, do.ReturnUpstream)]
    assert isinstance(play.wishes[-1], do.Close)
    estate = found[0].estate if found else None
    assert estate is None or isinstance(estate, Estate)
    return estate


def test_a_new_connection_of_a_pool_says_who_it_is_before_the_client_is_told_anything() -> None:
    play = leasing().saw(saw.UpstreamOpened(False))
    play.wishes.clear()
    play.upstream(message("R", bytes(4)) + GREETING + message("K", b"\0\0\0\7key!") + ready())
    assert kinds(play.sent(Side.UPSTREAM)) == "Q"
    assert play.sent(Side.CLIENT) == b""
    play.upstream(TOLD[:20]).upstream(TOLD[20:])
    assert play.wishes[0] == do.RecordUpstream("a new connection, backend 7")
    assert kinds(play.sent(Side.CLIENT)) == "RSSKZ"
    play.wishes.clear()
    play.client(message("X"))
    assert returned(play) == replace(ESTATE, statuses={"TimeZone": "UTC", "is_superuser": "off"})


def test_one_that_does_not_say_who_it_is_serves_nobody() -> None:
    for said in (tag("SELECT 0") + ready(), error("42501") + ready(), ready("T")):
        play = leasing().saw(saw.UpstreamOpened(False))
        play.upstream(message("R", bytes(4)) + GREETING + message("K", b"\0\0\0\7key!") + ready() + said)
        assert errors(play.sent(Side.CLIENT))[0]["S"] == "FATAL"


def test_one_that_served_others_greets_with_its_settings_and_a_key_of_ours() -> None:
    play = pooled()
    assert play.wishes[0] == do.RecordUpstream("a connection of the pool, backend 7")
    sent = split(play.sent(Side.CLIENT))
    assert [kind for kind, _ in sent] == ["R", "S", "S", "K", "Z"]
    assert sent[3][1] == KEY[:8]
    play.wishes.clear()
    play.client(query("select pg_sleep(9)"))
    play.upstream(standing())
    play.saw(saw.Decided(1, allow())).saw(saw.InterruptRequested())
    assert play.take(do.Errand).data.endswith(b"\0\0\0\7key!")


def test_it_goes_back_with_the_settings_that_were_reported_last() -> None:
    for leave in (lambda play: play.client(message("X")), lambda play: play.saw(saw.EndReceived(Side.CLIENT))):
        play = pooled()
        play.upstream(message("S", b"TimeZone\0Asia/Tokyo\0"))
        play.wishes.clear()
        leave(play)
        found = returned(play)
        assert found is not None
        assert found.statuses["TimeZone"] == "Asia/Tokyo"
        assert (found.key, found.who) == (ESTATE.key, ESTATE.who)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda play: play.client(query("select 1")),
        lambda play: play.saw(saw.InterruptRequested()),
        lambda play: play.saw(saw.StopRequested("stop", Cause.DRAIN)),
        lambda play: play.saw(saw.StopRequested("stop", Cause.KILLED)),
        lambda play: play.upstream(message("S", b"is_superuser\0on\0") + message("S", b"is_superuser\0off\0")),
        lambda play: play.upstream(b"A\0\0"),
        lambda play: play.upstream(fields("E", S="FATAL", V="FATAL", C="57P01", M="bye")),
        lambda play: play.saw(saw.EndReceived(Side.UPSTREAM)),
        lambda play: play.client(b"!" * 5),
    ],
    ids=["asks", "cancel", "drain", "kill", "superuser", "half a message", "goodbye", "end", "rubbish"],
)
def test_in_any_doubt_it_does_not_go_back(spoil: Callable[[Playbook], object]) -> None:
    play = pooled()
    play.wishes.clear()
    spoil(play)
    play.client(message("X")).saw(saw.EndReceived(Side.CLIENT))
    assert returned(play) is None


@pytest.mark.parametrize(
    ("command", "status", "goes_back"),
    [(tree(), "I", True), (tree(), "T", False), (tree("do", CommandEffect.EXECUTE), "I", False), (None, "I", False)],
)
def test_what_ran_decides_whether_it_goes_back(command: ParsedCommand | None, status: str, goes_back: bool) -> None:
    play = pooled()
    play.wishes.clear()
    play.client(query("select 1"))
    assert kinds(play.sent(Side.UPSTREAM)) == "PBECCS"
    play.upstream(standing())
    answer = Answer(Decision(Verdict.ALLOW, None), "d-1", command=command)
    play.saw(saw.Decided(play.take(do.Ask).ticket, answer))
    play.upstream(PARSED + BOUND + NO_DATA + tag("SELECT 1") + ready(status))
    play.wishes.clear()
    play.client(message("X"))
    assert (returned(play) is not None) is goes_back


def test_a_connection_of_ones_own_never_goes_to_a_pool() -> None:
    play = Playbook(PostgresSession(settings()))
    sign_in(play)
    play.wishes.clear()
    play.client(message("X"))
    assert returned(play) is None


def test_where_no_connection_comes_free_the_client_is_told() -> None:
    play = leasing().saw(saw.UpstreamFailed("all are in use", "53300"))
    assert errors(play.sent(Side.CLIENT))[0]["C"] == "53300"
    play = leasing().saw(saw.UpstreamLeased("what no pool of ours gives"))
    assert errors(play.sent(Side.CLIENT))[0]["S"] == "FATAL"
