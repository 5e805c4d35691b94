"""The envelope of every message after startup: a type byte, a length that counts itself, a body.

Used by all decoders here and by the session's loops, which look at type and length themselves for speed.
"""

from __future__ import annotations

import struct
from enum import IntEnum

from adapters.errors import PeerProtocolError

HEADER = 5
"""Bytes before the body."""
LENGTH_ITSELF = 4
PROTOCOL_VIOLATION = "08P01"

_U32 = struct.Struct("!I")
u32_at = _U32.unpack_from
pack_u32 = _U32.pack


class Front(IntEnum):
    """What clients send."""

    BIND = ord("B")
    CLOSE = ord("C")
    COPY_DATA = ord("d")
    COPY_DONE = ord("c")
    COPY_FAIL = ord("f")
    DESCRIBE = ord("D")
    EXECUTE = ord("E")
    FLUSH = ord("H")
    FUNCTION_CALL = ord("F")
    PARSE = ord("P")
    PASSWORD = ord("p")
    QUERY = ord("Q")
    SYNC = ord("S")
    TERMINATE = ord("X")


class Back(IntEnum):
    """What servers send."""

    AUTHENTICATION = ord("R")
    BACKEND_KEY = ord("K")
    BIND_COMPLETE = ord("2")
    CLOSE_COMPLETE = ord("3")
    COMMAND_COMPLETE = ord("C")
    COPY_BOTH = ord("W")
    COPY_DATA = ord("d")
    COPY_DONE = ord("c")
    COPY_IN = ord("G")
    COPY_OUT = ord("H")
    DATA_ROW = ord("D")
    EMPTY_QUERY = ord("I")
    ERROR = ord("E")
    NEGOTIATE = ord("v")
    NO_DATA = ord("n")
    NOTICE = ord("N")
    NOTIFICATION = ord("A")
    PARAMETER_DESCRIPTION = ord("t")
    PARAMETER_STATUS = ord("S")
    PARSE_COMPLETE = ord("1")
    PORTAL_SUSPENDED = ord("s")
    READY = ord("Z")
    ROW_DESCRIPTION = ord("T")


def frame(kind: int, body: bytes = b"") -> bytes:
    """A whole message."""
    return bytes((kind,)) + pack_u32(len(body) + LENGTH_ITSELF) + body


def refuse(message: str, code: str = PROTOCOL_VIOLATION) -> PeerProtocolError:
    """The error for bytes that have no place here."""
    return PeerProtocolError(message, code=code)


def text_at(body: bytes, start: int) -> tuple[bytes, int]:
    """A zero-terminated string and the offset after it."""
    end = body.find(0, start)
    if end < 0:
        raise refuse("a string has no end")
    return body[start:end], end + 1


def only_text(body: bytes) -> bytes:
    """The body of a message that is one string and nothing else."""
    text, end = text_at(body, 0)
    if end != len(body):
        raise refuse("a zero byte stands inside a text")
    return text
