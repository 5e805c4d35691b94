"""Bodies on the wire: by length or in chunks, piece by piece, strictly. Encoded again, never passed on as they came.

`Sized` and `Chunked` take bytes and give the body's own; what stands behind the body is left in `rest`. Chunk extensions of requests are refused, of
answers dropped; trailers are left in `trailers`, those of requests refused where nobody reads them. Called by sessions for requests, by `responses` for answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol, TypeAlias

from adapters.errors import PeerProtocolError

MAX_LINE = 4096
"""A chunk's size line, or a trailer line."""
MAX_TRAILERS = 100

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})")
_SIZE_AND_MORE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?")
_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*")

LAST_CHUNK = b"0\r\n\r\n"
Lines: TypeAlias = Sequence[tuple[str, str]]


class Body(Protocol):
    """A body that is being read."""

    is_done: bool
    rest: bytes

    def feed(self, data: bytes) -> bytes:
        """Take bytes in; the body's own among them. Raises PeerProtocolError."""


class Sized:
    """A body of a length that was said before it."""

    __slots__ = ("_left", "is_done", "rest")

    def __init__(self, length: int) -> None:
        self._left = length
        self.is_done = length == 0
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        if len(data) <= self._left:
            self._left -= len(data)
            self.is_done = self._left == 0
            return data
        own, self.rest = data[: self._left], data[self._left :]
        self._left, self.is_done = 0, True
        return own


class Endless:
    """A body that ends with its connection."""

    __slots__ = ("is_done", "rest")

    def __init__(self) -> None:
        self.is_done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        return data


class Chunked:
    """A body in chunks. `is_strict` (requests): size lines have nothing but the size, and no trailers follow but where `reads_trailers` is set."""

    __slots__ = ("_is_strict", "_left", "_state", "_unused", "is_done", "reads_trailers", "rest", "trailers")

    def __init__(self, *, is_strict: bool, reads_trailers: bool = False) -> None:
        self._is_strict = is_strict
        self.reads_trailers = reads_trailers or not is_strict
        self._state = "size"
        self._left = 0
        self.trailers: list[bytes] = []
        """Lines behind the last chunk."""
        self._unused = b""
        self.is_done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        if self.is_done:
            self.rest += data
            return b""
        data = self._unused + data
        own: list[bytes] = []
        at = self._take(data, own)
        self._unused, self.rest = (b"", data[at:]) if self._state == "done" else (data[at:], b"")
        self.is_done = self._state == "done"
        return b"".join(own)

    def _take(self, data: bytes, own: list[bytes]) -> int:
        """Read on; how many of the bytes are used."""
        at = 0
        while self._state != "done":
            if self._state == "data":
                piece = data[at : at + self._left]
                own.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if self._left:
                    break
                self._state = "end"
            elif self._state == "end":
                end = data[at : at + 2]
                if end != b"\r\n"[: len(end)]:
                    raise self._bad("a chunk is longer than it says")
                if len(end) < 2:
                    break
                at += 2
                self._state = "size"
            else:
                line_end = self._line_end(data, at)
                if line_end < 0:
                    break
                self._line(data[at:line_end])
                at = line_end + 2
        return at

    def _line_end(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at, at + MAX_LINE)
        if end < 0:
            if len(data) - at >= MAX_LINE:
                raise self._bad("a line of a chunked body is too long")
            return -1
        if end == at or data[end - 1] != 0x0D:
            raise self._bad("a line of a chunked body does not end in CRLF")
        return end - 1

    def _line(self, line: bytes) -> None:
        if self._state == "size":
            found = (_SIZE if self._is_strict else _SIZE_AND_MORE).fullmatch(line)
            if found is None:
                raise self._bad("a chunk does not begin with its size alone")
            self._left = int(found[1], 16)
            self._state = "data" if self._left else "trailers"
            return
        if not line:
            self._state = "done"
            return
        if len(self.trailers) >= MAX_TRAILERS or not _TRAILER.fullmatch(line):
            raise self._bad("lines stand behind the last chunk")
        if not self.reads_trailers:
            raise PeerProtocolError("fields stand behind the body of the request, which nobody reads", code="trailer")
        self.trailers.append(line)

    def _bad(self, message: str) -> PeerProtocolError:
        return PeerProtocolError(message, code="chunk" if self._is_strict else "bad_answer")


def chunk(data: bytes) -> bytes:
    """One chunk; nothing for no bytes (an empty chunk would end the body)."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def last_chunk(behind: Lines) -> bytes:
    """The end of a body in chunks, with fields behind it."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in behind)
    return b"0\r\n" + lines.encode("latin-1") + b"\r\n"
