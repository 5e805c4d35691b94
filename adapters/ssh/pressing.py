"""Stops what goes out on a connection whose peer does not take it, and what comes in that nobody has looked at.

asyncssh bounds what waits for the window of a channel, and nothing behind that: what a wide window lets through, answers to requests, what waits for
new session keys, all wait without end. Called for each connection when it is made.
"""

from __future__ import annotations

import asyncio

import structlog
from asyncssh.channel import SSHChannel
from asyncssh.connection import SSHConnection
from asyncssh.packet import SSHPacketLogger

HIGH_WATER = 1 << 20
"""Bytes that wait for the peer: above, no channel sends anything, so that whoever feeds it stops too."""
MAX_UNSENT = 4 << 20
"""Bytes that wait all the same, as answers to what the peer asks: a client is not read any more then, a target is left."""
MAX_UNREAD = 1 << 20
"""Bytes of the peer that wait while a packet is looked at."""
LOOK_AGAIN = 0.05
_EACH = 100
"""Bytes that a packet takes beside what is in it."""

log = structlog.get_logger(__name__)


def press_back(connection: SSHConnection, *, is_client: bool) -> None:
    """Bound what waits on this connection. `is_client`: the peer is a client.

    WHY on the object: as in `sparing` (pinned by tests/unit/adapters/ssh/test_pressing.py).
    """
    transport = connection._transport
    if transport is not None:
        _Pressure(connection, transport, is_client=is_client)


class _Pressure:
    def __init__(self, connection: SSHConnection, transport: asyncio.Transport, *, is_client: bool) -> None:
        self._connection, self._transport, self._is_client = connection, transport, is_client
        self._send, self._receive = connection.send_packet, connection.data_received
        self._windows: dict[SSHChannel[bytes], int] = {}
        """Of the channels that send nothing, what their peer would take."""
        self._is_full = self._is_unread = self._is_looking = False
        self._deferred = 0
        """Bytes that wait for new session keys."""
        transport.set_write_buffer_limits(high=HIGH_WATER)
        connection.pause_writing = self._pause  # type: ignore[method-assign]  # see above
        connection.resume_writing = self._resume  # type: ignore[method-assign]
        connection.send_packet = self._send_packet  # type: ignore[method-assign]
        connection.data_received = self._data_received  # type: ignore[method-assign]

    def _pause(self) -> None:
        self._is_full = True
        self._stop()

    def _resume(self) -> None:
        self._is_full = False
        if self._is_unread:
            self._is_unread = False
            if not self._is_looking:
                self._transport.resume_reading()
        self._go_on()

    @property
    def _is_blocked(self) -> bool:
        return self._is_full or self._deferred > HIGH_WATER

    def _stop(self) -> None:
        """Have no channel send, whatever its peer would take."""
        for channel in self._connection._channels.values():
            if channel._send_window:
                self._windows[channel] = self._windows.get(channel, 0) + channel._send_window
                channel._send_window = 0

    def _go_on(self) -> None:
        if self._is_blocked:
            return
        windows, self._windows = self._windows, {}
        there = set(self._connection._channels.values())
        for channel, window in windows.items():
            if channel in there:
                channel._send_window += window
        for channel in windows:
            # WHY looked at again: one that is over has nobody to tell, and each may fill the socket.
            if channel in there and channel._session is not None and not self._is_blocked:
                channel._flush_send_buf()

    def _send_packet(self, pkttype: int, *args: bytes, handler: SSHPacketLogger | None = None) -> None:
        connection = self._connection
        before = len(connection._deferred_packets)
        self._send(pkttype, *args, handler=handler)
        waiting = len(connection._deferred_packets)
        if waiting > before:
            self._deferred += sum(map(len, args)) + _EACH
        elif self._deferred and not waiting:
            self._deferred = 0
            asyncio.get_running_loop().call_soon(self._go_on)
        if self._is_blocked:
            self._stop()
            self._look_at_unsent()

    def _look_at_unsent(self) -> None:
        if self._deferred > MAX_UNSENT:
            log.warning("a peer agrees on no session keys")
            self._connection.abort()
        elif self._is_full and self._transport.get_write_buffer_size() > MAX_UNSENT and not self._is_unread:
            if self._is_client:
                self._is_unread = True
                self._transport.pause_reading()
            else:
                log.warning("a target asks without end and takes no answers")
                self._connection.abort()

    def _data_received(self, data: bytes, datatype: int | None = None) -> None:
        self._receive(data, datatype)
        if len(self._connection._inpbuf) > MAX_UNREAD and not self._is_looking:
            self._is_looking = True
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(LOOK_AGAIN, self._look_again)

    def _look_again(self) -> None:
        if self._transport.is_closing():
            return
        if len(self._connection._inpbuf) > MAX_UNREAD:
            asyncio.get_running_loop().call_later(LOOK_AGAIN, self._look_again)
            return
        self._is_looking = False
        if not self._is_unread:
            self._transport.resume_reading()
