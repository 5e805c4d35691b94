"""Channels of an exec over WebSocket: a message begins with the number of the stream that its bytes are of. Pure.

Both ways of reading: what a client sends, and what the API server does. Used by `hiding`, `screens` and `running`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from adapters.errors import PeerProtocolError
from adapters.web.websocket import frames as websockets

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
MAX_MESSAGE = 64 * 1024
"""Bytes of a message that is no output: a status, the end of a stream."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a message of one channel."""

    channel: int
    data: bytes
    is_first: bool
    is_last: bool


class ChannelReader:
    """Bytes of one side to pieces of messages, and control frames between them. Raises PeerProtocolError (`websocket`)."""

    def __init__(self, *, is_client: bool) -> None:
        self._frames = websockets.FrameReader(is_client=is_client)
        self._channel: int | None = None

    def feed(self, data: bytes) -> Iterator[Piece | websockets.Frame]:
        """What the bytes come to."""
        for frame in self._frames.feed(data):
            yield frame if frame.opcode >= websockets.CLOSE else self._piece(frame)

    def _piece(self, frame: websockets.Frame) -> Piece:
        is_first = self._channel is None
        if frame.opcode != (websockets.BINARY if is_first else websockets.CONTINUATION) or (
            is_first and not frame.payload
        ):
            raise PeerProtocolError("a message is of no channel", code="websocket")
        channel = frame.payload[0] if self._channel is None else self._channel
        self._channel = None if frame.is_final else channel
        return Piece(channel, frame.payload[1:] if is_first else frame.payload, is_first, frame.is_final)


class Whole:
    """Messages of one side that are no output, put together. Raises PeerProtocolError for one that is too long."""

    def __init__(self) -> None:
        self._message = b""

    def take(self, piece: Piece) -> bytes | None:
        """The message that ends with this piece; None while it goes on."""
        self._message += piece.data
        if len(self._message) > MAX_MESSAGE:
            raise PeerProtocolError("a message is too long", code="websocket")
        if not piece.is_last:
            return None
        whole, self._message = self._message, b""
        return whole


def message(channel: int, data: bytes) -> bytes:
    """A message as the API server sends it."""
    return websockets.frame(websockets.BINARY, bytes((channel,)) + data)


def typed(channel: int, data: bytes) -> bytes:
    """A message of our own to the API server, masked as a client's has to be."""
    return websockets.written(websockets.Frame(websockets.BINARY, bytes((channel,)) + data, key=websockets.NO_KEY))
