"""A receiver of JSON lines over HTTP (`application/x-ndjson`): an ingest endpoint, a function, a log store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.audit.export.events import MAX_EVENTS, Event
from gateway.audit.export.posting import Poster

MAX_BODY = 1 << 20


class WebSink:
    """One URL."""

    max_body = MAX_BODY
    max_events = MAX_EVENTS

    def __init__(self, url: str, headers: Mapping[str, str], ca_file: Path | None) -> None:
        self._poster = Poster(url, {**headers, "Content-Type": "application/x-ndjson"}, ca_file)

    def send(self, events: Sequence[Event]) -> None:
        """As `Sink.send`."""
        self._poster.post(b"".join(event.body + b"\n" for event in events))

    def close(self) -> None:
        """As `Sink.close`."""
        self._poster.close()
