"""A request on the wire, strictly."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.command.documents.refusal import Refused
from engine.command.http.wire import MAX_HEADERS, read_request

HEAD = b"POST /a HTTP/1.1\r\nHost: x\r\n"


def test_a_request_is_read_as_it_stands() -> None:
    request = read_request(
        b"POST /a?b HTTP/1.0\r\nHost:x\r\nX-A: \t b\xe9 c\t \r\nX-B:\r\nContent-Length: 3\r\n\r\nabc"
    )
    assert (request.method, request.target, request.version, request.body) == ("POST", "/a?b", "1.0", b"abc")
    assert request.headers == (("host", "x"), ("x-a", "b\xe9 c"), ("x-b", ""), ("content-length", "3"))
    assert request.values("x-a") == ["b\xe9 c"]
    assert request.value("nothing") is None


def test_chunks_are_joined_and_trailers_read() -> None:
    body = b'5\r\nhello\r\n6;a=b;c="d e"\r\n world\r\n0\r\nVary: *\r\n\r\n'
    found = read_request(HEAD + b"Transfer-Encoding: Chunked\r\n\r\n" + body)
    assert (found.body, found.trailers) == (b"hello world", (("vary", "*"),))


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "incomplete_head"),
        (b"GET / HTTP/1.1\r\n", "incomplete_head"),
        (b"GET / HTTP/1.1\n\n", "incomplete_head"),
        (b"GET /\r\n\r\n", "request_line"),
        (b"\r\nGET / HTTP/1.1\r\n\r\n", "request_line"),
        (b"GET  / HTTP/1.1\r\n\r\n", "request_line"),
        (b"GET /a b HTTP/1.1\r\n\r\n", "request_line"),
        (b"GET / HTTP/2.0\r\n\r\n", "request_line"),
        (b"GET / http/1.1\r\n\r\n", "request_line"),
        (b"G(T / HTTP/1.1\r\n\r\n", "request_line"),
        (b"GET /\xc3\xa9 HTTP/1.1\r\n\r\n", "request_line"),
        (b"GET /\x00 HTTP/1.1\r\n\r\n", "request_line"),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n", "request_line"),
        (b"GET / HTTP/1.1\r\nA : b\r\n\r\n", "header_line"),
        (b"GET / HTTP/1.1\r\n: b\r\n\r\n", "header_line"),
        (b"GET / HTTP/1.1\r\nA\r\n\r\n", "header_line"),
        (b"GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n", "header_line"),
        (b"GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", "header_line"),
        (b"GET / HTTP/1.1\r\nA: \x00\r\n\r\n", "header_line"),
        (b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", "folded_header"),
        (b"GET / HTTP/1.1\r\n A: b\r\n\r\n", "folded_header"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * (MAX_HEADERS + 1) + b"\r\n", "too_many_headers"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", "repeated_header"),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na", "repeated_header"),
        (HEAD + b"Content-Length: 1, 1\r\n\r\na", "content_length"),
        (HEAD + b"Content-Length: +1\r\n\r\na", "content_length"),
        (HEAD + b"Content-Length: 01\r\n\r\na", "content_length"),
        (HEAD + b"Content-Length: 0x1\r\n\r\na", "content_length"),
        (HEAD + b"Content-Length:\r\n\r\n", "content_length"),
        (HEAD + b"Content-Length: 1000000000000000000000\r\n\r\n", "content_length"),
        (HEAD + b"Content-Length: 3\r\n\r\nab", "truncated_body"),
        (HEAD + b"Content-Length: 1\r\n\r\nab", "trailing_data"),
        (HEAD + b"\r\nab", "trailing_data"),
        (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "length_and_encoding"),
        (HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "transfer_encoding"),
        (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "transfer_encoding"),
        (HEAD + b"Transfer-Encoding: identity\r\n\r\n", "transfer_encoding"),
        (HEAD + b"X: chunked\r\n\r\n", "transfer_encoding"),
        (HEAD + b"Content-Encoding: chunked\r\n\r\n", "transfer_encoding"),
        (HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "repeated_header"),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "transfer_encoding"),
        (HEAD + b"Transfer_Encoding: chunked\r\n\r\n0\r\n\r\n", "lookalike_header"),
        (HEAD + b"Content_Length: 1\r\n\r\na", "lookalike_header"),
        (HEAD + b"Contentlength: 1\r\n\r\na", "lookalike_header"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", "chunk"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n", "chunk"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", "chunk"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\na\r\n0\r\n\r\n", "chunk"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;\r\na\r\n0\r\n\r\n", "chunk"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n", "chunk"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n", "trailing_data"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n", "header_line"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 3\r\n\r\n", "trailer"),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\na", "body_not_expected"),
        (HEAD + b"Upgrade: h2c\r\n\r\n", "upgrade_refused"),
        (HEAD + b"HTTP2-Settings: x\r\n\r\n", "upgrade_refused"),
        (HEAD + b"Expect: 200-ok\r\n\r\n", "expect"),
    ],
)  # fmt: skip
def test_what_readers_could_frame_differently_is_refused(raw: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        read_request(raw)
    assert refused.value.code == code


@given(st.binary(max_size=200), st.sampled_from([b"", HEAD, HEAD + b"Transfer-Encoding: chunked\r\n\r\n"]))
def test_bytes_end_in_a_request_or_a_refusal(tail: bytes, head: bytes) -> None:
    with suppress(Refused):
        assert read_request(head + tail).method
