"""What comes behind a CONNECT that a rule allowed: TLS to the host that was granted, and nothing else."""

from __future__ import annotations

import pytest

from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import Cause
from adapters.http.tunnels import HELLO_SECONDS, QUIET_SECONDS
from tests.strategies.http_sessions import DENY, HOLD
from tests.strategies.proxy_sessions import House, request
from tests.unit.adapters.http.test_hello import hello

CONNECT = request("CONNECT pinned.test:443", "host: pinned.test:443")
HELLO = hello("pinned.test")


def tunnel(name: str = "pinned.test") -> House:
    return House(answers=False).client(request(f"CONNECT {name}:443", f"host: {name}:443"))


def test_bytes_go_both_ways_once_the_name_inside_is_the_one_that_was_granted() -> None:
    house = tunnel()
    assert house.asked == [b"CONNECT pinned.test:443 HTTP/1.1\r\nhost: pinned.test:443\r\n\r\n"]
    assert house.down == b"HTTP/1.1 200 Connection established\r\n\r\n"
    assert house.tls == []
    house.client(HELLO, 50)
    assert house.up == [HELLO]
    house.upstream(b"theirs").client(b"ours")
    assert house.up == [HELLO + b"ours"]
    assert house.down.endswith(b"\r\n\r\ntheirs")
    house.saw(saw.EndReceived(Side.CLIENT))
    assert house.closed is not None
    assert house.records == [None]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (hello("other.test"), "NAME_DIFFERS"),
        (hello(None), "NAME_DIFFERS"),
        (b"GET / HTTP/1.1\r\n\r\n", "NO_TLS"),
        (b"SSH-2.0-OpenSSH\r\n", "NO_TLS"),
    ],
)
def test_other_words_go_nowhere(data: bytes, error: str) -> None:
    house = tunnel().client(data)
    assert house.up == [b""]
    assert house.records == [error]
    assert house.closed is not None


def test_a_denied_one_is_none_and_a_held_one_waits() -> None:
    denied = House(judge=lambda text: DENY).client(CONNECT)
    assert (denied.statuses, denied.reached) == ([403], [])
    held = House(judge=lambda text: HOLD).client(CONNECT)
    assert (held.statuses, held.reached) == ([], [])


def test_who_says_nothing_is_not_waited_for() -> None:
    house = tunnel()
    house.now += HELLO_SECONDS + 1
    house.saw(saw.TimePassed())
    assert house.records == ["NO_TLS"]
    first = tunnel().upstream(b"220 mail\r\n")
    assert first.records == ["NO_TLS"]
    assert b"220" not in first.down


@pytest.mark.parametrize("side", list(Side))
def test_a_side_that_leaves_early(side: Side) -> None:
    house = tunnel().saw(saw.EndReceived(side))
    assert house.records == ["CLIENT_LEFT" if side is Side.CLIENT else "TARGET_LEFT"]


def test_whoever_ends_the_session_ends_it() -> None:
    house = tunnel().client(HELLO)
    house.saw(saw.StopRequested("because", Cause.DRAIN), saw.StopRequested("because", Cause.IDLE))
    assert house.closed is None
    house.saw(saw.StopRequested("because", Cause.KILLED))
    assert (house.closed, house.records) == ("because", ["SESSION_ENDED"])


def test_it_is_idle_when_the_target_is_quiet() -> None:
    house = tunnel().client(HELLO)
    assert not house.session.is_waiting
    house.now += QUIET_SECONDS + 1
    house.saw(saw.TimePassed())
    assert house.session.is_waiting
    house.upstream(b"x")
    assert not house.session.is_waiting
    house.now += QUIET_SECONDS + 1
    house.saw(saw.TimePassed(), saw.StopRequested("because", Cause.IDLE))
    assert house.records == ["SESSION_ENDED"]
