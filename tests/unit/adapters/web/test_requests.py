"""Heads of requests as they come, and requests as they go on."""

from __future__ import annotations

import pytest

from adapters.web.requests import Forward, HeadReader, is_call
from engine.command.documents.refusal import Refused
from engine.command.http.wire import MAX_HEAD, read_request

HEAD = b"GET /a HTTP/1.1\r\nHost: a\r\nX-B: c\r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_head_is_read_wherever_pieces_end(size: int) -> None:
    reader = HeadReader()
    wire = HEAD + b"rest"
    found = None
    for at in range(0, len(wire), size):
        reader.feed(wire[at : at + size])
        found = found or reader.take()
    assert found is not None
    assert found.headers == (("host", "a"), ("x-b", "c"))
    assert reader.take_rest() == b"rest"
    assert len(reader) == 0


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"GET / HTTP/1.1\nHost: a\n\n", "bare_line_feed"),
        (b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", "bare_line_feed"),
        (b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "request_line"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "folded_header"),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "header_line"),
        (b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", "header_line"),
        (b"GET  / HTTP/1.1\r\n\r\n", "request_line"),
        (b"GET / HTTP/2.0\r\n\r\n", "request_line"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "request_line"),
        (b"x" * MAX_HEAD, "head_too_long"),
    ],
)
def test_what_is_no_head_in_one_way_only_is_refused(data: bytes, code: str) -> None:
    reader = HeadReader()
    reader.feed(data)
    with pytest.raises(Refused) as caught:
        reader.take()
    assert caught.value.code == code
    assert reader.shown(5) == data[:5]


def test_what_goes_on_is_what_a_reader_finds() -> None:
    made = Forward("POST", "/a?b=c", "host:1", (("x-b", "ü"),)).head([("content-length", "2")])
    found = read_request(made + b"{}")
    assert found.headers == (("host", "host:1"), ("x-b", "ü"), ("content-length", "2"))
    assert (found.method, found.target, found.body) == ("POST", "/a?b=c", b"{}")


def test_the_host_of_a_request_is_judged_and_not_sent() -> None:
    request = Forward("GET", "/a?b", "example.org", (("x", "y"),), "https://example.org")
    assert (
        request.head([], is_judged=True) == b"GET https://example.org/a?b HTTP/1.1\r\nhost: example.org\r\nx: y\r\n\r\n"
    )
    assert request.head([]) == b"GET /a?b HTTP/1.1\r\nhost: example.org\r\nx: y\r\n\r\n"


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("application/grpc", True),
        ("application/grpc+proto", True),
        ("Application/gRPC; a=b", True),
        ("application/grpc-web", False),
        ("application/grpcx", False),
        ("text/plain; application/grpc", False),
    ],
)
def test_a_call_of_grpc_says_so_in_its_type(value: str, is_one: bool) -> None:
    assert is_call((("accept", "application/grpc"), ("content-type", value))) is is_one
