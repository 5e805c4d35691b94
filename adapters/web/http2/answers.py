"""A request in the words of HTTP/1.1 to fields for a target, and the fields of its answer to those words, checked first. Pure.

INVARIANT: what is not plain by the rules here is no answer, and no word of HTTP/1.1 is made from it. What is made is read by the reader of every
target's answer (`adapters.web.responses`). Every answer gets a framing, so that one that breaks off is never taken for whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from hpack import HeaderTuple, NeverIndexedHeaderTuple

from adapters.errors import PeerProtocolError
from adapters.web.http2.heads import Fields
from adapters.web.responses import MAX_HEADERS
from engine.command.http.wire import WireRequest

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_VALUE = re.compile(rb"(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")
_STATUS = re.compile(rb"[1-9][0-9]{2}")
_LENGTH = re.compile(rb"0|[1-9][0-9]{0,17}")
_OF_CONNECTIONS = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"})
_NOT_SENT = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "host", "te"})
_NOT_KEPT = frozenset({"authorization", "cookie"})
_WITHOUT_BODY = (204, 304)
_PHRASES = {int(one): one.phrase.encode() for one in HTTPStatus}


def request_fields(head: WireRequest, scheme: bytes) -> list[HeaderTuple]:
    """The fields of a request of ours. Its credentials are marked as what nobody on the way may keep in a table of fields."""
    made = [
        HeaderTuple(b":method", head.method.encode("ascii")),
        HeaderTuple(b":scheme", scheme),
        HeaderTuple(b":authority", (head.value("host") or "").encode("latin-1")),
        HeaderTuple(b":path", head.target.encode("ascii")),
    ]
    for name, value in head.headers:
        if name not in _NOT_SENT:
            kind = NeverIndexedHeaderTuple if name in _NOT_KEPT else HeaderTuple
            made.append(kind(name.encode("ascii"), value.encode("latin-1")))
    # WHY always: it says of this hop alone that what stands behind a body is read here.
    return [*made, HeaderTuple(b"te", b"trailers")]


def fields_behind(lines: Iterable[bytes]) -> list[HeaderTuple]:
    """Lines of ours behind a body as fields."""
    parted = (line.partition(b":") for line in lines)
    return [HeaderTuple(name.lower(), value.strip(b" \t")) for name, _, value in parted]


@dataclass(frozen=True, slots=True)
class Answered:
    """The head of an answer. `length`: of its body, as it says itself."""

    status: int
    plain: tuple[tuple[bytes, bytes], ...]
    length: int | None

    @property
    def is_interim(self) -> bool:
        """Whether the answer itself is still to come."""
        return self.status < 200

    def has_body(self, method: str) -> bool:
        """Whether an answer to this method has one."""
        return not (method == "HEAD" or self.status in _WITHOUT_BODY or self.is_interim)

    def words(self, framing: bytes) -> bytes:
        """The head as HTTP/1.1 writes it. WHY it closes: a stream serves nobody else, whatever a session may think."""
        lines = [b"HTTP/1.1 %d %b" % (self.status, _PHRASES.get(self.status, b""))]
        lines += [b"%b: %b" % field for field in self.plain if field[0] != b"content-length"]
        lines += [b"connection: close", *([framing] if framing else [])]
        return b"\r\n".join((*lines, b"", b""))


def read_answer(fields: Fields) -> Answered:
    """The head that fields are. Raises PeerProtocolError."""
    if not fields or fields[0][0] != b":status" or not _STATUS.fullmatch(fields[0][1]):
        raise _bad("the target's answer does not begin with its status")
    status = int(fields[0][1])
    if status == 101:
        raise _bad("the target switches protocols, which HTTP/2 does not know")
    plain = _plain(fields[1:])
    lengths = [value for name, value in plain if name == b"content-length"]
    if len(lengths) > 1 or (lengths and not _LENGTH.fullmatch(lengths[0])):
        raise _bad("the target's answer has no sound Content-Length")
    return Answered(status, plain, int(lengths[0]) if lengths else None)


def trailer_lines(fields: Fields) -> bytes:
    """Fields behind a body as lines. Raises PeerProtocolError."""
    return b"".join(b"%b: %b\r\n" % field for field in _plain(fields))


def _plain(fields: Fields) -> tuple[tuple[bytes, bytes], ...]:
    if len(fields) > MAX_HEADERS:
        raise _bad("the target's answer has too many headers")
    for name, value in fields:
        if not _NAME.fullmatch(name):
            raise _bad("the name of a field of the target's answer is no word in lower case")
        if name in _OF_CONNECTIONS:
            raise _bad(f"`{name.decode()}` has no place in an answer of HTTP/2")
        if not _VALUE.fullmatch(value):
            raise _bad("a field of the target's answer has characters that end a line, or space around its value")
    return tuple(fields)


def _bad(message: str) -> PeerProtocolError:
    return PeerProtocolError(message, code="bad_answer")
