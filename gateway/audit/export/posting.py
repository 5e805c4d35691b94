"""One POST at a time to one URL, over a connection that is kept. No redirects, no proxies from the environment.

Used by the sinks that speak HTTP.
"""

from __future__ import annotations

import contextlib
import http.client
import ssl
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from gateway.audit.export.events import SinkFailed

TIMEOUT = 30.0
MAX_WAIT = 3600.0
"""Seconds for which a receiver can make us wait: what it says is a stranger's word."""
MAX_ANSWER = 1 << 20
"""Bytes of an answer that are read."""
REFUSED = frozenset({400, 413, 422})
"""Statuses that are said of what was sent, and not of who sends it or where to: it will not be taken later either."""


def seconds_of(retry_after: str | None, now: float) -> float:
    """What a `Retry-After` says (RFC 9110, 10.2.3: seconds, or a date), `MAX_WAIT` at most; 0 for none, and for what is none.

    >>> seconds_of("120", 0.0), seconds_of("Thu, 01 Jan 1970 00:01:00 GMT", 10.0), seconds_of("soon", 0.0)
    (120.0, 50.0, 0.0)
    """
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), MAX_WAIT)
    try:
        until = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0
    return min(max(0.0, until - now), MAX_WAIT)


class Poster:
    """One URL."""

    def __init__(self, url: str, headers: Mapping[str, str], ca_file: Path | None) -> None:
        """`headers` go with every request (one of them may be a credential). `ca_file` as for `ssl`."""
        parts = urlsplit(url)
        self._is_secure, self._host, self._port = parts.scheme == "https", parts.hostname or "", parts.port
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._headers = dict(headers)
        self._ca_file = ca_file
        self._connection: http.client.HTTPConnection | None = None
        self.name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
        """The answer's body. Raises SinkFailed for everything but a success."""
        try:
            connection = self._connected()
            connection.request("POST", self._target, body, {**self._headers, **(headers or {})})
            answer = connection.getresponse()
            data = answer.read(MAX_ANSWER)
            if answer.read(1):
                self.close()
        except (OSError, ssl.SSLError, http.client.HTTPException) as error:
            self.close()
            told = getattr(error, "strerror", None) or type(error).__name__
            raise SinkFailed(f"{self.name}: {told}") from error
        if not 200 <= answer.status < 300:
            # WHY not the answer's text: it may repeat what it was sent.
            wait = seconds_of(answer.headers.get("Retry-After"), time.time())
            raise SinkFailed(f"{self.name}: status {answer.status}", is_final=answer.status in REFUSED, wait=wait)
        return data

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is None:
            if self._is_secure:
                context = ssl.create_default_context(cafile=self._ca_file)
                context.minimum_version = ssl.TLSVersion.TLSv1_2
                self._connection = http.client.HTTPSConnection(self._host, self._port, timeout=TIMEOUT, context=context)
            else:
                self._connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT)
        return self._connection

    def close(self) -> None:
        """Let the connection go."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.close()
