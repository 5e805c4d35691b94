"""Frames of WebSocket (RFC 6455), as far as the gateway speaks it itself: while a client waits, and to tell it why not.

What runs after a grant is carried as it comes. No extensions are agreed on, so no frame is compressed.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from adapters.errors import PeerProtocolError

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MAX_PAYLOAD = 64 * 1024
"""Of one frame while nothing runs yet; kubectl sends 32 KiB at a time."""

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_NORMAL = (1000).to_bytes(2, "big")


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame; `payload` without its mask, `raw` as it came."""

    opcode: int
    payload: bytes
    raw: bytes


def accept_of(key: str) -> str:
    """What a server says to show that it understood a client's key.

    >>> accept_of("dGhlIHNhbXBsZSBub25jZQ==")
    's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
    """
    return base64.b64encode(hashlib.sha1(f"{key}{_GUID}".encode(), usedforsecurity=False).digest()).decode("ascii")


def is_key(text: str) -> bool:
    """Whether this is a key as a client sends it: 16 bytes in Base64."""
    try:
        return len(base64.b64decode(text, validate=True)) == 16
    except ValueError:
        return False


def frame(opcode: int, payload: bytes) -> bytes:
    """A whole frame as a server sends it."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    return bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big") + payload if size < 1 << 16 else _long(opcode, payload)


def _long(opcode: int, payload: bytes) -> bytes:
    return bytes((0x80 | opcode, 127)) + len(payload).to_bytes(8, "big") + payload


def goodbye() -> bytes:
    """The frame that ends a connection as it should end."""
    return frame(CLOSE, _NORMAL)


class FrameReader:
    """Bytes of a client to frames. Raises PeerProtocolError for what no client sends, or sends now."""

    __slots__ = ("_unread",)

    def __init__(self) -> None:
        self._unread = b""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole by now."""
        self._unread += data
        frames = []
        while (found := self._next()) is not None:
            frames.append(found)
        return frames

    @property
    def rest(self) -> bytes:
        """The beginning of a frame that is not whole yet."""
        return self._unread

    def _next(self) -> Frame | None:
        data = self._unread
        if len(data) < 2:
            return None
        if data[0] & 0x70 or not data[1] & 0x80:
            raise PeerProtocolError("a frame of the client is compressed or has no mask", code="websocket")
        opcode, size, at = data[0] & 0x0F, data[1] & 0x7F, 2
        if size >= 126:
            width = 2 if size == 126 else 8
            if len(data) < at + width:
                return None
            size, at = int.from_bytes(data[at : at + width], "big"), at + width
        if size > MAX_PAYLOAD or (opcode >= CLOSE and size > 125):
            raise PeerProtocolError("a frame of the client is too long", code="websocket")
        end = at + 4 + size
        if len(data) < end:
            return None
        mask, payload = data[at : at + 4], data[at + 4 : end]
        self._unread = data[end:]
        return Frame(opcode, _unmasked(payload, mask), data[:end])


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    pattern = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pattern, "big")).to_bytes(size, "big")
