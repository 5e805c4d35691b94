"""The key `http2`: of a `[[listener]]` which clients of HTTP may speak HTTP/2, of a `[[resource]]` whether it is spoken to the target."""

from __future__ import annotations

from enum import StrEnum


class Http2(StrEnum):
    """Whether clients of HTTP may speak HTTP/2."""

    OFF = "off"
    TLS = "tls"
    """Those that choose it in TLS (ALPN)."""
    CLEAR = "clear"
    """Without TLS too, those that know it beforehand (h2c)."""


class TargetHttp2(StrEnum):
    """Whether requests go to a target of HTTP in HTTP/2."""

    OFF = "off"
    AUTO = "auto"
    """Where the target chooses it in TLS (ALPN)."""
    ALWAYS = "always"
    """And nothing else, but for WebSocket: in TLS what the target has to choose, without TLS what it is known to speak."""
