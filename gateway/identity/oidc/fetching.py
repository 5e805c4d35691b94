"""Asking an issuer over HTTP: JSON in, JSON out. No redirects, no proxies from the environment, bounded in bytes and time.

Called from threads that may wait. Texts of answers are in no message: they can hold tokens.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote_plus, urlencode, urlsplit

from gateway.errors import IdentityRefused

CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 5.0
MAX_ANSWER = 1 << 18
PIECE = 1 << 14


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: its status and the JSON in it (None: there is none)."""

    status: int
    document: object


class Fetch(Protocol):
    """Asks a URL. `form` makes it a POST; `basic` are a client's id and secret."""

    def __call__(
        self, url: str, form: Mapping[str, str] | None = None, basic: tuple[str, str] | None = None
    ) -> Fetched:
        """Raises IdentityRefused (`ISSUER_UNREACHABLE`)."""


class Web:
    """`Fetch` over sockets. `ca_file` is who may name the issuer's servers, instead of the system's authorities."""

    def __init__(self, ca_file: Path | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._ca_file = ca_file
        self._clock = clock

    def __call__(
        self, url: str, form: Mapping[str, str] | None = None, basic: tuple[str, str] | None = None
    ) -> Fetched:
        parts = urlsplit(url)
        until = self._clock() + TOTAL_SECONDS
        headers = {"Accept": "application/json", "User-Agent": "sallyport", "Accept-Encoding": "identity"}
        if basic is not None:
            # RFC 6749, section 2.3.1: both are form-encoded before they are joined.
            pair = ":".join(quote_plus(part) for part in basic).encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        body = None
        if form is not None:
            body, headers["Content-Type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
        try:
            connection = self._connection(url)
            try:
                target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                connection.request("GET" if form is None else "POST", target, body, headers)
                response = connection.getresponse()
                return Fetched(response.status, _json(self._received(response, until)))
            finally:
                connection.close()
        except (OSError, ssl.SSLError, http.client.HTTPException, ValueError) as error:
            told = getattr(error, "strerror", None) or type(error).__name__
            raise unreachable(f"{parts.scheme}://{parts.netloc}", str(told)) from error

    def _connection(self, url: str) -> http.client.HTTPConnection:
        parts = urlsplit(url)
        if parts.scheme == "http":
            return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=CONNECT_SECONDS)
        context = ssl.create_default_context(cafile=None if self._ca_file is None else str(self._ca_file))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=CONNECT_SECONDS, context=context)

    def _received(self, response: http.client.HTTPResponse, until: float) -> bytes:
        pieces, size = list[bytes](), 0
        while piece := response.read1(PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > MAX_ANSWER or self._clock() > until:
                raise ValueError("too long, or too slow")
        return b"".join(pieces)


def _json(data: bytes) -> object:
    try:
        found: object = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found


def unreachable(place: str, why: str) -> IdentityRefused:
    """The issuer cannot be asked."""
    return IdentityRefused(
        f"the issuer cannot be asked at {place} ({why})",
        help="is it up, and may the gateway reach it?",
        code="ISSUER_UNREACHABLE",
    )
