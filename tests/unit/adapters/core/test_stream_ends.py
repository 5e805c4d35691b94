"""A stream as a socket: what its relay reads, writes, pauses and closes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from adapters.core.carried import Happening
from adapters.core.stream_ends import StreamTransport


@dataclass
class Mux:
    """Keeps what it is told."""

    calls: list[tuple[str, object]] = field(default_factory=list)
    full: bool = False
    waiting: int = 0
    is_over: bool = False
    deadline: float | None = None
    wants_sending: bool = False

    def begin(self, now: float) -> None: ...

    def receive(self, data: bytes, now: float) -> None: ...

    def happened(self) -> list[Happening]:
        return []

    def send(self, most: int, now: float) -> bytes:
        return b""

    def answer(self, stream: int, data: bytes) -> None:
        self.calls.append(("answer", data))

    def finish(self, stream: int, *, at_once: bool) -> None:
        self.calls.append(("finish", at_once))

    def taken(self, stream: int, count: int) -> None:
        self.calls.append(("taken", count))

    def unsent(self, stream: int) -> int:
        return self.waiting

    def is_full(self, stream: int) -> bool:
        return self.full

    def retire(self) -> None: ...

    def tick(self, now: float) -> None: ...


class End(asyncio.Protocol):
    def __init__(self) -> None:
        self.calls: list[object] = []

    def data_received(self, data: bytes) -> None:
        self.calls.append(data)

    def pause_writing(self) -> None:
        self.calls.append("full")

    def resume_writing(self) -> None:
        self.calls.append("eased")

    def connection_lost(self, exc: Exception | None) -> None:
        self.calls.append("lost")


def made() -> tuple[StreamTransport, Mux, End, list[str]]:
    mux, end, woken = Mux(), End(), list[str]()
    return StreamTransport(7, mux, end, lambda: woken.append("woken")), mux, end, woken


def test_what_is_delivered_is_told_back_as_used_up() -> None:
    stream, mux, end, _ = made()
    stream.deliver(b"ab")
    assert (end.calls, mux.calls) == ([b"ab"], [("taken", 2)])
    assert stream.is_reading()


def test_a_stream_that_is_not_read_keeps_what_comes_in_order() -> None:
    stream, mux, end, woken = made()
    stream.pause_reading()
    stream.deliver(b"a")
    stream.deliver(b"b")
    assert not end.calls
    assert not mux.calls
    stream.resume_reading()
    assert (end.calls, mux.calls) == ([b"a", b"b"], [("taken", 1), ("taken", 1)])
    assert woken
    stream.pause_reading()
    stream.deliver(b"c")
    stream.gone()
    stream.resume_reading()
    assert end.calls == [b"a", b"b", "lost"]


def test_its_end_is_told_when_the_client_takes_no_more() -> None:
    stream, mux, end, woken = made()
    stream.write(b"a")
    assert (end.calls, woken) == ([], ["woken"])
    mux.full, mux.waiting = True, 9
    stream.write(b"b")
    stream.write(b"c")
    assert end.calls == ["full"], "once"
    assert stream.get_write_buffer_size() == 9
    stream.ease()
    stream.ease()
    assert end.calls == ["full", "eased"]
    stream.set_write_buffer_limits(1)


def test_after_it_was_closed_nothing_is_said_or_heard() -> None:
    for close, at_once in ((StreamTransport.close, False), (StreamTransport.abort, True)):
        stream, mux, end, _ = made()
        close(stream)
        assert stream.is_closing()
        stream.write(b"a")
        stream.write(b"")
        stream.deliver(b"b")
        assert (mux.calls, end.calls) == ([("finish", at_once)], [])
        stream.gone()
        stream.gone()
        assert end.calls == ["lost"], "once"
        close(stream)
        assert mux.calls == [("finish", at_once)]
