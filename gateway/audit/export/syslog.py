"""A syslog receiver over TLS: RFC 5424 messages, framed as RFC 5425 says. Facility 13 (log audit).

Syslog has no answer. What was sent counts as taken once the other side's kernel has confirmed every byte, so that a
receiver that dies right then may miss the last of it; nothing is lost by our own end, however it comes.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import select
import socket
import ssl
import termios
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from gateway.audit.export.events import MAX_EVENTS, Event, SinkFailed

CONNECT_SECONDS = 10.0
SEND_SECONDS = 30.0
CONFIRM_SECONDS = 10.0
MAX_BODY = 60 * 1024
"""Bytes: receivers cut longer messages; 64 KiB is what common ones take when they are told to (RFC 5425, 4.3.1: SHOULD 8 KiB)."""
_FACILITY = 13
_LOOK_SECONDS = 0.005


class SyslogSink:
    """One receiver at `HOST:PORT`."""

    max_body = MAX_BODY
    max_events = MAX_EVENTS

    def __init__(self, host: str, port: int, ca_file: Path | None) -> None:
        """`ca_file`: who is trusted to name the receiver; None is the system's."""
        self._host, self._port, self._ca_file = host, port, ca_file
        self._own_name = socket.gethostname() or "-"
        self._connection: ssl.SSLSocket | None = None

    def send(self, events: Sequence[Event]) -> None:
        """As `Sink.send`."""
        data = b"".join(_frame(event, self._own_name) for event in events)
        try:
            connection = self._connected()
            _drain(connection)
            connection.settimeout(SEND_SECONDS)
            connection.sendall(data)
            self._confirmed(connection)
        except (OSError, ssl.SSLError) as error:
            self.close()
            raise SinkFailed(f"{self._host}:{self._port}: {_told(error)}") from error

    def _connected(self) -> ssl.SSLSocket:
        if self._connection is None:
            context = ssl.create_default_context(cafile=self._ca_file)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            raw = socket.create_connection((self._host, self._port), CONNECT_SECONDS)
            # `wrap_socket` takes the socket over, and closes it where no handshake comes about.
            self._connection = context.wrap_socket(raw, server_hostname=self._host)
        return self._connection

    def _confirmed(self, connection: ssl.SSLSocket) -> None:
        """Wait until the peer's kernel has all bytes."""
        end = time.monotonic() + CONFIRM_SECONDS
        waiting = array.array("i", [0])
        while True:
            _drain(connection)
            # SIOCOUTQ has the number of TIOCOUTQ on Linux: bytes that the peer has not confirmed (tcp(7)).
            fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, waiting)
            if waiting[0] == 0:
                return
            if time.monotonic() > end:
                raise TimeoutError("the receiver does not confirm what it was sent")
            select.select([connection], [], [], _LOOK_SECONDS)

    def close(self) -> None:
        """As `Sink.close`: with TLS's own farewell, so that a receiver knows nothing was cut off."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with contextlib.suppress(OSError, ssl.SSLError, ValueError):  # WHY: it is leaving; the peer may have left first
            connection.settimeout(1.0)
            connection.unwrap()
        connection.close()


def _drain(connection: ssl.SSLSocket) -> None:
    """Read what the receiver says (session tickets, its end). WHY: unread bytes would make our own end a reset, and a reset
    throws away what the receiver has not read."""
    connection.settimeout(0.0)
    try:
        while True:
            if not connection.recv(4096):
                raise ConnectionResetError("the receiver ended the connection")
    except (ssl.SSLWantReadError, BlockingIOError):
        return
    finally:
        with contextlib.suppress(OSError):
            connection.settimeout(SEND_SECONDS)


def _frame(event: Event, host: str) -> bytes:
    moment = datetime.fromtimestamp(event.time // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    head = (
        f"<{_FACILITY * 8 + event.severity}>1 {moment}.{event.time % 1_000_000_000 // 1000:06d}Z"
        f" {host} sallyport {os.getpid()} {event.kind} - "
    )
    message = head.encode("ascii", "replace") + event.body
    return b"%d %b" % (len(message), message)


def _told(error: OSError) -> str:
    return error.strerror or type(error).__name__
