"""Fields of HTTP/2 to the head of a request as HTTP/1.1 writes it, checked first; and an answer's head to fields. Pure.

INVARIANT: what is not plain by the rules here is refused before a byte of HTTP/1.1 is made from it. What is made is read by
the reader that reads every client's HTTP/1.1 (`engine.command.http.wire`): nobody has a second opinion on it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from adapters.web.bodies import MAX_LINE, MAX_TRAILERS
from adapters.web.responses import AnswerHead
from engine.command.documents.refusal import Refused
from engine.command.http.wire import MAX_HEADERS, MAX_TARGET

Fields: TypeAlias = Sequence[tuple[bytes, bytes]]

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_VALUE = re.compile(rb"(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")
_METHOD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}")
_PATH = re.compile(rb"(?:/[\x21\x22\x24-\x7e]*|\*)")
_AUTHORITY = re.compile(rb"[A-Za-z0-9\-._~%!$&'()*+,;=:\[\]]{1,1024}")
_LENGTH = re.compile(rb"0|[1-9][0-9]{0,17}")
_PSEUDO = frozenset({b":method", b":scheme", b":path", b":authority", b":protocol"})
_KEY = base64.b64encode(b"sallyport-stream")
"""What a handshake of HTTP/1.1 has to say, and one of HTTP/2 has nothing for: that who answers understood it."""
_OF_CONNECTIONS = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"})
_WITHOUT_BODY = frozenset({b"GET", b"HEAD", b"OPTIONS", b"DELETE", b"TRACE"})
_SECRET = frozenset({b"authorization", b"proxy-authorization", b"cookie"})


@dataclass(frozen=True, slots=True)
class Opening:
    """A request's head. `length`: of its body, as it says itself; None: it does not say.

    `may_be_bodiless`: only what comes next tells whether there is a body at all. `is_tunnel`: it asks for a WebSocket (RFC 8441).
    """

    method: str
    lines: bytes
    length: int | None
    is_ended: bool
    may_be_bodiless: bool
    is_tunnel: bool = False

    def head(self, *, has_body: bool) -> bytes:
        """The head as HTTP/1.1 writes it, with the framing of its body."""
        framing = b""
        if self.length is not None:
            framing = b"content-length: %d\r\n" % self.length
        elif has_body and not self.is_tunnel:
            framing = b"transfer-encoding: chunked\r\n"
        return self.lines + framing + b"\r\n"


def read_opening(fields: Fields, *, scheme: bytes, is_ended: bool) -> Opening:
    """The request that fields are. Raises Refused."""
    pseudo, plain = _parted(fields)
    method, path = pseudo.get(b":method", b""), pseudo.get(b":path", b"")
    if not _METHOD.fullmatch(method):
        raise Refused("request_line", "`:method` is not said, or is no word")
    if b":protocol" in pseudo and method != b"CONNECT":
        raise Refused("pseudo_header", "`:protocol` belongs to CONNECT alone")
    if method == b"CONNECT" and b":protocol" not in pseudo:
        raise Refused("method_refused", "CONNECT is not done here")
    if pseudo.get(b":scheme") != scheme:
        raise Refused("scheme", "`:scheme` is not that of this connection")
    if not _PATH.fullmatch(path) or len(path) > MAX_TARGET:
        raise Refused("request_target", "`:path` is no plain path with a query")
    authority = _authority(pseudo, plain)
    length = _length(plain, is_ended=is_ended)
    lines = [b"%b %b HTTP/1.1" % (b"GET" if method == b"CONNECT" else method, path), b"host: " + authority]
    if method == b"CONNECT":
        _check_tunnel(pseudo[b":protocol"], plain, is_ended=is_ended)
        lines += [b"connection: Upgrade", b"upgrade: websocket", b"sec-websocket-key: " + _KEY]
    lines += [b"%b: %b" % field for field in _joined(plain)]
    if len(lines) - 1 > MAX_HEADERS:
        raise Refused("too_many_headers", f"the request has more than {MAX_HEADERS} header lines")
    return Opening(
        method="GET" if method == b"CONNECT" else method.decode("ascii"),
        lines=b"\r\n".join((*lines, b"")),
        length=length,
        is_ended=is_ended,
        may_be_bodiless=not is_ended and length is None and method in _WITHOUT_BODY,
        is_tunnel=method == b"CONNECT",
    )


def _check_tunnel(protocol: bytes, plain: Fields, *, is_ended: bool) -> None:
    """What else the handshake must say, the session's reader looks at. Raises Refused."""
    if protocol != b"websocket":
        raise Refused("upgrade_refused", "a stream becomes a WebSocket, and nothing else")
    if is_ended or any(name in (b"content-length", b"sec-websocket-key", b"expect") for name, _ in plain):
        raise Refused("websocket_handshake", "a handshake on a stream has no key, and no body but messages")


def lines_behind(fields: Fields) -> bytes:
    """Fields behind the body as HTTP/1.1 writes them. Raises Refused."""
    pseudo, plain = _parted(fields)
    if pseudo:
        raise Refused("pseudo_header", "a pseudo-header stands behind the body of the request")
    lines = [b"%b: %b\r\n" % field for field in plain]
    if len(lines) > MAX_TRAILERS or any(len(line) > MAX_LINE for line in lines):
        raise Refused("too_many_headers", "the fields behind the body of the request are too many, or too long")
    return b"".join(lines)


def _parted(fields: Fields) -> tuple[dict[bytes, bytes], list[tuple[bytes, bytes]]]:
    """Pseudo-headers and the others, each name and value plain."""
    pseudo: dict[bytes, bytes] = {}
    plain: list[tuple[bytes, bytes]] = []
    for name, value in fields:
        if not _VALUE.fullmatch(value):
            raise Refused("header_line", "a field has characters that end a line, or space around its value")
        if name.startswith(b":"):
            if plain or name in pseudo or name not in _PSEUDO:
                raise Refused("pseudo_header", "a pseudo-header is unknown, stands twice, or behind a plain field")
            pseudo[name] = value
            continue
        if not _NAME.fullmatch(name):
            raise Refused("header_line", "the name of a field is no word in lower case")
        if name in _OF_CONNECTIONS:
            raise Refused("connection_header", f"`{name.decode()}` has no place in HTTP/2")
        plain.append((name, value))
    return pseudo, plain


def _authority(pseudo: dict[bytes, bytes], plain: Fields) -> bytes:
    hosts = [value for name, value in plain if name == b"host"]
    if b":authority" in pseudo:
        hosts.append(pseudo[b":authority"])
    if not hosts:
        raise Refused("no_host", "the request says no `:authority`")
    if len({host.lower() for host in hosts}) > 1 or len(hosts) > 2:
        raise Refused("host_differs", "`:authority` and Host are not the same")
    if not _AUTHORITY.fullmatch(hosts[-1]):
        raise Refused("host", "`:authority` is no host with an optional port")
    return hosts[-1]


def _length(plain: Fields, *, is_ended: bool) -> int | None:
    said = [value for name, value in plain if name == b"content-length"]
    if not said:
        return None
    if len(said) > 1:
        raise Refused("repeated_header", f"the header `content-length` stands {len(said)} times")
    if not _LENGTH.fullmatch(said[0]):
        raise Refused("content_length", "Content-Length is not a plain number")
    if is_ended and said[0] != b"0":
        raise Refused("content_length", "the request has no body, and says that it has one")
    return int(said[0])


def _joined(plain: Fields) -> Iterable[tuple[bytes, bytes]]:
    """The fields that become lines as they are; cookies in one line, for they may come in crumbs (RFC 9113, 8.2.3)."""
    crumbs = [value for name, value in plain if name == b"cookie"]
    if crumbs:
        yield b"cookie", b"; ".join(crumbs)
    for name, value in plain:
        if name not in (b"host", b"content-length", b"cookie"):
            yield name, value


def answer_fields(head: AnswerHead) -> list[tuple[bytes, bytes]]:
    """An answer's head as fields."""
    status = (b":status", b"%d" % head.status)
    return [status, *((name, value) for name, value in head.headers if name not in _OF_CONNECTIONS)]


def switched_fields(head: AnswerHead) -> list[tuple[bytes, bytes]]:
    """The head of an answer that switches to WebSocket, as a stream says it (RFC 8441, 5)."""
    kept = [field for field in head.headers if field[0] not in _OF_CONNECTIONS and field[0] != b"sec-websocket-accept"]
    return [(b":status", b"200"), *kept]


def shown_fields(fields: Fields, most: int) -> bytes:
    """Fields as the audit gets them when no request could be made of them: in printable characters, without secrets."""
    lines = []
    for name, value in fields:
        is_secret = name.strip().lower() in _SECRET
        lines.append(b"%b: %b" % (_printable(name), b"***" if is_secret else _printable(value)))
    return b"\n".join(lines)[:most]


def _printable(data: bytes) -> bytes:
    return data.decode("latin-1").encode("unicode_escape")
