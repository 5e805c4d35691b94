"""Answers and questions about them by which something masked could be seen (102), a guard led elsewhere (103), or somebody else's copy be shown (104).

`CANARY` is the value of `card`, which is masked; `PAGE` a document with it. A spelling is what a client adds to its request, and what a
target answers, byte for byte.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

CANARY = "quartz7zephyr9onyx3"
PAGE = json.dumps([{"id": 1, "card": CANARY, "note": "plain"}]).encode()
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Spelling:
    """`asks`: header lines of the client; `answers`: the pieces in which the target says it; `method` of the request."""

    answers: tuple[bytes, ...]
    asks: tuple[str, ...] = ()
    method: str = "GET"


@dataclass(frozen=True, slots=True)
class Case:
    """One way: its number in the list, what it is, its spellings."""

    number: int
    title: str
    spellings: tuple[Spelling, ...]


def answer(body: bytes, *lines: str, media: str | None = JSON, status: str = "200 OK", framed: bool = True) -> bytes:
    said = [] if media is None else [f"Content-Type: {media}"]
    said += [f"Content-Length: {len(body)}"] if framed else []
    return "\r\n".join((f"HTTP/1.1 {status}", *said, *lines, "", "")).encode("latin-1") + body


def told(body: bytes, *lines: str, media: str | None = JSON, status: str = "200 OK") -> Spelling:
    return Spelling((answer(body, *lines, media=media, status=status),))


def chunked(*pieces: bytes, media: str = JSON, trailers: bytes = b"", lines: tuple[str, ...] = ()) -> Spelling:
    head = answer(b"", "Transfer-Encoding: chunked", *lines, media=media, framed=False)
    return Spelling((head, *(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces), b"0\r\n" + trailers + b"\r\n"))


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def _frame(first: int, payload: bytes) -> bytes:
    return bytes((first, len(payload))) + payload


_ROW = json.dumps({"card": CANARY}).encode()
_HALF = len(_ROW) - 12
_TABLE = f"id,card\r\n1,{CANARY}\r\n".encode()
_BYTERANGES = b"--b\r\nContent-Type: application/json\r\nContent-Range: bytes 0-9/99\r\n\r\n" + PAGE + b"\r\n--b--\r\n"

ANSWERS: tuple[Case, ...] = (
    Case(102, "answers that are packed", (
        told(gzip.compress(PAGE), "Content-Encoding: gzip"), told(zlib.compress(PAGE), "Content-Encoding: deflate"), told(PAGE, "Content-Encoding: br"), told(PAGE, "Content-Encoding: zstd"),
        told(gzip.compress(PAGE), "Content-Encoding: x-gzip"), told(gzip.compress(gzip.compress(PAGE)), "Content-Encoding: gzip, gzip"), told(gzip.compress(PAGE), "Content-Encoding: identity", "Content-Encoding: gzip"),
        told(gzip.compress(PAGE)), told(PAGE, "Content-Encoding: aes128gcm"), told(PAGE, "Content-Encoding: gzip"), told(gzip.compress(PAGE), "Content-Encoding: IDENTITY"),
    )),
    Case(102, "packings that the client asks for", tuple(
        Spelling((answer(gzip.compress(PAGE), "Content-Encoding: gzip"),), asks) for asks in (
            ("Accept-Encoding: gzip",), ("Accept-Encoding: identity;q=0, *",), ("Accept-Encoding: br, zstd, gzip",), ("TE: trailers", "Accept-Encoding: gzip"), ("accept-encoding: *;q=1",),
        )
    )),
    Case(102, "parts of a document", (
        Spelling((answer(PAGE[12:], "Content-Range: bytes 12-99/99", status="206 Partial Content"),), ("Range: bytes=12-",)),
        Spelling((answer(PAGE[-30:], "Content-Range: bytes 1-30/99", status="206 Partial Content"),), ("Range: bytes=-30",)),
        Spelling((answer(_BYTERANGES, media="multipart/byteranges; boundary=b", status="206 Partial Content"),), ("Range: bytes=0-9,20-40",)),
        Spelling((answer(PAGE[20:], "Content-Range: bytes 20-99/99"),), ("Range: bytes=20-",)), Spelling((answer(PAGE[20:], media="text/plain"),), ("Request-Range: bytes=20-",)),
        Spelling((answer(b'"' + CANARY[:9].encode() + b'"', status="206 Partial Content"),), ("If-Range: x", "Range: bytes=1-9")), Spelling((answer(CANARY.encode(), "IM: vcdiff", status="226 IM Used"),), ("A-IM: vcdiff",)),
    )),
    Case(102, "types that do not say what it is", (told(PAGE, "Content-Type: text/html"), *(told(PAGE, media=media) for media in (
        "text/html", "text/plain", "application/javascript", "application/xml", None, "application/json; charset=utf-16", "application/json; charset=utf-7", "application/octet-stream", "image/png",
        "application/json, text/html", "multipart/mixed; boundary=b", "application/json; charset=utf-8; charset=utf-7", "text/csv", "text/event-stream", "application/x-ndjson+x",
    )))),
    Case(102, "documents that are read in two ways", tuple(told(body) for body in (
        b'{"card": "x", "card": "' + CANARY.encode() + b'"}', b"\xef\xbb\xbf" + PAGE, PAGE.decode().encode("utf-16"), PAGE.decode().encode("utf-16-le"), b"callback(" + PAGE + b")", b")]}'\n" + PAGE,
        b'{"c\\u0061rd": "' + CANARY.encode() + b'"}', b'{"CARD": "' + CANARY.encode() + b'"}', PAGE + PAGE, b'{"a": NaN, "card": "' + CANARY.encode() + b'"}', b"{'card': '" + CANARY.encode() + b"'}",
        b'{"a": [{"b": {"card": {"deep": ["' + CANARY.encode() + b'"]}}}]}', b'{"card":\n"' + CANARY.encode() + b'"', CANARY.encode(), b'"' + CANARY.encode(), b'{"a": "\xff", "card": "' + CANARY.encode() + b'"}',
        b'{"card\\u0000": 1, "card": "' + CANARY.encode() + b'"}', PAGE + b"\0",
    ))),
    Case(102, "a value in pieces", (
        *(chunked(*cut(PAGE, size)) for size in (1, 2, 3, 7, 19)), chunked(*cut(PAGE, 5), media="application/json; charset=utf-8"), Spelling((answer(PAGE)[:-20], PAGE[-20:-9], PAGE[-9:])),
        chunked(*cut(_ROW + b"\n" + _ROW + b"\n", 4), media="application/x-ndjson"), chunked(*cut(_TABLE, 3), media="text/csv"),
    )),
    Case(102, "a value in events", (
        chunked(b"data: " + _ROW[:_HALF] + b"\n\n", b"data: " + _ROW[_HALF:] + b"\n\n", media="text/event-stream"), chunked(b"data: " + _ROW[:9] + b"\ndata: " + _ROW[9:] + b"\n\n", media="text/event-stream"),
        chunked(b"id: " + CANARY.encode() + b"\ndata: {}\n\n", media="text/event-stream"), chunked(b": " + CANARY.encode() + b"\n\n", media="text/event-stream"), chunked(b"data: " + CANARY.encode() + b"\n\n", media="text/event-stream"),
        chunked(b"data:" + _ROW + b"\r\r", media="text/event-stream"), chunked(b"\xef\xbb\xbfdata: " + _ROW + b"\n\n", media="text/event-stream"), chunked(b"retry: 1\ndata: " + _ROW, media="text/event-stream"),
    )),
    Case(102, "beside the body", (
        chunked(b"{}", trailers=b"X-Card: " + CANARY.encode() + b"\r\n"), chunked(b"{}", trailers=b"Card: " + CANARY.encode() + b"\r\n", lines=("Trailer: Card",)),
        Spelling((f"HTTP/1.1 103 Early Hints\r\nLink: <{CANARY}>\r\n\r\n".encode() + answer(b"{}"),)), told(b"{}", status=f"200 {CANARY}"),
        Spelling((answer(b"{}") + CANARY.encode(),)), Spelling((f"HTTP/1.1 100 {CANARY}\r\n\r\n".encode() + answer(b"{}"),)), told(b"{}", f'ETag: "{CANARY}"'), told(b"{}", f"Content-MD5: {CANARY}"),
        Spelling((b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}" + answer(PAGE),)),
    )),
    Case(102, "lengths and kinds of answers without a body", (
        Spelling((answer(b"", "Content-Length: 61", framed=False),), (), "HEAD"), Spelling((answer(PAGE),), (), "HEAD"), told(PAGE, status="204 No Content"), told(PAGE, status="304 Not Modified"),
        Spelling((answer(b"", "Transfer-Encoding: chunked", framed=False),), (), "HEAD"),
    )),
    Case(102, "frames of a WebSocket", tuple(Spelling(frames, ("websocket",)) for frames in (
        (_frame(0x01, _ROW[:9]), _frame(0x80, _ROW[9:])), (_frame(0x01, _ROW[:_HALF]), _frame(0x89, b"x"), _frame(0x80, _ROW[_HALF:])), (_frame(0xC1, zlib.compress(_ROW)[2:-4]),), (_frame(0x82, _ROW),),
        (_frame(0x89, CANARY.encode()),), (_frame(0x88, b"\x03\xe8" + CANARY.encode()),), (_frame(0x81, CANARY.encode()),), (_frame(0x8A, CANARY.encode()),), tuple(_frame(0x81, _ROW)[at : at + 1] for at in range(len(_ROW) + 2)),
        (_frame(0x81, b'{"card": "x", "card": "' + CANARY.encode() + b'"}'),), (_frame(0x81, _ROW.decode().encode("utf-16")),),
    ))),
)  # fmt: skip

TAGS: tuple[tuple[str, ...], ...] = (
    ('If-None-Match: "{}"',), ('If-Match: "{}"',), ('If-None-Match: W/"{}"',), ('If-None-Match: "x", "{}"',), ('If-Range: "{}"', "Range: bytes=0-1"), ('if-none-match: "{}"', "Cache-Control: max-age=0"),
)  # fmt: skip
"""Questions whether a guess of a document is right, by its tag: `{}` (102)."""

ELSEWHERE = "http://127.0.0.1:{inside}/inside"
REDIRECTS: tuple[tuple[str, ...], ...] = (
    ("301 Moved Permanently", "Location: {to}"), ("302 Found", "Location: {to}?token={secret}"), ("303 See Other", "Location: {to}"), ("307 Temporary Redirect", "Location: {to}"),
    ("308 Permanent Redirect", "Location: {to}"), ("302 Found", "Location: http://{secret}@127.0.0.1:{inside}/"), ("302 Found", "Location: //127.0.0.1:{inside}/"), ("305 Use Proxy", "Location: {to}"),
    ("200 OK", "Refresh: 0; url={to}?{secret}"), ("200 OK", "Alt-Svc: http/1.1=\"127.0.0.1:{inside}\""), ("401 Unauthorized", "WWW-Authenticate: Basic realm=\"{secret}\""), ("407 Proxy Authentication Required", "Proxy-Authenticate: Basic realm=\"x\""),
    ("302 Found", "Location: {to}", "X-Accel-Redirect: {to}"), ("200 OK", "X-Sendfile: /etc/passwd", "X-Reproxy-URL: {to}"),
)  # fmt: skip
"""Answers that lead elsewhere (103); `{to}` is a server inside, `{secret}` the gateway's credential."""
AUTHORITIES: tuple[tuple[str, str], ...] = (
    ("GET http://shop@127.0.0.1:{inside}/", "shop"), ("GET http://127.0.0.1:{inside}/", "127.0.0.1:{inside}"), ("GET /x", "shop@127.0.0.1:{inside}"), ("GET //127.0.0.1:{inside}/", "shop"),
    ("GET http://127.0.0.1:{inside}/", "shop"), ("GET /x", "127.0.0.1:{inside}"), ("GET /\\127.0.0.1:{inside}/", "shop"), ("GET @127.0.0.1:{inside}/", "shop"), ("CONNECT 127.0.0.1:{inside}", "127.0.0.1:{inside}"),
    ("GET http:///127.0.0.1:{inside}/", "shop"), ("GET /x", "shop\t127.0.0.1:{inside}"), ("GET http://shop#@127.0.0.1:{inside}/", "shop"),
)  # fmt: skip
"""Request lines and Hosts that lead elsewhere (103)."""

CACHED: tuple[tuple[str, ...], ...] = (
    ("Cache-Control: public, max-age=600",), ("Cache-Control: s-maxage=600",), ("Expires: Thu, 31 Dec 2099 23:59:59 GMT",), ("X-Accel-Expires: 600",), ("X-Accel-Expires: 600", "Cache-Control: private"),
    ("Surrogate-Control: max-age=600", "CDN-Cache-Control: max-age=600"), (), ("Cache-Control: public, immutable, max-age=31536000", "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT"), ('Cache-Control: private="x", public, max-age=600',),
    ("Cache-Control: max-age=600", "Vary: Accept"), ("Cache-Control: PUBLIC,MAX-AGE=600", "Age: 0"), ("Cache-Control: max-age=600", "Cache-Control: public"), ('ETag: "x"', "Cache-Control: public, max-age=600"), ("Pragma: public", "Cache-Control: public, s-maxage=600, stale-while-revalidate=600"),
)  # fmt: skip
"""What a target tells caches (104)."""
