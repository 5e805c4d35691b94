"""Server-sent events, read as browsers read them: any of three line ends, comments, several `data` lines. Written in one way. Pure.

Called by the mask of event streams, and by MCP, whose messages come in events.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from adapters.errors import PeerProtocolError

MAX_EVENT = 4 * 1024 * 1024
"""Bytes of one event: it is looked at whole."""

_END = re.compile(rb"\r\n|\n|\r(?!\n|\Z)")


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `name` is empty where nothing was said; ids and times to wait are left out."""

    name: bytes
    data: bytes


class Events:
    """Bytes of an event stream, until events are whole. `comments` counts the lines that only keep it alive."""

    __slots__ = ("_data", "_name", "_searched", "_size", "_unread", "comments")

    def __init__(self) -> None:
        self._unread = bytearray()
        self._searched = self._size = 0
        self._name = b""
        self._data: list[bytes] = []
        self.comments = 0

    def feed(self, piece: bytes) -> list[Event]:
        """The events that are whole now; those without data are none. Raises PeerProtocolError."""
        self._unread += piece
        found: list[Event] = []
        while (end := _END.search(self._unread, self._searched)) is not None:
            line = bytes(self._unread[: end.start()])
            del self._unread[: end.end()]
            self._searched = 0
            if line:
                self._field(line)
                continue
            data = b"\n".join(self._data)
            if data.strip():
                found.append(Event(self._name, data))
            self._data.clear()
            self._name, self._size = b"", 0
        self._searched = max(len(self._unread) - 1, 0)
        if self._size + len(self._unread) > MAX_EVENT:
            raise _too_long()
        return found

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._size += len(value) + 1
            if self._size > MAX_EVENT:
                raise _too_long()
        elif name == b"event":
            self._name = value
        elif not name:
            self.comments += 1


def _too_long() -> PeerProtocolError:
    return PeerProtocolError("an event of the server is too long to be looked at", code="TOO_LARGE")
