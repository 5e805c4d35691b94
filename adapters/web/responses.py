"""Answers of a target, read strictly: status line and headers, then the body by the one rule that applies to it.

The other half of `engine.command.http.wire`. Interim answers (1xx) are left out; a switch of protocols is an error, for
nobody asked for one. Called by sessions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from adapters.errors import PeerProtocolError
from adapters.web.bodies import Body, Chunked, Endless, Sized

MAX_HEAD = 64 * 1024
MAX_HEADERS = 200
MAX_INTERIM = 20
"""Answers before the answer."""
MAX_LASTS = 15.0
"""Seconds for which a connection waits for another request, whatever the target offers."""

_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")
_HEADER = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?[ \t]*"
)
_LENGTH = re.compile(rb"0|[1-9][0-9]{0,17}")
_TIMEOUT = re.compile(rb"(?:\A|[,; \t])timeout=([0-9]{1,4})\b", re.IGNORECASE)
_SWITCHING = 101
_WITHOUT_BODY = (204, 304)


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """Status and headers: names in lower case, values without space around them. `length`: None where nobody said.

    `lasts`: seconds for which the connection may serve another request, as far as the head says; none where it leaves any doubt.
    """

    status: int
    reason: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    length: int | None
    has_body: bool
    lasts: float = 0.0

    def values(self, name: bytes) -> list[bytes]:
        """Every value of a header, in order."""
        return [value for key, value in self.headers if key == name]


@dataclass(frozen=True, slots=True)
class AnswerData:
    """A piece of the body."""

    data: bytes


@dataclass(frozen=True, slots=True)
class AnswerEnd:
    """The answer is whole. `trailers`: fields behind its body, names in lower case."""

    trailers: tuple[tuple[bytes, bytes], ...] = ()


AnswerPart: TypeAlias = AnswerHead | AnswerData | AnswerEnd


class AnswerReader:
    """Reads the one answer to one request."""

    __slots__ = ("_body", "_head", "_interim", "_method", "_unread", "is_done", "is_heard")

    def __init__(self, method: str) -> None:
        self._method = method
        self._unread = b""
        self._head: AnswerHead | None = None
        self._body: Body | None = None
        self._interim = 0
        self.is_done = False
        self.is_heard = False
        """Whether the target said anything."""

    @property
    def lasts(self) -> float:
        """Seconds for which the connection may serve another request: none unless the answer ended exactly where it said it would."""
        body, head = self._body, self._head
        if not self.is_done or head is None or body is None or body.rest or self._interim:
            return 0.0
        return head.lasts

    def feed(self, data: bytes) -> list[AnswerPart]:
        """What the bytes come to. Bytes behind the answer are an error: nobody asked for more. Raises PeerProtocolError."""
        parts: list[AnswerPart] = []
        self.is_heard = True
        if self._body is None:
            self._unread += data
            head = self._next_head()
            if head is None:
                return parts
            parts.append(head)
            data, self._unread = self._unread, b""
            self._head, self._body = head, _body_of(head)
        own = self._body.feed(data) if data or not self._body.is_done else b""
        if own:
            parts.append(AnswerData(own))
        if self._body.is_done:
            self.is_done = True
            parts.append(AnswerEnd(_trailers(self._body)))
        return parts

    def end(self) -> list[AnswerPart]:
        """The target will send nothing more. Raises PeerProtocolError when the answer is not whole."""
        if isinstance(self._body, Endless) and not self.is_done:
            self.is_done = True
            return [AnswerEnd()]
        if not self.is_done:
            raise _bad("the target's answer ended too early")
        return []

    def _next_head(self) -> AnswerHead | None:
        while True:
            end = self._unread.find(b"\r\n\r\n", 0, MAX_HEAD)
            if end < 0:
                if len(self._unread) >= MAX_HEAD:
                    raise _bad("the target's answer has too long a head")
                return None
            block, self._unread = self._unread[:end], self._unread[end + 4 :]
            head = read_answer_head(block, self._method)
            if head.status == _SWITCHING:
                raise _bad("the target switches protocols unasked")
            if head.status >= 200:
                return head
            self._interim += 1
            if self._interim > MAX_INTERIM:
                raise _bad("the target sends interim answers without end")


def read_answer_head(block: bytes, method: str) -> AnswerHead:
    """A status line and its header lines, without the empty line behind them. Raises PeerProtocolError."""
    lines = block.split(b"\r\n")
    first = _STATUS.fullmatch(lines[0])
    if first is None or len(lines) - 1 > MAX_HEADERS:
        raise _bad("the target's answer does not begin like one, or has too many headers")
    headers = []
    for line in lines[1:]:
        found = _HEADER.fullmatch(line)
        if found is None:
            raise _bad("a header line of the target's answer is not `Name: value`")
        headers.append((found[1].lower(), found[2] or b""))
    status = int(first[2])
    has_body = not (method == "HEAD" or status in _WITHOUT_BODY or status < 200)
    length = _length(headers, is_old=first[1] == b"0")
    lasts = 0.0 if first[1] == b"0" or method != "GET" else _lasts(headers, length, has_body=has_body)
    return AnswerHead(status, first[3] or b"", tuple(headers), length, has_body, lasts)


def _lasts(headers: list[tuple[bytes, bytes]], length: int | None, *, has_body: bool) -> float:
    """How long a connection may wait for another request behind an answer with this head.

    WHY so strict: an answer that ends elsewhere for its target than for us leaves bytes that the next one would read as its own. To be sure
    costs a connection.
    """
    words = {word.strip().lower() for name, value in headers if name == b"connection" for word in value.split(b",")}
    lengths = sum(name == b"content-length" for name, _ in headers)
    is_sure = length is not None if has_body else length in (None, 0)
    if (
        not is_sure
        or lengths > 1
        or not words <= {b"keep-alive", b""}
        or any(name == b"upgrade" for name, _ in headers)
    ):
        return 0.0
    said = [_TIMEOUT.search(value) for name, value in headers if name == b"keep-alive"]
    # WHY a second less: the target counts from when it answered.
    return max(0.0, min([MAX_LASTS, *(float(found[1]) - 1 for found in said if found is not None)]))


def _length(headers: list[tuple[bytes, bytes]], *, is_old: bool) -> int | None:
    """The length that was said, -1 for chunks, None where the body ends with the connection."""
    codings = [value for name, value in headers if name == b"transfer-encoding"]
    lengths = {value for name, value in headers if name == b"content-length"}
    if codings:
        if lengths or is_old or [value.lower() for value in codings] != [b"chunked"]:
            raise _bad("the target's answer is framed in two ways, or in one that is not understood")
        return -1
    if not lengths:
        return None
    value = lengths.pop()
    if lengths or not _LENGTH.fullmatch(value):
        raise _bad("the target's answer has no sound Content-Length")
    return int(value)


def _body_of(head: AnswerHead) -> Body:
    if not head.has_body:
        return Sized(0)
    if head.length is None:
        return Endless()
    return Chunked(is_strict=False) if head.length < 0 else Sized(head.length)


def _trailers(body: Body) -> tuple[tuple[bytes, bytes], ...]:
    if not isinstance(body, Chunked) or not body.trailers:
        return ()
    fields = [line.partition(b":") for line in body.trailers]
    return tuple((name.lower(), value.strip(b" \t")) for name, _, value in fields)


def _bad(message: str) -> PeerProtocolError:
    return PeerProtocolError(message, code="bad_answer")
