"""Standard input as the protocol's library reads it, and nothing else: what is no message ends the input with a reason.

The library skips headers it does not know and waits for as many bytes as it is told; garbage would keep it waiting for ever.
Called by `server.py`.
"""

from __future__ import annotations

import re
from typing import BinaryIO, Final

import msgspec

MAX_HEADER: Final = 1_024
MAX_HEADERS: Final = 16
MAX_MESSAGE: Final = 32 << 20
"""Bytes; a document is at most half a megabyte, and an editor sends one at a time."""

_HEADER = re.compile(rb"([A-Za-z-]+):[ \t]*([\x20-\x7e]*?)[ \t]*\r?\n")
_LENGTH = re.compile(rb"[0-9]{1,9}")


class FramedInput:
    """Reads headers and bodies. After `trouble` there is nothing more to read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._length: int | None = None
        self._headers = 0
        self.trouble = ""

    def readline(self) -> bytes:
        """One line of headers as the library knows it; nothing at the end and after trouble."""
        if self.trouble:
            return b""
        line = self._stream.readline(MAX_HEADER + 1)
        if not line:
            return b"" if not self._headers else self._ends("the input ended inside a message")
        if line in (b"\r\n", b"\n"):
            return b"\r\n" if self._length else self._ends("a message without `Content-Length`")
        header = _HEADER.fullmatch(line)
        self._headers += 1
        if header is None or self._headers > MAX_HEADERS:
            return self._ends("this is no header of the Language Server Protocol")
        if header[1].lower() != b"content-length":
            return b"%b: %b\r\n" % (header[1], header[2])
        length = int(header[2]) if _LENGTH.fullmatch(header[2]) else 0
        if self._length is not None or not 0 < length <= MAX_MESSAGE:
            return self._ends("`Content-Length` is no length a message can have")
        self._length = length
        return b"Content-Length: %d\r\n" % length

    def read(self, size: int) -> bytes:
        """The body of a message: a whole JSON object, or nothing."""
        body = self._stream.read(size)
        self._length, self._headers = None, 0
        if len(body) < size:
            return self._ends("the input ended inside a message")
        try:
            message = msgspec.json.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self._ends("a message that is no JSON")
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            return self._ends("a message that is no JSON-RPC")
        return body

    def _ends(self, trouble: str) -> bytes:
        self.trouble = trouble
        return b""
