"""The driver of one connection that carries several (`carried.Driven`): its turns on the loop, its timer, the streams on it.

What both ways have in common: `carrying` drives a client's, `shared` one to a target, and each says what becomes of a stream. A turn is: bytes in, what
happened told, bytes out, until neither comes of the other. INVARIANT: an error in a turn, whatever it is, lets nothing pass and ends the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias, assert_never

from adapters.core.carried import Done, Driven, Eased, Happening, Heard, Left, Opened, Unserved
from adapters.core.ends import End
from adapters.core.stream_ends import StreamTransport

SEND_AT_ONCE = 64 * 1024
"""Bytes of streams that are made in one go."""

Ended: TypeAlias = Done | Left | Unserved


class Turns:
    """Of one connection, from when it carries (`begin`) until its end (`close`). `streams`: those that are open."""

    def __init__(
        self,
        end: End,
        *,
        opened: Callable[[int], None],
        ended: Callable[[Ended, StreamTransport], None],
        settle: Callable[[], None],
        fail: Callable[[str], None],
    ) -> None:
        """`opened`: the other side began a stream. `ended`: one is over. `settle`: a turn is done. `fail` has to end the connection."""
        self._end = end
        self._opened, self._ended, self._settle, self._fail = opened, ended, settle, fail
        self._loop = asyncio.get_running_loop()
        self._driven: Driven | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_full = self._is_turning = self._is_due = self._is_over = False
        self.streams: dict[int, StreamTransport] = {}

    def begin(self, driven: Driven, data: bytes = b"") -> None:
        """The connection stands, and this was heard already."""
        self._driven = driven
        driven.begin(self._loop.time())
        self.work(data)

    def wake(self) -> None:
        """There may be something to send, soon: what several streams say goes out together."""
        if not self._is_due and not self._is_over:
            self._is_due = True
            self._loop.call_soon(self.work)

    def is_full(self, full: bool) -> None:
        """The socket cannot take more for now, or can again."""
        self._is_full = full
        if not full:
            self.wake()

    def work(self, data: bytes = b"") -> None:
        """Do what happened, send what there is."""
        self._is_due = False
        driven = self._driven
        if driven is None or self._is_over:
            return
        if self._is_turning:
            raise RuntimeError("a connection's turn in its own turn")
        self._is_turning, is_done = True, False
        try:
            if data:
                driven.receive(data, self._loop.time())
            self._turn(driven)
            self._settle()
            is_done = True
        finally:
            self._is_turning = False
            if not is_done:
                self._fail("internal error")
        self._arm(driven)

    def _turn(self, driven: Driven) -> None:
        while True:
            happened = driven.happened()
            for one in happened:
                self._do(one)
            said = driven.send(SEND_AT_ONCE, self._loop.time()) if not self._is_full and driven.wants_sending else b""
            if said:
                self._end.send(said)
            elif not happened:
                break

    def _do(self, one: Happening) -> None:
        match one:
            case Opened(number):
                self._opened(number)
            case Heard(number, data):
                if (stream := self.streams.get(number)) is not None:
                    stream.deliver(data)
            case Eased(number):
                if (stream := self.streams.get(number)) is not None:
                    stream.ease()
            case Done(number) | Left(number) | Unserved(number):
                if (stream := self.streams.pop(number, None)) is not None:
                    self._ended(one, stream)
            case _:
                assert_never(one)

    def _arm(self, driven: Driven) -> None:
        self._disarm()
        if driven.deadline is not None and not self._is_over:
            self._timer = self._loop.call_at(driven.deadline, self._tick)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        if self._driven is not None:
            self._driven.tick(self._loop.time())
            self.work()

    def close(self) -> None:
        """No more turns; the streams that are open have no other side any more."""
        self._is_over = True
        self._disarm()
        streams, self.streams = self.streams, {}
        for stream in streams.values():
            stream.gone()
