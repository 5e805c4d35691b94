"""One side of a connection: one write a turn, reading stops for every reason and goes on when none is left."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from adapters.core import events as saw
from adapters.core.ends import End
from adapters.core.events import Event, Side
from tests.unit.adapters.core.test_relay import Wire


@dataclass
class Hearer:
    heard: list[object] = field(default_factory=list)

    def take(self, event: Event) -> None:
        self.heard.append(event)

    def hear(self, side: Side, data: bytes) -> None:
        self.heard.append(saw.BytesReceived(side, data))

    def lost(self, side: Side) -> None:
        self.heard.append(("lost", side))

    def is_full(self, side: Side, full: bool) -> None:
        self.heard.append((side, full))

    def tls_failed(self, side: Side, error: Exception) -> None:
        self.heard.append((side, type(error)))


def end() -> tuple[End, Hearer, Wire]:
    hearer, wire = Hearer(), Wire()
    side = End(hearer, Side.CLIENT)
    side.connection_made(wire)
    return side, hearer, wire


def test_what_the_loop_calls_is_told_as_facts() -> None:
    side, hearer, _ = end()
    side.data_received(b"x")
    assert side.eof_received()
    side.pause_writing()
    side.resume_writing()
    side.connection_lost(None)
    assert hearer.heard == [
        saw.BytesReceived(Side.CLIENT, b"x"),
        saw.EndReceived(Side.CLIENT),
        (Side.CLIENT, True),
        (Side.CLIENT, False),
        ("lost", Side.CLIENT),
    ]


def test_a_turn_is_one_write() -> None:
    side, _, wire = end()
    side.flush()
    side.out += [b"a", b"b"]
    side.flush()
    side.flush()
    assert (wire.out, wire.log) == (b"ab", ["write"])


def test_nothing_is_written_to_a_socket_that_closes_and_nothing_is_kept_for_later() -> None:
    side, _, wire = end()
    wire.closing = True
    side.out.append(b"a")
    side.flush()
    wire.closing = False
    side.flush()
    assert wire.out == b""


def test_reading_goes_on_when_no_reason_against_it_is_left() -> None:
    side, _, wire = end()
    side.read_while("one", False)
    side.read_while("other", False)
    side.read_while("one", True)
    assert wire.log == ["pause"]
    side.read_while("other", True)
    side.read_while("other", True)
    assert wire.log == ["pause", "resume"]


def test_an_end_without_a_socket_does_nothing() -> None:
    side = End(Hearer(), Side.UPSTREAM)
    side.out.append(b"a")
    side.flush()
    side.read_while("full", False)
    side.drop()
    side.abort()
    assert not side.eof_received()
    assert side.out == []


def test_a_socket_is_closed_once() -> None:
    side, _, wire = end()
    side.drop()
    side.drop()
    side.abort()
    assert wire.log == ["close"]
    assert isinstance(wire, asyncio.Transport)


def test_an_end_that_is_over_holds_nobody_and_says_nothing() -> None:
    side, hearer, _ = end()
    side.connection_lost(None)
    hearer.heard.clear()
    side.data_received(b"late")
    side.pause_writing()
    assert hearer.heard == []
    assert not side.is_shaking_hands
