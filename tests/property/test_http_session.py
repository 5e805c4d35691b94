"""Whatever comes: only granted requests go up, as they were judged; where pieces end does not matter; garbage ends it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core.ports import Answer
from adapters.web.requests import HeadReader
from engine.command.http.wire import read_request
from tests.strategies.http_sessions import ALLOW, DENY, HOLD, House, request

JSON = "content-type: application/json"
PIECES = st.sampled_from(
    [
        request("GET /ok"),
        request("GET /no"),
        request("GET /hold", "prefer: respond-async"),
        request("POST /ok", JSON, body=b'{"a": 1}'),
        request("POST /ok", JSON, "transfer-encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n",
        request("POST /no", JSON, body=b"GET /ok HTTP/1.1\r\nhost: a\r\n\r\n"),
        request("POST /ok", body=request("GET /no")),
        request("GET /ok", token="bob"),
        request("GET /ok", token="eve"),
        request("POST /ok", "content-length: 4", "transfer-encoding: chunked") + b"0\r\n\r\n",
        request("GET /ok/../no"),
        request("GET /ok", "content-length: 9"),
        b"\r\n",
        b"\n",
        b"0\r\n\r\n",
        b"\x00\xff",
        b"GET /ok HTTP/1.1\r\n",
        b"host: a\r\n",
        b"transfer-encoding : chunked\r\n",
        request("HEAD /ok"),
        request("GET /ok", "connection: close"),
    ]
)
STREAMS = st.lists(PIECES | st.binary(max_size=20), max_size=8).map(b"".join)


def judge(text: bytes) -> Answer:
    line = text.split(b"\r\n")[0]
    return ALLOW if b" /ok" in line else HOLD if b" /hold" in line else DENY


def played(stream: bytes, size: int) -> House:
    return House(judge=judge).client(stream, size)


@settings(max_examples=400)
@given(STREAMS, st.integers(1, 50))
def test_only_what_was_granted_goes_up_and_as_it_was_judged(stream: bytes, size: int) -> None:
    house = played(stream, size)
    granted = [text for text in house.asked if judge(text) is ALLOW]
    assert len(house.up) <= len(granted)
    for sent, judged in zip(house.up, granted, strict=False):
        own = [
            line
            for line in sent.split(b"\r\n")
            if not line.startswith((b"authorization: Bearer target-", b"connection: close", b"connection: keep-alive"))
        ]
        assert b"\r\n".join(own) == judged
        assert read_request(sent).target.startswith("/ok")
        reader = HeadReader()
        reader.feed(sent)
        assert reader.take() is not None
        assert reader.take_rest() == read_request(sent).body, "one request, and nothing behind it"


@settings(max_examples=200)
@given(STREAMS, st.integers(1, 50))
def test_where_pieces_end_does_not_matter(stream: bytes, size: int) -> None:
    whole, pieces = played(stream, len(stream) or 1), played(stream, size)
    assert whole.up == pieces.up
    assert whole.statuses == pieces.statuses
    assert (whole.closed is None) == (pieces.closed is None)


@settings(max_examples=300)
@given(st.binary(max_size=300), st.integers(1, 300))
def test_garbage_is_answered_or_waited_for_and_never_goes_up(data: bytes, size: int) -> None:
    house = played(data, size)
    assert house.up == []
    assert house.asked == []
    assert all(status >= 400 for status in house.statuses)


@settings(max_examples=300)
@given(st.binary(max_size=200) | st.just(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"), st.integers(1, 50))
def test_a_targets_garbage_ends_in_one_answer_at_most(data: bytes, size: int) -> None:
    house = House(judge=judge, answers=False).client(request("GET /ok"))
    for at in range(0, len(data), size):
        if house.is_open:
            house.upstream(data[at : at + size])
    assert len(house.statuses) <= 1
    assert len(house.records) <= 1
