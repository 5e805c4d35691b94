"""Frames of SPDY/3.1, as far as the gateway speaks it itself: while a client waits, and to tell it why not.

The protocol of kubectl's fallback, and of every kubectl before 1.31. What runs after a grant is carried as it comes, but for
the answers to streams that were answered here. (spdy-protocol-draft3-1: frames 2.2, streams 2.6, header blocks 2.6.10.)
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from adapters.errors import PeerProtocolError

SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS, WINDOW_UPDATE = 1, 2, 3, 4, 6, 7, 8, 9
FIN = 1
MAX_PAYLOAD = 64 * 1024
"""Of one frame while nothing runs yet."""
MAX_RUNNING = (1 << 24) - 1
"""Of one frame of what runs: as long as a length can say."""
MAX_HEADERS = 16 * 1024
"""Of one block of headers, unpacked."""

_WORDS = [
    "options",
    "head",
    "post",
    "put",
    "delete",
    "trace",
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "age",
    "allow",
    "authorization",
    "cache-control",
    "connection",
    "content-base",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-md5",
    "content-range",
    "content-type",
    "date",
    "etag",
    "expect",
    "expires",
    "from",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "last-modified",
    "location",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "range",
    "referer",
    "retry-after",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
    "warning",
    "www-authenticate",
    "method",
    "get",
    "status",
]
_MORE = ("200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin")
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden"
    "404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,"
    "publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
DICTIONARY = b"".join(len(word).to_bytes(4, "big") + word.encode() for word in (*_WORDS, *_MORE)) + _TAIL.encode()
"""What both sides begin to compress headers with (2.6.10.1)."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame; `kind` is None for data. `raw` is as it came."""

    kind: int | None
    flags: int
    stream: int
    payload: bytes
    raw: bytes


class FrameReader:
    """Bytes to frames. Raises PeerProtocolError for what is no SPDY/3, or longer than `most`."""

    __slots__ = ("_unread", "most")

    def __init__(self, most: int = MAX_PAYLOAD) -> None:
        self.most = most
        self._unread = bytearray()

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
        return bytes(self._unread)

    def _next(self) -> Frame | None:
        data = self._unread
        if len(data) < 8:
            return None
        flags, size = data[4], int.from_bytes(data[5:8], "big")
        if size > self.most:
            raise PeerProtocolError("a frame is too long", code="spdy")
        if len(data) < 8 + size:
            return None
        raw = bytes(data[: 8 + size])
        del data[: 8 + size]
        payload = raw[8:]
        if not raw[0] & 0x80:
            return Frame(None, flags, int.from_bytes(raw[:4], "big"), payload, raw)
        kind = int.from_bytes(raw[2:4], "big")
        if raw[0] & 0x7F or raw[1] != 3 or kind not in _LEAST or size < _LEAST[kind]:
            raise PeerProtocolError("this is no frame of SPDY/3", code="spdy")
        stream = int.from_bytes(payload[:4], "big") & 0x7FFFFFFF if kind not in (SETTINGS, PING, GOAWAY) else 0
        return Frame(kind, flags, stream, payload, raw)


_LEAST = {SYN_STREAM: 10, SYN_REPLY: 4, RST_STREAM: 8, SETTINGS: 4, PING: 4, GOAWAY: 4, HEADERS: 4, WINDOW_UPDATE: 8}


class HeaderReader:
    """Unpacks the header blocks of one side, in order."""

    __slots__ = ("_stream",)

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(zdict=DICTIONARY)

    def read(self, block: bytes) -> dict[str, str]:
        """The headers of one block, names in lower case. Raises PeerProtocolError."""
        try:
            data = self._stream.decompress(block, MAX_HEADERS)
        except zlib.error:
            raise _bad() from None
        if self._stream.unconsumed_tail:
            raise _bad()
        count, at = int.from_bytes(data[:4], "big"), 4
        if len(data) < 4 or count > 100:
            raise _bad()
        found: dict[str, str] = {}
        for _ in range(count):
            name, at = _counted(data, at)
            value, at = _counted(data, at)
            if name.lower() in found:
                raise _bad()
            found[name.lower()] = value
        return found


def _counted(data: bytes, at: int) -> tuple[str, int]:
    size = int.from_bytes(data[at : at + 4], "big")
    end = at + 4 + size
    if len(data) < end or at + 4 > len(data):
        raise _bad()
    return data[at + 4 : end].decode("latin-1"), end


class HeaderWriter:
    """Packs the header blocks that go to one side, in order."""

    __slots__ = ("_stream",)

    def __init__(self) -> None:
        self._stream = zlib.compressobj(zdict=DICTIONARY)

    def write(self, headers: dict[str, str]) -> bytes:
        """One block."""
        data = len(headers).to_bytes(4, "big")
        for pair in headers.items():
            data += b"".join(len(one).to_bytes(4, "big") + one.encode("latin-1") for one in pair)
        return self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH)


def control(kind: int, payload: bytes, flags: int = 0) -> bytes:
    """A control frame."""
    return b"\x80\x03" + kind.to_bytes(2, "big") + bytes((flags,)) + len(payload).to_bytes(3, "big") + payload


def data_frame(stream: int, payload: bytes, *, is_last: bool) -> bytes:
    """Bytes of a stream."""
    return stream.to_bytes(4, "big") + bytes((FIN if is_last else 0,)) + len(payload).to_bytes(3, "big") + payload


def _bad() -> PeerProtocolError:
    return PeerProtocolError("a block of headers cannot be read", code="spdy")
