"""A bundle from a web server: asked for every so often, and sent only when it is another one (ETag, If-None-Match).

Only from where the configuration says: no redirects, no proxies from the environment. The body is bounded in bytes and
time. What was accepted last is kept in a file, so that a gateway starts without its server; it is checked like any other.
Called by `current` through `origins.Origin`, on the watching thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import secrets
import ssl
import time
from collections.abc import Callable, Hashable
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from gateway.errors import PolicyUnusable
from gateway.policy_store.bundle import MAX_BUNDLE
from gateway.policy_store.origins import Loaded, opened, read_bundle_file
from gateway.policy_store.signing import TrustedKeys

CONNECT_SECONDS = 10.0
TOTAL_SECONDS = 60.0
PIECE = 1 << 16
MAX_ETAG = 512


class WebBundleOrigin:
    """One URL. Not safe from several threads at once; the store's lock sees to that."""

    settles = False

    def __init__(
        self,
        url: str,
        trusted: TrustedKeys | None,
        kept: Path,
        *,
        ca_file: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`kept` is the file for the last accepted bundle; `ca_file` who is trusted to name the server."""
        self._url = urlsplit(url)
        self._trusted = trusted
        self._kept = kept
        self._ca_file = ca_file
        self._clock = clock
        self._etag: str | None = None
        self._body: bytes | None = None
        # WHY without what may stand in a URL before the host, or behind the path: it may be a secret.
        self.name = f"{self._url.scheme}://{self._url.hostname}{self._url.path}"

    def look(self) -> Hashable:
        """The digest of what the server has now."""
        self._ask()
        return None if self._body is None else hashlib.sha256(self._body).hexdigest()

    def read(self) -> Loaded:
        """What the last look found; before the first one the server is asked."""
        if self._body is None:
            self._ask()
        return opened(self._body or b"", self._trusted, Path(self.name))

    def kept(self) -> Loaded | None:
        """The bundle in the file, checked like any other."""
        if not self._kept.is_file():
            return None
        return opened(read_bundle_file(self._kept), self._trusted, Path(self.name))

    def keep(self) -> None:
        """Write the file whole or not at all. A gateway that cannot only loses its start without the server."""
        unfinished = self._kept.with_name(f".{secrets.token_hex(8)}")
        try:
            self._kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            unfinished.write_bytes(self._body or b"")
            os.replace(unfinished, self._kept)
        except OSError:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)

    def _ask(self) -> None:
        try:
            self._exchange()
        except (OSError, http.client.HTTPException, ValueError) as error:
            what = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            raise PolicyUnusable(f"the bundle cannot be had from {self.name} ({what})") from error

    def _exchange(self) -> None:
        until = self._clock() + TOTAL_SECONDS
        connection = _connection(self._url, self._ca_file)
        try:
            headers = {"Accept": "application/octet-stream", "User-Agent": "sallyport", "Accept-Encoding": "identity"}
            if self._etag is not None and self._body is not None:
                headers["If-None-Match"] = self._etag
            query = f"?{self._url.query}" if self._url.query else ""
            connection.request("GET", f"{self._url.path or '/'}{query}", headers=headers)
            response = connection.getresponse()
            if response.status == http.client.NOT_MODIFIED and self._body is not None:
                return
            if response.status != http.client.OK:
                raise PolicyUnusable(f"{self.name} answered {response.status} instead of a bundle")
            body = self._received(response, until)
            etag = response.getheader("ETag")
            self._etag = etag if etag is not None and len(etag) <= MAX_ETAG and etag.isprintable() else None
            self._body = body
        finally:
            connection.close()

    def _received(self, response: http.client.HTTPResponse, until: float) -> bytes:
        pieces, size = list[bytes](), 0
        while piece := response.read1(PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > MAX_BUNDLE or self._clock() > until:
                raise PolicyUnusable(f"the bundle from {self.name} is too long, or too slow")
        if response.length:
            raise PolicyUnusable(f"the bundle from {self.name} was cut off")
        return b"".join(pieces)


def _connection(url: SplitResult, ca_file: Path | None) -> http.client.HTTPConnection:
    if url.scheme == "http":
        return http.client.HTTPConnection(url.hostname or "", url.port, timeout=CONNECT_SECONDS)
    context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return http.client.HTTPSConnection(url.hostname or "", url.port, timeout=CONNECT_SECONDS, context=context)
