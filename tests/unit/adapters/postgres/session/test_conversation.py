"""One connection from first byte to last."""

from __future__ import annotations

import gc
import weakref

import pytest

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import Refusal
from adapters.postgres.session import PostgresSession
from adapters.postgres.session.phases import Phase
from tests.playbook import Playbook
from tests.wire import KEY, TARGET, errors, kinds, message, query, ready, settings, sign_in, split, startup


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
