"""A collector gets OTLP's JSON; what it rejects for good is told as that."""

from __future__ import annotations

import json

import pytest

from gateway.audit.export.events import Event, Severity, SinkFailed
from gateway.audit.export.otlp import OtlpSink
from tests.receivers import http_receiver

EVENT = Event(7, "log/7", 1_800_000_000_000_000_001, "decision", Severity.WARNING, b'{"a":"\xc3\xbc"}')


def test_a_record_has_its_time_its_uid_and_its_body() -> None:
    with http_receiver() as posted:
        sink = OtlpSink(posted.url, {"Authorization": "Bearer abc"}, None)
        sink.send([EVENT])
        sink.close()
    (body,), (headers,) = posted.bodies, posted.headers
    assert (headers["Content-Type"], headers["Authorization"]) == ("application/json", "Bearer abc")
    (resource,) = json.loads(body)["resourceLogs"]
    assert resource["resource"]["attributes"] == [{"key": "service.name", "value": {"stringValue": "sallyport"}}]
    (record,) = resource["scopeLogs"][0]["logRecords"]
    assert record["timeUnixNano"] == "1800000000000000001"
    assert (record["severityNumber"], record["severityText"]) == (13, "WARNING")
    assert json.loads(record["body"]["stringValue"]) == {"a": "ü"}
    told = {each["key"]: each["value"] for each in record["attributes"]}
    assert told == {
        "event.name": {"stringValue": "sallyport.decision"},
        "log.record.uid": {"stringValue": "log/7"},
        "sallyport.seq": {"intValue": "7"},
    }


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{}",
        b'{"partialSuccess":{}}',
        b"no json",
        b'{"partialSuccess":null}',
        b'{"partialSuccess":{"rejectedLogRecords":"none"}}',
    ],
)
def test_a_success_is_one_whatever_else_is_said(answer: bytes) -> None:
    with http_receiver(lambda body: (200, answer)) as posted:
        sink = OtlpSink(posted.url, {}, None)
        sink.send([EVENT])
        sink.close()
    assert len(posted.bodies) == 1


@pytest.mark.parametrize("count", ["1", 1])
def test_records_that_are_rejected_are_refused_for_good(count: str | int) -> None:
    answer = json.dumps({"partialSuccess": {"rejectedLogRecords": count}}).encode()
    with http_receiver(lambda body: (200, answer)) as posted:
        sink = OtlpSink(posted.url, {}, None)
        with pytest.raises(SinkFailed, match="1 of 1 records rejected") as caught:
            sink.send([EVENT])
        sink.close()
    assert caught.value.is_final
