"""Fields of HTTP/2 and words of HTTP/1.1, on the way to targets and back: what is not plain becomes neither."""

from __future__ import annotations

import pytest
from hpack import NeverIndexedHeaderTuple

from adapters.errors import PeerProtocolError
from adapters.web.http2.answers import read_answer, request_fields, trailer_lines
from engine.command.http.wire import read_head

OK = (b":status", b"200")


def test_a_request_is_said_without_what_is_for_connections() -> None:
    head = read_head(
        b"POST /a?b HTTP/1.1\r\nhost: shop:8\r\ncontent-length: 5\r\nconnection: close\r\nte: x\r\n"
        b"transfer-encoding: chunked\r\nauthorization: Bearer x\r\nx-y: \xe4"
    )
    made = request_fields(head, b"https")
    assert [tuple(one) for one in made] == [
        *((b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"shop:8"), (b":path", b"/a?b")),
        *((b"content-length", b"5"), (b"authorization", b"Bearer x"), (b"x-y", b"\xe4"), (b"te", b"trailers")),
    ]
    kept_by_nobody = [bytes(one[0]) for one in made if isinstance(one, NeverIndexedHeaderTuple)]
    assert kept_by_nobody == [b"authorization"]


def test_an_answer_is_said_with_one_framing_and_serves_nobody_else() -> None:
    made = read_answer([OK, (b"content-length", b"5"), (b"x", b"y"), (b"x", b"")])
    assert (made.status, made.length, made.is_interim) == (200, 5, False)
    assert made.words(b"content-length: 5") == (
        b"HTTP/1.1 200 OK\r\nx: y\r\nx: \r\nconnection: close\r\ncontent-length: 5\r\n\r\n"
    )
    assert read_answer([(b":status", b"599")]).words(b"") == b"HTTP/1.1 599 \r\nconnection: close\r\n\r\n"
    assert [made.has_body(method) for method in ("GET", "HEAD")] == [True, False]
    assert not read_answer([(b":status", b"304")]).has_body("GET")
    assert read_answer([(b":status", b"103")]).is_interim


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [(b"x", b"y")],
        [(b"x", b"y"), OK],
        [OK, OK],
        [(b":status", b"20")],
        [(b":status", b"2000")],
        [(b":status", b"099")],
        [(b":status", b"101")],
        [OK, (b":path", b"/")],
        [OK, (b"X", b"y")],
        [OK, (b"", b"y")],
        [OK, (b"x y", b"y")],
        [OK, (b"x:y", b"y")],
        [OK, (b"x", b"y\r\nz: a")],
        [OK, (b"x", b"y\n")],
        [OK, (b"x", b"y\0")],
        [OK, (b"x", b" y")],
        [OK, (b"x", b"y\t")],
        [OK, (b"connection", b"x")],
        [OK, (b"transfer-encoding", b"chunked")],
        [OK, (b"keep-alive", b"5")],
        [OK, (b"proxy-connection", b"x")],
        [OK, (b"upgrade", b"h2c")],
        [OK, (b"content-length", b"+5")],
        [OK, (b"content-length", b"05")],
        [OK, (b"content-length", b"5"), (b"content-length", b"5")],
        [OK, *[(b"x", b"y")] * 201],
    ],
)
def test_what_is_not_plain_is_no_answer(fields: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(PeerProtocolError):
        read_answer(fields)


def test_fields_behind_a_body_are_as_plain() -> None:
    assert trailer_lines([(b"grpc-status", b"0"), (b"x", b"")]) == b"grpc-status: 0\r\nx: \r\n"
    for field in ((b":status", b"200"), (b"x", b"y\r\n"), (b"X", b"y"), (b"connection", b"x")):
        with pytest.raises(PeerProtocolError):
            trailer_lines([field])
