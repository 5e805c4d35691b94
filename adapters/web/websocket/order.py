"""How the frames of one side follow each other: fragments of one message, control frames between them, UTF-8, a last word. Pure.

What is wrong with a side is said by the code of the error: the number with which a connection ends because of it is in `CODES`.
"""

from __future__ import annotations

import codecs

from adapters.errors import PeerProtocolError
from adapters.web.websocket.frames import CLOSE, CONTINUATION, TEXT, Frame

CODES = {"websocket": 1002, "websocket_text": 1007}
"""With which number a connection ends for an error (7.4.1); for any other it is 1008."""
_NAMED = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})
_OWN = range(3000, 5000)


class Order:
    """What came so far of one side."""

    __slots__ = ("_decoder", "_open", "is_closed")

    def __init__(self) -> None:
        self._open: int | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self.is_closed = False
        """The side said its last word."""

    def take(self, frame: Frame) -> int:
        """The next frame; the kind of what it belongs to: TEXT, BINARY, or that of a control frame. Raises PeerProtocolError."""
        if self.is_closed:
            raise PeerProtocolError("a frame follows the last one", code="websocket")
        if frame.opcode >= CLOSE:
            self.is_closed = frame.opcode == CLOSE
            return frame.opcode
        if (self._open is None) is (frame.opcode == CONTINUATION):
            raise PeerProtocolError("a fragment belongs to no message, or one is not ended", code="websocket")
        kind = frame.opcode if self._open is None else self._open
        self._open = None if frame.is_final else kind
        if kind == TEXT:
            try:
                self._decoder.decode(frame.payload, frame.is_final)
            except UnicodeDecodeError:
                raise PeerProtocolError("a text is not UTF-8", code="websocket_text") from None
        return kind


def read_closing(payload: bytes) -> tuple[int | None, str]:
    """The number and the reason in the frame that ends a connection. Raises PeerProtocolError for what may not stand there."""
    if not payload:
        return None, ""
    code = int.from_bytes(payload[:2], "big")
    if len(payload) < 2 or not (code in _NAMED or code in _OWN):
        raise PeerProtocolError("the connection is ended with a number that there is not", code="websocket")
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError:
        raise PeerProtocolError("a reason is not UTF-8", code="websocket_text") from None
