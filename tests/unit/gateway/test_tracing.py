"""What is read of the traces of others: whole forms only, one and not two, and nobody is believed who was not said to be."""

from __future__ import annotations

import pytest

from gateway.tracing import (
    Trace,
    parse_traceparent,
    trace_in_command,
    trace_in_metadata,
    trace_in_name,
)

ID, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GOOD = f"00-{ID}-{SPAN}-01"
TRACE = Trace(int(ID, 16), int(SPAN, 16), True)


def test_a_traceparent_is_read_and_believed_only_where_that_is_said() -> None:
    assert parse_traceparent(GOOD) == TRACE
    assert parse_traceparent(f"00-{ID}-{SPAN}-00") == Trace(TRACE.trace_id, TRACE.span_id, False)
    assert not TRACE.is_trusted
    assert TRACE.trusted(True).is_trusted
    assert TRACE.trusted(False) is TRACE


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD.upper(),
        GOOD + "-more",
        GOOD.replace("00-", "ff-", 1),
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{ID}-{'0' * 16}-01",
        GOOD + "\n",
        f"00-{ID}-{SPAN}",
        "x" * 10_000,
    ],
)
def test_what_is_none_says_nothing(text: str) -> None:
    assert parse_traceparent(text) is None


def test_a_later_version_may_say_more() -> None:
    assert parse_traceparent(f"01-{ID}-{SPAN}-01-whatever") == TRACE


def test_metadata_has_one_or_none() -> None:
    assert trace_in_metadata([("a", "b"), ("Traceparent", GOOD)]) == TRACE
    assert trace_in_metadata([("traceparent", GOOD), ("traceparent", GOOD)]) is None
    assert trace_in_metadata([("traceparent", GOOD.encode())]) is None


def test_a_statement_says_it_in_the_comment_at_its_end() -> None:
    said = f"SELECT 1 /*action='a',traceparent='{GOOD}'*/"
    assert trace_in_command("postgres", said.encode()) == TRACE
    assert trace_in_command("postgres", f"{said} ;\n".encode()) == TRACE
    for other in (
        f"SELECT '{GOOD}'",
        f"SELECT 1 /*traceparent='{GOOD}'*/ FROM t",
        f"SELECT 1 /*traceparent='{GOOD}',traceparent='{GOOD}'*/",
        f"SELECT 1 -- traceparent='{GOOD}'",
        "SELECT 1",
    ):
        assert trace_in_command("postgres", other.encode()) is None, other


def test_a_request_says_it_in_a_header_and_not_in_its_body() -> None:
    head = f"GET /things HTTP/1.1\r\nhost: a\r\ntraceparent: {GOOD}\r\n\r\n"
    assert trace_in_command("http", head.encode()) == TRACE
    assert trace_in_command("http", f"GET / HTTP/1.1\r\nhost: a\r\n\r\n\r\ntraceparent: {GOOD}\r\n".encode()) is None
    twice = head.replace("host: a", f"traceparent: {GOOD}\r\nhost: a")
    assert trace_in_command("http", twice.encode()) is None


def test_a_client_says_it_in_its_name() -> None:
    assert trace_in_name(f"app;traceparent={GOOD}") == TRACE
    assert trace_in_name(GOOD) == TRACE
    assert trace_in_name("psql") is None
    assert trace_in_name(None) is None
    assert trace_in_name(f"x{GOOD}") is None
