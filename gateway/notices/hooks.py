"""Posting notices: one request each, signed for a receiver that has the secret.

`X-Sallyport-Signature: t=SECONDS,v1=HEX`: the HMAC-SHA256 of `SECONDS.BODY` under the shared secret. `X-Sallyport-Event` is the
uid: the same notice may come twice. Called by the exporter.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gateway.audit.export.events import Event
from gateway.audit.export.posting import Poster

MAX_BODY = 64 << 10


class HookSink:
    """One URL."""

    max_body = MAX_BODY
    max_events = 1

    def __init__(
        self,
        url: str,
        secret: bytes | None,
        ca_file: Path | None,
        *,
        name: str,
        headers: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`name` stands for the URL wherever it is told: a hook's URL is a secret itself. `headers` go with every request."""
        self._poster = Poster(url, {"Content-Type": "application/json", **(headers or {})}, ca_file)
        self._poster.name = name
        self._secret = secret
        self._clock = clock

    def send(self, events: Sequence[Event]) -> None:
        """As `Sink.send`."""
        for event in events:
            headers = {"X-Sallyport-Event": event.uid}
            if self._secret is not None:
                headers["X-Sallyport-Signature"] = signature(self._secret, int(self._clock()), event.body)
            self._poster.post(event.body, headers)

    def close(self) -> None:
        """As `Sink.close`."""
        self._poster.close()


def signature(secret: bytes, seconds: int, body: bytes) -> str:
    """What proves that a notice is ours and new."""
    made = hmac.new(secret, b"%d.%b" % (seconds, body), hashlib.sha256).hexdigest()
    return f"t={seconds},v1={made}"
