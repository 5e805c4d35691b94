"""One side of a connection: one write a turn, reading stops for every reason and goes on when none is left."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import cast

import pytest

from adapters.core import events as saw
from adapters.core.ends import MAX_UNSENT, MAX_WORDS, End
from adapters.core.events import Event, Side
from adapters.core.tls import Tls
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


def full(wire: Wire, side: End, size: int) -> None:
    """The socket takes nothing, and so much waits for it."""
    wire.unsent = size
    side.pause_writing()


def test_a_client_that_takes_no_answers_is_not_read_until_it_does() -> None:
    side, _, wire = end()
    full(wire, side, MAX_UNSENT)
    side.send(b"an answer of ours")
    assert "pause" not in wire.log
    wire.unsent += 1
    side.send(b"another")
    side.send(b"another")
    assert wire.log.count("pause") == 1
    side.resume_writing()
    assert wire.log[-1] == "resume"


def test_a_target_that_takes_nothing_is_read_all_the_same() -> None:
    side, hearer, wire = end()
    side = End(hearer, Side.UPSTREAM)
    side.connection_made(wire)
    full(wire, side, 1 << 30)
    side.send(b"much")
    assert "pause" not in wire.log


class Talker:
    """TLS that has something to say about all that comes."""

    has_words, is_plain, is_secure, is_over = True, False, True, False
    peer_name = chosen_protocol = end_point = None

    def take(self, data: bytes) -> bytes:
        return b""

    def to_send(self) -> bytes:
        return bytes(1024)


def test_words_of_tls_itself_do_not_pile_up() -> None:
    for who in Side:
        wire = Wire()
        side = End(Hearer(), who)
        side.connection_made(wire)
        side._tls = cast(Tls, Talker())
        for _ in range(600):
            side.data_received(b"other keys, please")
            side.resume_writing()
        assert not wire.closing
        full(wire, side, MAX_UNSENT)
        for _ in range(600):
            if wire.closing or wire.log[-1] == "pause":
                break
            wire.unsent += 1024
            side.data_received(b"other keys, please")
        assert wire.unsent < MAX_UNSENT + 2 * MAX_WORDS
        # A client is read again when it takes what it was told; a target that asks so often is not worth waiting for.
        assert wire.closing is (who is Side.UPSTREAM)


async def test_a_socket_that_takes_no_last_words_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.core.ends.CLOSE_TIMEOUT", 0.001)
    side, _, wire = end()
    wire.unsent = 100_000
    cut = asyncio.Event()
    monkeypatch.setattr(wire, "abort", cut.set)
    side.leave(asyncio.get_running_loop())
    async with asyncio.timeout(5):
        await cut.wait()


async def test_a_socket_with_nothing_left_to_take_needs_no_timer() -> None:
    side, _, wire = end()
    loop = asyncio.get_running_loop()
    timers = len(loop._scheduled)  # type: ignore[attr-defined]  # of asyncio's own loop
    side.leave(loop)
    assert len(loop._scheduled) == timers  # type: ignore[attr-defined]  # as above
    assert wire.log == ["close"]
