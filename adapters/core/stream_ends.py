"""A stream of a carried connection, as asyncio sees a socket: one of a relay's ends reads from it and writes to it.

Not here: what a stream is on the wire (`carried.Streams`), who drives it (`carrying` to clients, `shared` to targets).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from adapters.core.carried import Streams


class StreamTransport(asyncio.Transport):
    """One stream. `end` is the protocol over it; `wake` has what was written sent soon."""

    def __init__(self, number: int, mux: Streams, end: asyncio.Protocol, wake: Callable[[], None]) -> None:
        super().__init__()
        self._number = number
        self._mux = mux
        self._end = end
        self._wake = wake
        self._unread: list[bytes] = []
        self._is_paused = self._is_full = self._is_closing = self._is_gone = False

    # --- from the carrier

    def deliver(self, data: bytes) -> None:
        """Bytes of the other side. WHY kept without a limit when nobody reads: there are no more than the stream's window."""
        if self._is_closing:
            return
        if self._is_paused:
            self._unread.append(data)
            return
        self._end.data_received(data)
        self._mux.taken(self._number, len(data))

    def ease(self) -> None:
        """The other side took enough of what was written."""
        if self._is_full:
            self._is_full = False
            self._end.resume_writing()

    def gone(self) -> None:
        """Nothing goes to the other side any more, and nothing comes."""
        if not self._is_gone:
            self._is_gone = self._is_closing = True
            self._unread.clear()
            self._end.connection_lost(None)

    # --- from the relay's end

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Bytes for the other side."""
        if self._is_closing or not data:
            return
        self._mux.answer(self._number, bytes(data))
        if not self._is_full and self._mux.is_full(self._number):
            self._is_full = True
            self._end.pause_writing()
        self._wake()

    def pause_reading(self) -> None:
        """Deliver nothing for now: the other side's window closes."""
        self._is_paused = True

    def resume_reading(self) -> None:
        """Deliver again, what came meanwhile first."""
        self._is_paused = False
        while self._unread and not self._is_paused and not self._is_closing:
            data = self._unread.pop(0)
            self._end.data_received(data)
            self._mux.taken(self._number, len(data))
        self._wake()

    def is_reading(self) -> bool:
        return not self._is_paused and not self._is_closing

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        """Nothing more is written; what was goes out."""
        self._finish(at_once=False)

    def abort(self) -> None:
        """Nothing goes out any more."""
        self._finish(at_once=True)

    def _finish(self, *, at_once: bool) -> None:
        if not self._is_gone:
            self._is_closing = True
            self._mux.finish(self._number, at_once=at_once)
            self._wake()

    def get_write_buffer_size(self) -> int:
        return self._mux.unsent(self._number)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """The multiplexer's own are what counts."""
