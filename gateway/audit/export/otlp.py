"""An OpenTelemetry collector: OTLP logs over HTTP, in OTLP's JSON (https://opentelemetry.io/docs/specs/otlp/)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec

from gateway.audit.export.events import MAX_EVENTS, Event, Severity, SinkFailed
from gateway.audit.export.posting import Poster

MAX_BODY = 1 << 20
_ENCODE = msgspec.json.Encoder().encode
_NUMBERS = {Severity.INFO: 9, Severity.NOTICE: 10, Severity.WARNING: 13}
"""OTLP's SeverityNumber: INFO, INFO2, WARN."""


class _Partial(msgspec.Struct):
    rejectedLogRecords: str | int = 0  # the name on the wire


class _Answer(msgspec.Struct):
    partialSuccess: _Partial | None = None  # the name on the wire


class OtlpSink:
    """One collector, at its URL for logs (`http://HOST:4318/v1/logs`)."""

    max_body = MAX_BODY
    max_events = MAX_EVENTS

    def __init__(self, url: str, headers: Mapping[str, str], ca_file: Path | None) -> None:
        self._poster = Poster(url, {**headers, "Content-Type": "application/json"}, ca_file)

    def send(self, events: Sequence[Event]) -> None:
        """As `Sink.send`. Records that the collector rejects are told as refused (OTLP: they must not be sent again)."""
        answer = self._poster.post(_request(events))
        try:
            partial = msgspec.json.decode(answer, type=_Answer).partialSuccess if answer.strip() else None
        except msgspec.MsgspecError:
            return  # WHY: a success is one, whatever else it says
        rejected = _count(partial.rejectedLogRecords) if partial is not None else 0
        if rejected:
            raise SinkFailed(f"{self._poster.name}: {rejected} of {len(events)} records rejected", is_final=True)

    def close(self) -> None:
        """As `Sink.close`."""
        self._poster.close()


def _count(text: str | int) -> int:
    """A number of OTLP's JSON, in which 64 bits are a text. What is none counts nothing: as above."""
    try:
        return int(text)
    except ValueError:
        return 0


def _request(events: Sequence[Event]) -> bytes:
    now = str(time.time_ns())
    records = [
        {
            "timeUnixNano": str(event.time),
            "observedTimeUnixNano": now,
            "severityNumber": _NUMBERS[event.severity],
            "severityText": event.severity.name,
            "body": {"stringValue": event.body.decode()},
            "attributes": [
                _text("event.name", f"sallyport.{event.kind}"),
                _text("log.record.uid", event.uid),
                {"key": "sallyport.seq", "value": {"intValue": str(event.seq)}},
            ],
        }
        for event in events
    ]
    scope = {"scope": {"name": "sallyport.audit", "version": version("sallyport")}, "logRecords": records}
    resource = {"attributes": [_text("service.name", "sallyport")]}
    return _ENCODE({"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]})


def _text(key: str, value: str) -> dict[str, object]:
    return {"key": key, "value": {"stringValue": value}}
