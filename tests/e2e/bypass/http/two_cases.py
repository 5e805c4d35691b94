"""Ways around a guard that HTTP/2 opens (97-99), each in several spellings: what is one request there and two to a target of HTTP/1.1.

Sent for somebody who may read everything but `/admin`, and may write to `/echo`. `SMUGGLED` is a whole request that would count if
anybody took it for one. Expected is that nothing arrives (`refuse`), or the one request that was judged (`one`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

REFUSE, ONE = "refuse", "one"
Pair = tuple[bytes, bytes]
SMUGGLED = b"GET /admin/smuggled HTTP/1.1\r\nHost: shop\r\nX: y\r\n\r\n"
_CRLF = b"\r\n\r\n" + SMUGGLED
_TEXT = (b"content-type", b"text/plain")


@dataclass(frozen=True, slots=True)
class Sent:
    """One stream: pseudo-headers that are not the usual ones (None: left out), fields, pieces of data.

    `order`: the fields stand before the pseudo-headers. `trailers`: behind the data.
    """

    pseudo: Mapping[str, bytes | None] = field(default_factory=dict)
    fields: tuple[Pair, ...] = ()
    data: tuple[bytes, ...] | None = None
    order: bool = False
    trailers: tuple[Pair, ...] | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One way: its number in the list, what it is, what must come of it, its spellings."""

    number: int
    title: str
    expected: str
    sent: tuple[Sent, ...]


def _get(*fields: Pair, **pseudo: bytes | None) -> Sent:
    return Sent(pseudo, fields)


def _post(*fields: Pair, data: tuple[bytes, ...] = (b"a=1",), **pseudo: bytes | None) -> Sent:
    return Sent({"method": b"POST", "path": b"/echo", **pseudo}, (_TEXT, *fields), data)


def _tunnel(
    *fields: Pair,
    data: tuple[bytes, ...] = (SMUGGLED,),
    protocol: bytes = b"websocket",
    method: bytes = b"CONNECT",
    path: bytes = b"/x",
) -> Sent:
    own = ((b":protocol", protocol), (b"sec-websocket-version", b"13"), *fields)
    return Sent({"method": method, "path": path}, own, data)


_CODINGS = (
    b"chunked",
    b"identity",
    b"xchunked",
    b"chunked, identity",
    b"gzip, chunked",
    b"\x0bchunked",
    b"chunked\t",
    b"",
)
_ENDS = (
    b"a" + _CRLF,
    b"a\r\nx: y",
    b"a\nx: y",
    b"a\rx: y",
    b"a\0b",
    b"a\x0bb",
    b"a\x85\r\nb",
    b"\r\n",
    b"a\r\n b",
    b"\x7f",
)

CASES: tuple[Case, ...] = (
    Case(98, "transfer-encoding", REFUSE, tuple(
        _post((b"transfer-encoding", coding), data=(b"0\r\n\r\n" + SMUGGLED,)) for coding in _CODINGS
    )),
    Case(98, "transfer-encoding in other spellings", REFUSE, tuple(
        _post((name, b"chunked"), data=(b"0\r\n\r\n" + SMUGGLED,))
        for name in (b"Transfer-Encoding", b"transfer-encoding ", b"transfer_encoding", b"transfer\x00-encoding", b" transfer-encoding", b"transfer-encoding:",
                     b"transfer-encoding: chunked\r\nx", b"x\r\ntransfer-encoding")
    )),
    Case(98, "a body that is longer or shorter than it says", REFUSE, (
        _post((b"content-length", b"3"), data=(b"a=1" + SMUGGLED,)),
        _post((b"content-length", b"3"), data=(b"a=1", SMUGGLED)),
        _post((b"content-length", b"0"), data=(SMUGGLED,)),
        _post((b"content-length", b"400"), data=(SMUGGLED,)),
        _post((b"content-length", b"5"), data=(b"", b"a=1", b"")),
        _get((b"content-length", b"5")),
    )),
    Case(98, "lengths that are no plain number", REFUSE, tuple(
        _post((b"content-length", length), data=(b"a=1" + SMUGGLED,))
        for length in (b"+3", b"3, 3", b"0x3", b" 3", b"3 ", b"03", b"-1", b"3\r\nx: y", b"", b"99999999999999999999", b"3_0")
    )),
    Case(98, "two lengths", REFUSE, (
        _post((b"content-length", b"3"), (b"content-length", b"3")),
        _post((b"content-length", b"3"), (b"content-length", b"62"), data=(b"a=1" + SMUGGLED,)),
        _post((b"content-length", b"3"), (b"Content-Length", b"0")),
        _post((b"content-length", b"3"), (b"content_length", b"0")),
    )),
    Case(98, "the end of a line in a value", REFUSE, tuple(_get((b"x", value)) for value in _ENDS)),
    Case(98, "the end of a line in a name", REFUSE, tuple(_get((name, b"y")) for name in (
        b"x: a\r\n\r\nGET /admin/smuggled HTTP/1.1\r\nhost", b"x\r\ny", b"x\ny", b"x\0", b"x y", b"x:", b"", b"X-Upper", b"x\xff", b"(x)",
    ))),
    Case(98, "a request line in a pseudo-header", REFUSE, (
        _get(method=b"GET /admin/smuggled HTTP/1.1\r\nhost: shop\r\n\r\nGET"), _get(method=b"GET /admin HTTP/1.1\r\nx:"), _get(method=b"GET\t"),
        _get(path=b"/ HTTP/1.1\r\nhost: shop" + _CRLF), _get(path=b"/admin HTTP/1.1"), _get(path=b"/x\r\n"), _get(path=b"/x\x00"), _get(path=b"/x\ty"),
        _get(scheme=b"https://shop/admin?"), _get(scheme=b"http"), _get(scheme=b"https\r\nx: y"), _get(authority=b"shop\r\nx: y"),
        _get(authority=b"shop" + _CRLF),
    )),
    Case(95, "paths that some server takes for /admin", REFUSE, tuple(_get(path=path) for path in (
        b"/x/../admin", b"//admin", b"/%61dmin", b"/admin;x", b"/x\\..\\admin", b"admin", b"/admin#x", b"/x#/../admin", b"https://shop/admin",
        b"/./admin", b"/x%2f..%2fadmin", b"", b"*", b"/admin", b"/Admin", b"?/admin",
    ))),
    Case(97, "two hosts", REFUSE, (
        _get((b"host", b"evil")), _get((b"host", b"shop"), (b"host", b"evil")), _get((b"host", b"shop:81")), _get(authority=None),
        _get(authority=b""), _get(authority=b"ana@shop"), _get(authority=b"shop/admin"), _get(authority=b"shop?x"), _get(authority=b"shop evil"),
        _get(authority=b"shop\\evil"),
    )),
    Case(98, "pseudo-headers out of order, unknown, twice or left out", REFUSE, (
        Sent(fields=((b"x", b"y"),), order=True), _get((b":path", b"/admin")), _get((b":method", b"DELETE")), _get((b":status", b"200")),
        _get((b":protocol", b"websocket")), _get(method=None), _get(path=None), _get(scheme=None), _get((b":authority", b"shop")), _get((b":x", b"y")),
    )),
    Case(98, "headers of a connection", REFUSE, (
        _get((b"connection", b"close")), _get((b"connection", b"x-forwarded-for")), _get((b"keep-alive", b"timeout=1")), _get((b"upgrade", b"h2c")),
        _get((b"upgrade", b"websocket")), _get((b"proxy-connection", b"keep-alive")), _get((b"te", b"gzip")), _get((b"http2-settings", b"AAMAAABk")),
    )),
    Case(98, "a body where nobody expects one", REFUSE, (
        Sent({"path": b"/x"}, (), (SMUGGLED,)), Sent({"path": b"/x"}, ((b"content-length", b"62"),), (SMUGGLED,)),
        Sent({"method": b"HEAD", "path": b"/x"}, (), (SMUGGLED,)), Sent({"method": b"TRACE", "path": b"/x"}, (), (SMUGGLED,)),
    )),
    Case(98, "trailers", REFUSE, tuple(
        Sent({"method": b"POST", "path": b"/echo"}, (_TEXT,), (b"a",), trailers=((name, value),))
        for name, value in (
            (b"content-length", b"0"), (b"transfer-encoding", b"chunked"), (b"x", b"y\r\n\r\n" + SMUGGLED), (b":path", b"/admin"), (b"authorization", b"x"),
        )
    )),
    Case(98, "a request behind a handshake on a stream", REFUSE, (
        _tunnel(), _tunnel(data=(SMUGGLED[:9], SMUGGLED[9:])), _tunnel(data=(b"\r\n\r\n", SMUGGLED)), _tunnel(path=b"/echo"), _tunnel(path=b"/admin"),
        _tunnel(data=(b"\x81\x85abcd", SMUGGLED)), _tunnel((b"content-length", b"62")), _tunnel((b"upgrade", b"websocket")), _tunnel((b"sec-websocket-version", b"8")),
        _tunnel((b"sec-websocket-key", b"AAAAAAAAAAAAAAAAAAAAAA==")), _tunnel(protocol=b"connect-tcp"), _tunnel(protocol=b"WebSocket"), _tunnel(method=b"GET"),
    )),
    Case(96, "methods that are none of ours", REFUSE, tuple(
        _get(method=method) for method in (b"CONNECT", b"TRACE", b"get", b"BREW", b"DELETE", b"PRI", b"GET ", b"")
    )),
    Case(96, "another path or method in a header", REFUSE, (
        _get((b"x-original-url", b"/admin")), _get((b"x-rewrite-url", b"/admin")), _get((b"x-http-method-override", b"DELETE")),
        _get((b"x_original_url", b"/admin")), _get((b"sallyport-unread-body", b"1")),
    )),
    Case(97, "somebody else's address", ONE, tuple(
        _get((name, value)) for name, value in (
            (b"x-forwarded-for", b"127.0.0.1"), (b"forwarded", b"for=127.0.0.1"), (b"x-real-ip", b"127.0.0.1"), (b"x-forwarded-host", b"evil"),
        )
    )),
    Case(98, "bodies that look like requests", ONE, (
        _post(data=(SMUGGLED,)), _post(data=(b"0\r\n\r\n", SMUGGLED)), _post((b"content-length", b"5"), data=(b"0\r\n\r\n",)),
        _post(data=(b"", b"", SMUGGLED, b"")), _post((b"content-length", b"0"), data=()), _get((b"host", b"SHOP")),
    )),
)  # fmt: skip
