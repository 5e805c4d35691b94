"""Frames of WebSocket (RFC 6455), read strictly and written in one way. No extensions, so no frame is compressed. Pure.

How frames follow each other is asked in `order`. Used by HTTP, which looks into every message, and by Kubernetes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from adapters.errors import PeerProtocolError

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MAX_CONTROL = 125
"""Bytes of a control frame (5.5)."""
PIECE = 64 * 1024
"""Longer frames are read in fragments of this size. A multiple of four, so that each begins where the mask's key does."""
NO_KEY = bytes(4)
"""For frames of our own to a target. WHY no chance in it: a key hides what a page could choose, and we choose these bytes."""

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KNOWN = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
_TOO_LONG = 1 << 63


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, or a fragment of a long one. `payload` is in clear; `key` is what a client masked it with."""

    opcode: int
    payload: bytes
    is_final: bool = True
    key: bytes = b""


@dataclass(frozen=True, slots=True)
class _Head:
    """The beginning of a frame whose payload is not all there. `raw` are its bytes, `left` those of the payload."""

    frame: Frame
    left: int
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


def written(frame: Frame) -> bytes:
    """A frame as it stands on the wire: masked where it has a key."""
    size, masked = len(frame.payload), 0x80 if frame.key else 0
    first = frame.opcode | (0x80 if frame.is_final else 0)
    if size <= MAX_CONTROL:
        head = bytes((first, masked | size))
    elif size < 1 << 16:
        head = bytes((first, masked | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, masked | 127)) + size.to_bytes(8, "big")
    return head + frame.key + (_masked(frame.payload, frame.key) if frame.key else frame.payload)


def frame(opcode: int, payload: bytes) -> bytes:
    """A whole message as a server sends it."""
    return written(Frame(opcode, payload))


def closing(code: int, reason: str = "") -> bytes:
    """The payload of a frame that ends a connection; a reason too long for it is cut."""
    return code.to_bytes(2, "big") + reason.encode()[: MAX_CONTROL - 2].decode(errors="ignore").encode()


def goodbye() -> bytes:
    """The frame with which a server ends a connection as it should end."""
    return frame(CLOSE, closing(1000))


class FrameReader:
    """Bytes of one side to frames. Raises PeerProtocolError (`websocket`) for what nobody may send, or not so long."""

    __slots__ = ("_head", "_is_client", "_longest", "_unread")

    def __init__(self, *, is_client: bool, longest: int | None = None) -> None:
        """`is_client`: a client's frames, which are masked. Without `longest` long frames come in fragments."""
        self._is_client = is_client
        self._longest = longest
        self._unread = bytearray()
        self._head: _Head | None = None

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames, and fragments of long ones, that are whole by now; those before a bad one too."""
        self._unread += data
        while (found := self._next()) is not None:
            yield found

    @property
    def rest(self) -> bytes:
        """The beginning of a frame that is not whole yet, as it came."""
        return (b"" if self._head is None else self._head.raw) + bytes(self._unread)

    def _next(self) -> Frame | None:
        head = self._read_head() if self._head is None else self._head
        if head is None:
            return None
        size = min(head.left, PIECE) if self._longest is None else head.left
        if len(self._unread) < size:
            self._head = head
            return None
        payload = bytes(self._unread[:size])
        del self._unread[:size]
        left = head.left - size
        self._head = _Head(replace(head.frame, opcode=CONTINUATION), left, b"") if left else None
        clear = _masked(payload, head.frame.key) if self._is_client else payload
        return replace(head.frame, payload=clear, is_final=head.frame.is_final and not left)

    def _read_head(self) -> _Head | None:
        data = self._unread
        if len(data) < 2:
            return None
        first, size, at = data[0], data[1] & 0x7F, 2
        opcode, is_final = first & 0x0F, bool(first & 0x80)
        if first & 0x70 or opcode not in _KNOWN:
            raise _bad("a frame is compressed, or of a kind that nobody agreed on")
        if bool(data[1] & 0x80) is not self._is_client:
            raise _bad("a frame of the client has no mask" if self._is_client else "a frame of the server has a mask")
        if opcode >= CLOSE and (size > MAX_CONTROL or not is_final):
            raise _bad("a control frame is too long, or a fragment")
        if size > MAX_CONTROL:
            width, least = (2, MAX_CONTROL + 1) if size == 126 else (8, 1 << 16)
            if len(data) < at + width:
                return None
            size, at = int.from_bytes(data[at : at + width], "big"), at + width
            if not least <= size < _TOO_LONG:
                raise _bad("a frame has a length that is not written in the shortest way")
        if self._longest is not None and size > self._longest:
            raise _bad("a frame is too long")
        end = at + 4 if self._is_client else at
        if len(data) < end:
            return None
        key, raw = bytes(data[at:end]), bytes(data[:end])
        del data[:end]
        return _Head(Frame(opcode, b"", is_final, key), size, raw)


def _masked(payload: bytes, key: bytes) -> bytes:
    size = len(payload)
    pattern = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pattern, "big")).to_bytes(size, "big")


def _bad(message: str) -> PeerProtocolError:
    return PeerProtocolError(message, code="websocket")
