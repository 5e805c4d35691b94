"""A notice is one request, signed under the secret, under its uid; a hook's URL is never told."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from gateway.audit.export.events import Event, Severity, SinkFailed
from gateway.notices.hooks import HookSink, signature
from tests.receivers import http_receiver

SECRET = b"s" * 20
EVENTS = [Event(number, f"log/{number}", 1, "held", Severity.NOTICE, b'{"n":%d}' % number) for number in (1, 2)]


def test_each_is_posted_by_itself_and_proves_where_it_comes_from() -> None:
    with http_receiver() as posted:
        sink = HookSink(posted.url, SECRET, None, name="ops", clock=lambda: 99.7)
        sink.send(EVENTS)
        sink.close()
    assert posted.bodies == [b'{"n":1}', b'{"n":2}']
    assert [headers["X-Sallyport-Event"] for headers in posted.headers] == ["log/1", "log/2"]
    expected = hmac.new(SECRET, b'99.{"n":1}', hashlib.sha256).hexdigest()
    assert posted.headers[0]["X-Sallyport-Signature"] == f"t=99,v1={expected}"


def test_without_a_secret_nothing_is_signed() -> None:
    with http_receiver() as posted:
        sink = HookSink(posted.url, None, None, name="ops")
        sink.send(EVENTS[:1])
        sink.close()
    assert "X-Sallyport-Signature" not in posted.headers[0]


def test_another_body_time_or_secret_has_another_signature() -> None:
    made = {
        signature(SECRET, 1, b"a"),
        signature(SECRET, 2, b"a"),
        signature(SECRET, 1, b"b"),
        signature(b"t" * 20, 1, b"a"),
    }
    assert len(made) == 4


def test_a_failure_names_the_hook_and_not_its_url() -> None:
    with http_receiver(lambda body: (404, b"")) as posted:
        sink = HookSink(posted.url + "/T000/B000/token", SECRET, None, name="ops")
        with pytest.raises(SinkFailed) as caught:
            sink.send(EVENTS)
        sink.close()
    assert str(caught.value) == "ops: status 404"
