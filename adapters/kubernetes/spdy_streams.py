"""The streams that a client opens over SPDY/3.1: which is which, and which of them were answered, by whomever. Pure.

One object for a connection, from its first byte to its last: `talks` speaks on it while nothing runs, `hiding` while something does.
"""

from __future__ import annotations

from adapters.errors import PeerProtocolError
from adapters.kubernetes import spdy

MAX_STREAMS = 8
_STORED = b"\x00\x04\x00\xfb\xff" + bytes(4)
"""A block of no headers, not compressed (RFC 1951, 3.2.4). WHY: whatever was packed before it, by whomever, it can stand behind that."""


class SpdyStreams:
    """Reads what a client sends, and answers the streams that it opens."""

    __slots__ = ("_answered", "_frames", "_headers", "_is_ours", "_packed", "names")

    def __init__(self) -> None:
        self._frames, self._headers, self._packed = spdy.FrameReader(), spdy.HeaderReader(), spdy.HeaderWriter()
        self._answered: set[int] = set()
        self._is_ours: bool | None = None
        self.names: dict[int, str] = {}
        """The streams by number, in the order in which they were opened."""

    def read(self, data: bytes) -> list[spdy.Frame]:
        """The client's frames that are whole by now. Raises PeerProtocolError."""
        frames = self._frames.feed(data)
        for one in frames:
            if one.kind == spdy.SYN_STREAM:
                self.names[one.stream] = self._headers.read(one.payload[10:]).get("streamtype", "")
            elif one.kind == spdy.HEADERS:
                self._headers.read(one.payload[4:])
            if len(self.names) > MAX_STREAMS:
                raise PeerProtocolError("the client opens too many streams", code="spdy")
        return frames

    def take_rest(self) -> bytes:
        """The beginning of a frame that is not whole yet. Frames may be as long as they like from now on."""
        self._frames.most = spdy.MAX_RUNNING
        return self._frames.rest

    def answer(self, number: int) -> bytes:
        """Tell the client that a stream of its is there; nothing where it was told."""
        if number in self._answered:
            return b""
        self._answered.add(number)
        if self._is_ours is None:
            self._is_ours = True
        block = self._packed.write({}) if self._is_ours else _STORED
        return spdy.control(spdy.SYN_REPLY, number.to_bytes(4, "big") + block)

    def pass_answer(self, frame: spdy.Frame) -> bytes:
        """The target's own answer to a stream, as the client is told it. Raises PeerProtocolError."""
        if self._is_ours:
            # WHY another: the target's is packed with what it packed before, and the client has other packing from us.
            return self.answer(frame.stream)
        self._is_ours = False
        self._answered.add(frame.stream)
        return frame.raw

    def pass_headers(self, frame: spdy.Frame) -> bytes:
        """Headers of the target. Raises PeerProtocolError where nobody can read them."""
        if self._is_ours:
            raise PeerProtocolError("the target says headers to a client that was answered here", code="spdy")
        self._is_ours = False
        return frame.raw
