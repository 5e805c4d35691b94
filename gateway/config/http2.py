"""The key `http2` of a `[[listener]]`: which clients of HTTP may speak HTTP/2."""

from __future__ import annotations

from enum import StrEnum


class Http2(StrEnum):
    """Whether clients of HTTP may speak HTTP/2."""

    OFF = "off"
    TLS = "tls"
    """Those that choose it in TLS (ALPN)."""
    CLEAR = "clear"
    """Without TLS too, those that know it beforehand (h2c)."""
