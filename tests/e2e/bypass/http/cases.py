"""The ways around a guard of HTTP (95-99), each in several spellings, and what must come of them.

Sent for somebody who may read everything but `/admin`, may write to `/echo` and nothing else. `TOKEN` stands for theirs and is as long; `SMUGGLED` is a
whole request that would count if anybody took it for one. Expected: `refuse` (an error of ours, the target sees nothing), or
`one` (at most the one request that was judged arrives, spelt as it was judged).
"""

from __future__ import annotations

from dataclasses import dataclass

REFUSE, ONE = "refuse", "one"
TOKEN = "T" * 40


@dataclass(frozen=True, slots=True)
class Case:
    """One way: its number in the list, what it is, what must come of it, its spellings as bytes on the wire."""

    number: int
    title: str
    expected: str
    texts: tuple[bytes, ...]


def _plain(line: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{line} HTTP/1.1", "Host: shop", f"Authorization: Bearer {TOKEN}", *headers]
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body


def _post(*headers: str, body: bytes) -> bytes:
    return _plain("POST /echo", "Content-Type: text/plain", *headers, body=body)


SMUGGLED = f"GET /admin/smuggled HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
_TE, _CL = "Transfer-Encoding: chunked", "Content-Length: {}"
_CLTE = b"0\r\n\r\n" + SMUGGLED

_CODINGS = (
    *("xchunked", "chunked, identity", "identity", "chunked, chunked", "gzip, chunked", '"chunked"', "chunked;q=1"),
    *("chun\x0bked", "identity, chunked", ""),
)


def _paths(*paths: str) -> tuple[bytes, ...]:
    return tuple(_plain(f"GET {path}") for path in paths)


CASES: tuple[Case, ...] = (
    Case(95, "paths that some server takes for /admin", REFUSE, _paths(
        "/x/../admin", "/x/..%2fadmin", "/%61dmin", "//admin", "/./admin", "/admin/.", "/x/..;/admin", "/admin;x=1", "/x\\..\\admin",
        "/%2561dmin", "/x/%2e%2e/admin", "/x/%2e./admin", "/%c0%aeadmin", "/%c0%af/admin", "/admin%00", "/admin%20", "/admin.",
        "/x%2f..%2fadmin", "/%ef%bc%8fadmin", "/x/%252e%252e/admin", "/admin%0d%0aX:%20y", "/ad%09min", "/%u0061dmin", "/x//admin",
    )),
    Case(95, "paths that a policy refuses in every case of letters", REFUSE, _paths("/admin", "/Admin", "/ADMIN/", "/admin?x", "/admin#x")),
    Case(96, "another method in a header or parameter", REFUSE, (
        _plain("GET /x", "X-HTTP-Method-Override: DELETE"),
        _post("X-HTTP-Method: DELETE", _CL.format(1), body=b"a"),
        _plain("POST /echo?_method=DELETE", "Content-Length: 0"),
        _plain("POST /echo", "Content-Type: application/x-www-form-urlencoded", _CL.format(14), body=b"_method=DELETE"),
        _plain("GET /x", "X-Method-Override: PURGE"),
    )),
    Case(96, "another path in a header", REFUSE, (
        _plain("GET /x", "X-Original-URL: /admin"), _plain("GET /x", "X-Rewrite-URL: /admin"), _plain("GET /x", "X_Original_URL: /admin"),
        _plain("GET /x", "X-Override-URL: /admin"), _plain("GET /x", "Request-Uri: /admin"),
    )),
    Case(96, "methods that are none of ours", REFUSE, (
        _plain("TRACE /x"), _plain("CONNECT shop:80"), _plain("get /x"), _plain("DELETE /echo"), _plain("DEBUG /x"), _plain("BREW /x"),
        _plain("GETX /x"), _plain("PATCH /x"), _plain("PRI *"),
    )),
    Case(97, "two hosts", REFUSE, (
        _plain("GET /x", "Host: evil"), _plain("GET http://evil/x"), _plain("GET http://shop@evil/x"), _plain("GET http://evil:80@shop/x"),
        _plain("GET http:/x"), _plain("GET ftp://shop/x"), _plain("GET /x").replace(b"Host: shop", b"Host: shop, evil"),
        _plain("GET /x").replace(b"Host: shop", b"Host: shop/evil"), _plain("GET /x").replace(b"Host: shop", b"Host: shop#evil"),
        _plain("GET /x", "H_ost: evil"), _plain("GET HTTP://shop/x"), _plain("GET http://shop\\@evil/x"),
    )),
    Case(97, "somebody else's address", ONE, (
        _plain("GET /x", "X-Forwarded-For: 127.0.0.1"), _plain("GET /x", "X-Forwarded-Host: evil"), _plain("GET /x", "Forwarded: for=127.0.0.1"),
        _plain("GET /x", "X-Real-IP: 127.0.0.1", "X-Forwarded-Uri: /admin"), _plain("GET /x", "True-Client-IP: 127.0.0.1"),
    )),
    Case(98, "Content-Length and Transfer-Encoding", REFUSE, (
        _post(_CL.format(len(_CLTE)), _TE, body=_CLTE), _post(_TE, _CL.format(3), body=_CLTE),
        _post(_CL.format(len(_CLTE)), "Transfer-Encoding : chunked", body=_CLTE), _post(_CL.format(len(_CLTE)), "Transfer-Encoding:\tchunked", body=_CLTE),
        _post(_CL.format(len(_CLTE)), "Transfer_Encoding: chunked", body=_CLTE), _post(_CL.format(len(_CLTE)), "X: y", " Transfer-Encoding: chunked", body=_CLTE),
        _post(_CL.format(len(_CLTE)), "X: y\nTransfer-Encoding: chunked", body=_CLTE), _post(_CL.format(len(_CLTE)), "X: y\rTransfer-Encoding: chunked", body=_CLTE),
        _post(_CL.format(len(_CLTE)), "\x0bTransfer-Encoding: chunked", body=_CLTE), _post(_CL.format(len(_CLTE)), "transfer-encoding: chunked\x00", body=_CLTE),
    )),
    Case(98, "codings that only look like chunked", REFUSE, (
        *(_post(f"Transfer-Encoding: {coding}", body=_CLTE) for coding in _CODINGS),
        _post(_TE, _TE, body=_CLTE), _post(_TE, "Transfer-Encoding: identity", body=_CLTE),
    )),
    Case(98, "lengths that are two", REFUSE, tuple(
        _post(*lines, body=SMUGGLED)
        for lines in (
            ("Content-Length: 0", f"Content-Length: {len(SMUGGLED)}"), (f"Content-Length: 0, {len(SMUGGLED)}",), ("Content-Length: +0",), ("Content-Length: -1",),
            ("Content-Length: 0x0",), ("Content-Length: 00",), ("Content-Length: 0 0",), ("Content-Length: 0\x0b",), ("Content_Length: 0",), ("Content-Length: 0;",),
            ("Content-Length: 1e1",), ("Content-Length: 99999999999999999999",), ("Content-Length: 0", "Content-Length: 0"), ("Content-Length:",),
        )
    )),
    Case(98, "chunks that end elsewhere for somebody", REFUSE, tuple(
        _post(_TE, body=body + SMUGGLED)
        for body in (
            b"5;x=y\r\nhello\r\n0\r\n\r\n", b"5;\nhello\r\n0\r\n\r\n", b"5\nhello\r\n0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n", b"5 \r\nhello\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n",
            b"5\r\nhelloXX0\r\n\r\n", b"5\r\nhello\r0\r\n\r\n", b"0\r\nContent-Length: 9\r\n\r\n", b"00000000000000005\r\nhello\r\n0\r\n\r\n", b"0\n\n", b"0\r\n\n", b"g\r\n\r\n", b"-0\r\n\r\n",
            b"5_0\r\nhello\r\n0\r\n\r\n", b"\r\n0\r\n\r\n",
        )
    )),
    Case(98, "a body where nobody expects one", REFUSE, (
        _plain("GET /x", _CL.format(len(SMUGGLED)), body=SMUGGLED), _plain("GET /x", _TE, body=_CLTE), _plain("HEAD /x", _CL.format(len(SMUGGLED)), body=SMUGGLED),
        _plain("GET /x", "Content-Length: 0x1", body=SMUGGLED), _plain("HEAD /x", _TE, body=_CLTE),
    )),
    Case(98, "an upgrade to what is not judged", REFUSE, (
        _plain("GET /x", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__", "Connection: Upgrade, HTTP2-Settings", body=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED),
        _plain("GET /x", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", body=SMUGGLED),
        _plain("GET /x", "Upgrade: h2c", body=SMUGGLED), _plain("GET /x", "Connection: upgrade", "Upgrade: foo/1", body=SMUGGLED), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED,
    )),
    Case(98, "request lines and header lines that two readers split differently", REFUSE, (
        _plain("GET /x").replace(b"\r\n", b"\n"), _plain("GET /x").replace(b"GET /x", b"GET  /x"), _plain("GET /x").replace(b"GET /x", b"GET\t/x"), b"\r\n" + _plain("GET /x"),
        _plain("GET /x").replace(b" HTTP/1.1", b""), _plain("GET /x").replace(b"HTTP/1.1", b"HTTP/1.10"), _plain("GET /x").replace(b"HTTP/1.1", b"HTTP/0.9"),
        _plain("GET /x\r\nX:"), _plain("GET /x", "X y: z"), _plain("GET /x", ": z"), _plain("GET /x", "X"), _plain("GET /x", "X: y\x00z"), _plain("GET /x y"),
    )),
    Case(98, "headers that Connection would take away", REFUSE, (
        _plain("GET /x", "Connection: close, Authorization"), _plain("GET /x", "Connection: Host"), _plain("GET /x", "Connection: keep-alive, X-Forwarded-For"),
        _post("Connection: Content-Length", _CL.format(1), body=b"a"), _plain("GET /x", "TE: chunked"),
    )),
    Case(98, "bodies whose bytes look like a request", ONE, (
        _post(_CL.format(len(SMUGGLED)), body=SMUGGLED), _post(_TE, body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)),
        _post(_CL.format(len(_CLTE)), body=_CLTE), _post(_CL.format(5), body=b"0\r\n\r\n"),
    )),
    Case(99, "a body that is not what its type says", ONE, (
        _post(_CL.format(15), body=b'{"a": "b", "c"}'), _post(_CL.format(10), body=b'{"a": "b"}'),
        _plain("POST /echo", "Content-Type: application/json; charset=utf-7", _CL.format(2), body=b"{}"),
        _plain("POST /echo", "Content-Type: application/json", _CL.format(13), body=b'{"a":1,"a":2}'),
        _plain("POST /echo", "Content-Type: application/json", "Content-Type: text/plain", _CL.format(2), body=b"{}"),
        _plain("POST /echo", "Content-Type: application/x-www-form-urlencoded", _CL.format(9), body=b'{"a":"b"}'),
    )),
)  # fmt: skip
