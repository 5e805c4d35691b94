"""Bytes to a request's head, and a request back to bytes. What they mean is asked in `facts`.

The rules of the wire are those the judge reads by (`engine.command.http.wire`): one reader, so that there is no second
opinion on where a request ends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.command.documents.refusal import Refused
from engine.command.http.wire import MAX_HEAD, WireRequest, read_head

_CALL = re.compile(r"application/grpc(?:[+;][\x20-\x7e]*)?", re.IGNORECASE)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_END = re.compile(rb"\r\n\r\n|(?<!\r)\n")


@dataclass(frozen=True, slots=True)
class Forward:
    """A request as it goes on: one spelling of everything. Names in lower case; neither credentials nor framing in it.

    `origin` (`https://example.org`) stands before the target where it is judged, of a request that names a host itself.
    """

    method: str
    target: str
    host: str
    headers: tuple[tuple[str, str], ...]
    origin: str = ""

    def head(self, more: Sequence[tuple[str, str]], *, is_judged: bool = False) -> bytes:
        """The head with these lines behind its own, and the empty line."""
        target = f"{self.origin}{self.target}" if is_judged else self.target
        lines = [f"{self.method} {target} HTTP/1.1", f"host: {self.host}"]
        lines += [f"{name}: {value}" for name, value in (*self.headers, *more)]
        return "\r\n".join((*lines, "", "")).encode("latin-1")


def is_call(headers: Sequence[tuple[str, str]]) -> bool:
    """Whether a request is a call of gRPC, as its type says."""
    return any(name == "content-type" and _CALL.fullmatch(value) is not None for name, value in headers)


class HeadReader:
    """Bytes of a client, until the head of its next request is there."""

    __slots__ = ("_searched", "_unread")

    def __init__(self) -> None:
        self._unread = bytearray()
        self._searched = 0

    def __len__(self) -> int:
        return len(self._unread)

    def feed(self, data: bytes) -> None:
        self._unread += data

    def take(self) -> WireRequest | None:
        """The next request's head, taken out; None when it is not all there. Raises Refused."""
        found = _END.search(self._unread, max(self._searched - 3, 0), MAX_HEAD)
        if found is None:
            if len(self._unread) >= MAX_HEAD:
                raise Refused("head_too_long", f"the request's head is longer than {MAX_HEAD} bytes")
            self._searched = len(self._unread)
            return None
        if found[0] == b"\n":
            raise Refused("bare_line_feed", "a line of the request ends in LF alone")
        head = read_head(bytes(self._unread[: found.start()]))
        del self._unread[: found.end()]
        self._searched = 0
        return head

    @property
    def rest(self) -> bytes:
        """Everything behind the head that was taken, left where it is."""
        return bytes(self._unread)

    def take_rest(self) -> bytes:
        """Everything behind the head that was taken."""
        rest = bytes(self._unread)
        self._unread.clear()
        self._searched = 0
        return rest

    def shown(self, most: int) -> bytes:
        """The first bytes, to be told of."""
        return bytes(self._unread[:most])
