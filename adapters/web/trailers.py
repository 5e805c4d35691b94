"""Fields behind the body of a target's answer, as they go on to a client that said it reads them (`TE: trailers`). Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.command.http.wire import WireRequest

_NOT_BEHIND = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-connection", b"te", b"trailer", b"upgrade"),
        *(b"transfer-encoding", b"content-length", b"content-type", b"content-encoding", b"content-range", b"host"),
        *(b"alt-svc", b"www-authenticate", b"authorization", b"set-cookie", b"set-cookie2", b"location", b"expires"),
        *(b"cache-control", b"surrogate-control", b"cdn-cache-control", b"edge-control", b"vary", b"age", b"date"),
        *(b"retry-after", b"warning", b"pragma", b"clear-site-data", b"status"),
    }
)
"""What frames, routes, caches or signs in has its place before the body (RFC 9110, 6.5.1)."""


def are_read(head: WireRequest) -> bool:
    """Whether a client reads fields behind a body."""
    return any(value.lower() == "trailers" for value in head.values("te"))


def passed(trailers: Iterable[tuple[bytes, bytes]], scrubbed: Callable[[bytes], bytes]) -> bytes:
    """The lines that go on, the gateway's credential taken out of them."""
    return b"".join(
        b"%b: %b\r\n" % (name, scrubbed(value))
        for name, value in trailers
        if name not in _NOT_BEHIND and not name.startswith((b"sallyport-", b"x-accel-"))
    )
