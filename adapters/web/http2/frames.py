"""Bytes of a client or a target to whole frames of HTTP/2, looked over before the library sees them (RFC 9113, 4 and 6; RFC 7541, 5 and 6).

What is checked here: the preface, sizes, that a head comes in few frames and few bytes, that its integers are short. HPACK's
own reader knows no limit for those, and works on them in the square of their length. What frames mean is the library's.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from adapters.errors import PeerProtocolError

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client that speaks HTTP/2 says first."""
MAX_FRAME = 16 * 1024
"""The payload of one frame: what every peer has to take, and all that we do."""
MAX_BLOCK = 64 * 1024
"""Bytes of one head as they are on the wire."""
MAX_CONTINUATIONS = 16
"""Frames that a head goes on in."""
MAX_FIELDS = 400
"""Fields of one head; cookies may come in crumbs."""
MAX_TABLE = 4 * 1024
"""Bytes that heads of ours may refer back to, whatever the client would allow."""
MAX_INTEGER = 5
"""Bytes behind the first one of an integer: enough for 32 bits."""

_HEADER = struct.Struct(">BHBBI")
_HEADER_SIZE = 9
_END_STREAM, _END_HEADERS, _PADDED, _PRIORITY = 0x1, 0x4, 0x8, 0x20
_CUT = "a head ends in the middle of a field"


class Kind(IntEnum):
    """The types of frames (RFC 9113, 6). Others are extensions and mean nothing to us."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: `whole` is all of it as it came."""

    kind: int
    flags: int
    stream: int
    whole: bytes

    @property
    def size(self) -> int:
        """Bytes of the payload."""
        return len(self.whole) - _HEADER_SIZE

    @property
    def is_last(self) -> bool:
        """Whether the client's side of the stream ends with it, where its kind can say so."""
        return bool(self.flags & _END_STREAM)

    @property
    def is_ack(self) -> bool:
        """Whether it confirms settings, or a ping, of ours."""
        return bool(self.flags & _END_STREAM)

    @property
    def content(self) -> bytes:
        """The payload without padding and priority (DATA, HEADERS, CONTINUATION). Raises PeerProtocolError."""
        start, end = _HEADER_SIZE, len(self.whole)
        is_padded = self.flags & _PADDED and self.kind in (Kind.DATA, Kind.HEADERS)
        if is_padded:
            if start == end:
                raise _bad("a padded frame has no padding")
            end -= self.whole[start]
            start += 1
        if self.kind == Kind.HEADERS and self.flags & _PRIORITY:
            start += 5
        if start > end:
            raise _bad("a frame is shorter than its padding")
        return self.whole[start:end]


class FrameReader:
    """Takes bytes in pieces, gives whole frames."""

    __slots__ = ("_block", "_continuations", "_is_greeted", "_is_set", "_unread")

    def __init__(self, *, is_greeted: bool = False) -> None:
        """`is_greeted`: no preface comes, as from targets."""
        self._unread = bytearray()
        self._is_greeted, self._is_set = is_greeted, False
        self._block: bytearray | None = None
        self._continuations = 0

    def feed(self, data: bytes) -> None:
        """Take bytes in."""
        self._unread += data

    def take(self) -> Frame | None:
        """The next frame; None when it is not all there. Raises PeerProtocolError."""
        if not self._is_greeted and not self._greet():
            return None
        if len(self._unread) < _HEADER_SIZE:
            return None
        high, low, kind, flags, stream = _HEADER.unpack_from(self._unread)
        size = high << 16 | low
        if size > MAX_FRAME:
            raise PeerProtocolError(f"a frame is longer than {MAX_FRAME} bytes", code="FRAME_SIZE_ERROR")
        if len(self._unread) < _HEADER_SIZE + size:
            return None
        frame = Frame(kind, flags, stream & 0x7FFFFFFF, bytes(self._unread[: _HEADER_SIZE + size]))
        del self._unread[: _HEADER_SIZE + size]
        self._check(frame)
        return frame

    @property
    def is_in_head(self) -> bool:
        """Whether a head has begun that is not whole."""
        return self._block is not None

    def _greet(self) -> bool:
        if not PREFACE.startswith(self._unread[: len(PREFACE)]):
            raise _bad("the connection does not begin as HTTP/2 does")
        if len(self._unread) < len(PREFACE):
            return False
        del self._unread[: len(PREFACE)]
        self._is_greeted = True
        return True

    def _check(self, frame: Frame) -> None:
        if not self._is_set and (frame.kind != Kind.SETTINGS or frame.is_ack):
            raise _bad("the first frame says no settings")
        self._is_set = True
        block = self._block
        if (block is None) == (frame.kind == Kind.CONTINUATION):
            raise _bad("a head is not followed by its rest alone")
        if frame.kind == Kind.HEADERS:
            self._block, self._continuations = bytearray(), 0
        elif block is not None:
            self._continuations += 1
        if self._block is None:
            return
        self._block += frame.content
        if len(self._block) > MAX_BLOCK or self._continuations > MAX_CONTINUATIONS:
            raise PeerProtocolError("a head is too long, or in too many pieces", code="ENHANCE_YOUR_CALM")
        if frame.flags & _END_HEADERS:
            check_block(bytes(self._block))
            self._block = None


def check_block(block: bytes) -> None:
    """Walk over a head as HPACK writes it, and decode nothing. Raises PeerProtocolError for what no honest peer writes."""
    at = fields = updates = 0
    while at < len(block):
        first = block[at]
        if first & 0x80:
            _, at = _integer(block, at, 7)
        elif first & 0x40:
            at = _literal(block, at, 6)
        elif first & 0x20:
            _, at = _integer(block, at, 5)
            updates += 1
        else:
            at = _literal(block, at, 4)
        fields += 1
        if updates > 2 or fields - updates > MAX_FIELDS:
            raise PeerProtocolError("a head has too many fields", code="ENHANCE_YOUR_CALM")


def _literal(block: bytes, at: int, bits: int) -> int:
    index, at = _integer(block, at, bits)
    for _ in range(1 if index else 2):
        length, at = _integer(block, at, 7)
        at += length
    if at > len(block):
        raise _uncompressed(_CUT)
    return at


def _integer(block: bytes, at: int, bits: int) -> tuple[int, int]:
    """An integer of HPACK (RFC 7541, 5.1), and where it ends."""
    if at >= len(block):
        raise _uncompressed(_CUT)
    most = (1 << bits) - 1
    number = block[at] & most
    at += 1
    if number < most:
        return number, at
    for shift in range(MAX_INTEGER):
        if at >= len(block):
            raise _uncompressed(_CUT)
        byte = block[at]
        at += 1
        number += (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return number, at
    raise _uncompressed("a number in a head is too long")


def bounded(frame: Frame) -> bytes:
    """Settings of a peer as we take them: it may allow us a large table of past fields, and we do not fill it."""
    said = struct.iter_unpack(">HI", frame.whole[_HEADER_SIZE:]) if frame.size % 6 == 0 else None
    if frame.kind != Kind.SETTINGS or said is None:
        return frame.whole
    body = b"".join(struct.pack(">HI", name, min(value, MAX_TABLE) if name == 1 else value) for name, value in said)
    return frame.whole[:_HEADER_SIZE] + body


def settings(values: dict[int, int]) -> bytes:
    """A frame that says these settings."""
    body = b"".join(struct.pack(">HI", name, value) for name, value in values.items())
    return _HEADER.pack(0, len(body), Kind.SETTINGS, 0, 0) + body


def goaway(last_stream: int, code: int, reason: str = "") -> bytes:
    """A frame that says: no stream above this one is served."""
    said = reason.encode("ascii", "replace")
    return _HEADER.pack(0, 8 + len(said), Kind.GOAWAY, 0, 0) + struct.pack(">II", last_stream, code) + said


def read_goaway(frame: Frame) -> tuple[int, int]:
    """The last stream that a peer may have served, and its code. Raises PeerProtocolError."""
    if frame.size < 8 or frame.stream:
        raise PeerProtocolError("a goodbye has no last stream, or stands on one", code="FRAME_SIZE_ERROR")
    last, code = struct.unpack_from(">II", frame.whole, _HEADER_SIZE)
    return last & 0x7FFFFFFF, code


def _bad(message: str) -> PeerProtocolError:
    return PeerProtocolError(message, code="PROTOCOL_ERROR")


def _uncompressed(message: str) -> PeerProtocolError:
    return PeerProtocolError(message, code="COMPRESSION_ERROR")
