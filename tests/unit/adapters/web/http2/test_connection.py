"""What both ways have in common, tried on both: a client, and a target, of whom one is as hostile as the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest

from adapters.web.http2 import floods
from adapters.web.http2.frames import Kind
from adapters.web.http2.inward import Inward
from adapters.web.http2.outward import Outward
from tests.unit.adapters.web.http2 import test_inward, test_outward
from tests.unit.adapters.web.http2.test_frames import frame

Side: TypeAlias = Inward | Outward


def inward() -> Inward:
    """A client's connection on which a request waits for its answer."""
    house = test_inward.House()
    house.ask(test_inward.GET)
    assert isinstance(house.server, Inward)
    return house.server


def outward() -> Outward:
    """A target's connection on which a request waits for its answer."""
    house = test_outward.House()
    house.ask()
    return house.calls


both = pytest.mark.parametrize("made", [inward, outward])


@both
def test_a_peer_that_makes_us_speak_and_does_not_listen_is_left_however_slowly(made: Callable[[], Side]) -> None:
    side, now, asked = made(), 100.0, 0
    while not side.is_over and asked < 10 * floods.MAX_OWED:
        now += 1
        side.receive(frame(Kind.PING, bytes(8)) * 50, now)
        asked += 50 * 17
    assert side.is_over
    assert floods.MAX_OWED <= asked < floods.MAX_OWED + 2 * 50 * 17
    assert side.send(1, now).endswith(b"does not take them")


@both
def test_a_peer_that_listens_may_ask_for_words_as_long_as_it_does(made: Callable[[], Side]) -> None:
    side, now = made(), 100.0
    for _ in range(500):
        now += 1
        side.receive(frame(Kind.PING, bytes(8)) * 50, now)
        assert side.send(100_000, now)
    assert not side.is_over


@both
def test_a_head_that_does_not_come_to_its_end_ends_the_connection_though_bytes_come(made: Callable[[], Side]) -> None:
    side, now = made(), 100.0
    side.receive(frame(Kind.HEADERS, b"\x88", stream=3 if isinstance(side, Inward) else 1), now)
    rest = frame(Kind.CONTINUATION, b"\x88", stream=3 if isinstance(side, Inward) else 1)
    for byte in rest:
        assert side.deadline is not None
        assert side.deadline <= 120.0
        now += 1
        side.receive(bytes((byte,)), now)
    side.tick(119.0)
    assert not side.is_over
    side.tick(120.0)
    assert side.is_over


@both
def test_a_head_that_comes_to_its_end_is_waited_for_no_more(made: Callable[[], Side]) -> None:
    side = made()
    before = side.deadline
    is_inward = isinstance(side, Inward)
    said = test_inward._encoded(test_inward.GET) if is_inward else b"\x88"
    wire = 3 if is_inward else 1
    side.receive(frame(Kind.HEADERS, said, stream=wire), 101.0)
    assert side.deadline == 121.0
    side.receive(frame(Kind.CONTINUATION, b"", flags=4, stream=wire), 101.0)
    assert side.deadline == (before if before is None else 131.0)
    assert not side.is_over


@both
def test_heads_on_streams_that_are_over_are_frames_that_carry_nothing(made: Callable[[], Side]) -> None:
    side = made()
    head = b"\x88"
    if isinstance(side, Inward):
        side.receive(frame(Kind.RST_STREAM, bytes(4), stream=1), 100.0)
        head = b"\x82"
    else:
        side.finish(1, at_once=True)
    sent = 0
    while not side.is_over and sent < 5_000:
        side.receive(frame(Kind.HEADERS, head, flags=4, stream=1), 100.0)
        side.send(100_000, 100.0)
        sent += 1
    assert side.is_over
    assert sent <= floods.CONTROL[0] + 1


@both
def test_settings_and_empty_frames_are_bounded_for_both(made: Callable[[], Side]) -> None:
    for one in (frame(Kind.SETTINGS, b"\0\x04\0\x01\0\0") * 201, frame(Kind.SETTINGS) * 1_100, frame(0x77) * 1_100):
        side = made()
        side.receive(one, 100.0)
        assert side.is_over


@both
def test_what_breaks_it_is_said_once_and_ends_what_is_on_it(made: Callable[[], Side]) -> None:
    side = made()
    side.happened()
    side.receive(frame(Kind.CONTINUATION, b"", flags=4, stream=1), 100.0)
    assert (side.is_over, side.wants_sending, side.deadline) == (True, True, None)
    assert len(side.happened()) == 1
    said = side.send(100, 100.0)
    assert said[3] == Kind.GOAWAY
    side.receive(b"more", 100.0)
    assert (side.send(100, 100.0), side.wants_sending) == (b"", False)
