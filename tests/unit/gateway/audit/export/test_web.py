"""A receiver of JSON lines gets one line for each event."""

from __future__ import annotations

from gateway.audit.export.events import Event, Severity
from gateway.audit.export.web import WebSink
from tests.receivers import http_receiver


def test_events_are_lines() -> None:
    events = [Event(number, f"log/{number}", 1, "decision", Severity.INFO, b'{"n":%d}' % number) for number in (1, 2)]
    with http_receiver() as posted:
        sink = WebSink(posted.url, {}, None)
        sink.send(events)
        sink.close()
    assert posted.bodies == [b'{"n":1}\n{"n":2}\n']
    assert posted.headers[0]["Content-Type"] == "application/x-ndjson"
