"""A raw HTTP/1 request, strictly: what two readers of the wire could frame differently is refused (RFC 9112).

Refused: Content-Length beside Transfer-Encoding, either of them twice or written in another way, bare CR or LF, folded
lines, space before a colon, a second Host, names that only look like framing headers, a body where nobody expects one,
bytes before or after the one request. Adapters that read a wire use the same rules; nothing here cleans anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.command.documents.refusal import Refused

MAX_HEAD = 64 * 1024
MAX_HEADERS = 200
MAX_TARGET = 16 * 1024

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_LINE = re.compile(rb"(" + _TOKEN + rb") ([\x21-\x7e]+) HTTP/1\.([01])")
_HEADER = re.compile(
    rb"(" + _TOKEN + rb"):[ \t]*([\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?[ \t]*"
)
_LENGTH = re.compile(rb"0|[1-9][0-9]{0,17}")
_CHUNK = re.compile(
    rb"([0-9A-Fa-f]{1,8})((?:;" + _TOKEN + rb'(?:=(?:' + _TOKEN + rb'|"(?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t \x21-\x7e])*"))?)*)'
)  # fmt: skip
_FRAMING = frozenset({"transferencoding", "contentlength", "host", "connection", "upgrade", "expect", "te"})
_NO_BODY = frozenset({"GET", "HEAD", "TRACE", "CONNECT"})
_NOT_IN_TRAILERS = frozenset(
    {
        *("transfer-encoding", "content-length", "host", "connection", "content-type", "content-encoding", "upgrade"),
        *("authorization", "cookie", "set-cookie", "expect", "te", "trailer", "range", "proxy-authorization"),
    }
)


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request as it stands on the wire. Header names are in lower case, values Latin-1 without space around them."""

    method: str
    target: str
    version: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    trailers: tuple[tuple[str, str], ...] = ()
    """Fields behind the body."""

    def values(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        return [value for key, value in self.headers if key == name]

    def value(self, name: str) -> str | None:
        """The one value of a header, or None. Raises Refused when it stands twice."""
        found = self.values(name)
        if len(found) > 1:
            raise Refused("repeated_header", f"the header `{name}` stands {len(found)} times")
        return found[0] if found else None


def read_request(raw: bytes) -> WireRequest:
    """The one request that a text holds. Raises Refused."""
    end = raw.find(b"\r\n\r\n", 0, MAX_HEAD)
    if end < 0:
        raise Refused("incomplete_head", "the request has no end of its header lines, or they are too long")
    head = read_head(raw[:end])
    body, trailers = _body(head, raw[end + 4 :])
    return replace(head, body=body, trailers=trailers)


def read_head(block: bytes) -> WireRequest:
    """A request line and its header lines, without the empty line behind them; the body is left empty. Raises Refused."""
    lines = block.split(b"\r\n")
    first = _LINE.fullmatch(lines[0])
    if first is None or len(first[2]) > MAX_TARGET:
        raise Refused("request_line", "the first line is not `METHOD TARGET HTTP/1.1` with single spaces", 0)
    if len(lines) - 1 > MAX_HEADERS:
        raise Refused("too_many_headers", f"the request has more than {MAX_HEADERS} header lines")
    headers = tuple(_header(line) for line in lines[1:])
    method, version = first[1].decode("ascii"), f"1.{first[3].decode('ascii')}"
    head = WireRequest(method, first[2].decode("ascii"), version, headers, b"")
    _check_names(head)
    return head


def body_length(head: WireRequest) -> int | None:
    """How many bytes of body follow a head; None for chunks. Raises Refused for a head that frames it in two ways."""
    length, encoding = head.value("content-length"), head.value("transfer-encoding")
    if length is not None and encoding is not None:
        raise Refused("length_and_encoding", "the request has both Content-Length and Transfer-Encoding")
    if encoding is not None:
        if encoding.lower() != "chunked":
            raise Refused("transfer_encoding", "the only Transfer-Encoding that is understood is `chunked`")
        if head.version == "1.0":
            raise Refused("transfer_encoding", "HTTP/1.0 has no Transfer-Encoding")
        _check_method(head)
        return None
    if length is None:
        return 0
    if not _LENGTH.fullmatch(length.encode("latin-1")):
        raise Refused("content_length", "Content-Length is not a plain number")
    if int(length):
        _check_method(head)
    return int(length)


def _check_method(head: WireRequest) -> None:
    if head.method in _NO_BODY:
        raise Refused("body_not_expected", f"a {head.method} request has a body, which servers treat differently")


def _header(line: bytes) -> tuple[str, str]:
    found = _HEADER.fullmatch(line)
    if found is None:
        if line[:1] in (b" ", b"\t"):
            raise Refused(
                "folded_header", "a header line begins with space: it continues the one before for some readers"
            )
        raise Refused("header_line", "a header line is not `Name: value` of plain characters")
    return found[1].decode("ascii").lower(), (found[2] or b"").decode("latin-1")


def _check_names(head: WireRequest) -> None:
    for name, value in head.headers:
        plain = re.sub(r"[^a-z0-9]", "", name)
        if plain in _FRAMING and name.replace("-", "") != plain:
            raise Refused("lookalike_header", f"the header `{name}` looks like one that frames the request")
        if plain in ("transferencoding", "contentlength") and name not in ("transfer-encoding", "content-length"):
            raise Refused("lookalike_header", f"the header `{name}` looks like one that frames the request")
        if name == "content-encoding" and "chunked" in value.lower():
            raise Refused("transfer_encoding", "`chunked` is no encoding of the content")
        if "chunked" in value.lower() and name not in ("transfer-encoding", "te") and _only_words(value):
            raise Refused("transfer_encoding", f"`chunked` stands in the header `{name}`")
    for name in ("host", "content-length", "transfer-encoding", "content-type", "expect", "authorization"):
        head.value(name)
    if any(name == "http2-settings" for name, _ in head.headers) or "h2c" in (head.value("upgrade") or "").lower():
        raise Refused("upgrade_refused", "an upgrade to HTTP/2 in the clear would leave what is judged here")
    expected = head.value("expect")
    if expected is not None and expected.lower() != "100-continue":
        raise Refused("expect", "the only expectation that is understood is `100-continue`")


def _only_words(value: str) -> bool:
    return re.fullmatch(r"[a-z, \t;=]*", value.lower()) is not None


def _body(head: WireRequest, rest: bytes) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    size = body_length(head)
    if size is None:
        return _chunks(rest)
    if size == 0 and rest and head.value("content-length") is None:
        raise Refused("trailing_data", "bytes stand behind a request that says nothing of a body")
    if len(rest) < size:
        raise Refused("truncated_body", f"the body has {len(rest)} of {size} bytes")
    if len(rest) > size:
        raise Refused("trailing_data", f"{len(rest) - size} bytes stand behind the request")
    return rest, ()


def _chunks(rest: bytes) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    made = bytearray()
    at = 0
    while True:
        end = rest.find(b"\r\n", at, at + 4096)
        found = _CHUNK.fullmatch(rest, at, end) if end >= 0 else None
        if found is None:
            raise Refused("chunk", "a chunk does not begin with its size and CRLF")
        size = int(found[1], 16)
        at = end + 2
        if size == 0:
            break
        if rest[at + size : at + size + 2] != b"\r\n":
            raise Refused("chunk", "a chunk is not as long as it says")
        made += rest[at : at + size]
        at += size + 2
    return bytes(made), _trailers(rest[at:])


def _trailers(rest: bytes) -> tuple[tuple[str, str], ...]:
    if rest == b"\r\n":
        return ()
    head, separator, more = rest.partition(b"\r\n\r\n")
    if not separator or more:
        raise Refused("trailing_data", "the body does not end where its last chunk says")
    return read_trailers(head.split(b"\r\n"))


def read_trailers(lines: Sequence[bytes]) -> tuple[tuple[str, str], ...]:
    """Lines behind a body. Raises Refused, for those too that have their place before it."""
    if len(lines) > MAX_HEADERS:
        raise Refused("too_many_headers", f"the request has more than {MAX_HEADERS} trailer lines")
    fields = tuple(_header(line) for line in lines)
    for name, _ in fields:
        plain = re.sub(r"[^a-z0-9]", "", name)
        if name in _NOT_IN_TRAILERS or plain in _FRAMING:
            raise Refused("trailer", f"the trailer `{name}` would change what was read before")
    return fields
