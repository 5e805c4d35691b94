"""What is a request, and what is refused before anything is made of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.web.bodies import MAX_LINE, MAX_TRAILERS, Chunked
from adapters.web.http2.heads import Opening, answer_fields, lines_behind, read_opening, shown_fields, switched_fields
from adapters.web.responses import AnswerHead, read_answer_head
from adapters.web.websocket import handshake
from engine.command.documents.refusal import Refused
from engine.command.http.wire import body_length, read_head

GET = {b":method": b"GET", b":scheme": b"https", b":authority": b"shop", b":path": b"/a?b"}


def opened(*more: tuple[bytes, bytes], ended: bool = True, **pseudo: bytes) -> Opening:
    fields = GET | {b":" + name.encode(): value for name, value in pseudo.items()}
    return read_opening([*((k, v) for k, v in fields.items() if v != b"-"), *more], scheme=b"https", is_ended=ended)


def refused(*more: tuple[bytes, bytes], ended: bool = True, **pseudo: bytes) -> str:
    with pytest.raises(Refused) as caught:
        opened(*more, ended=ended, **pseudo)
    return caught.value.code


def test_a_request_is_written_as_http_1_has_it() -> None:
    made = opened((b"accept", b"*/*"), (b"cookie", b"a=1"), (b"cookie", b"b=2"))
    assert made.head(has_body=False) == b"GET /a?b HTTP/1.1\r\nhost: shop\r\ncookie: a=1; b=2\r\naccept: */*\r\n\r\n"


def test_the_length_of_a_body_is_the_one_that_was_said() -> None:
    sized = opened((b"content-length", b"5"), ended=False, method=b"POST")
    assert b"content-length: 5\r\n\r\n" in sized.head(has_body=True)
    assert b"transfer-encoding: chunked\r\n\r\n" in opened(ended=False, method=b"POST").head(has_body=True)
    assert not opened(ended=False, method=b"POST").may_be_bodiless
    assert opened(ended=False).may_be_bodiless
    assert refused((b"content-length", b"5")) == "content_length"
    for value in (b"+5", b"05", b"5, 5", b"-1", b"0x5", b"", b"9" * 19):
        assert refused((b"content-length", value), ended=False, method=b"POST") == "content_length", value
    assert refused((b"content-length", b"5"), (b"content-length", b"5"), ended=False) == "repeated_header"


@pytest.mark.parametrize(
    ("code", "pseudo"),
    [
        ("request_line", {"method": b"-"}),
        ("request_line", {"method": b"GET /admin HTTP/1.1\tx"}),
        ("request_line", {"method": b"G ET"}),
        ("method_refused", {"method": b"CONNECT"}),
        ("scheme", {"scheme": b"http"}),
        ("scheme", {"scheme": b"-"}),
        ("scheme", {"scheme": b"https://shop/x?"}),
        ("request_target", {"path": b"-"}),
        ("request_target", {"path": b"a"}),
        ("request_target", {"path": b"/a b"}),
        ("request_target", {"path": b"/a#b"}),
        ("request_target", {"path": b"/a\x80"}),
        ("request_target", {"path": b"http://shop/a"}),
        ("request_target", {"path": b"/" + b"a" * 16 * 1024}),
        ("no_host", {"authority": b"-"}),
        ("host", {"authority": b""}),
        ("host", {"authority": b"ana@shop"}),
        ("host", {"authority": b"shop/x"}),
        ("host", {"authority": b"shop?"}),
    ],
)
def test_pseudo_headers_that_could_be_two_things_are_refused(code: str, pseudo: dict[str, bytes]) -> None:
    assert refused(**pseudo) == code


@pytest.mark.parametrize(
    ("code", "name", "value"),
    [
        ("header_line", b"x", b"a\r\nb: c"),
        ("header_line", b"x", b"a\nb"),
        ("header_line", b"x", b"a\rb"),
        ("header_line", b"x", b"a\0b"),
        ("header_line", b"x", b" a"),
        ("header_line", b"x", b"a\t"),
        ("header_line", b"x", b"a\x7f"),
        ("header_line", b"X", b"a"),
        ("header_line", b"", b"a"),
        ("header_line", b"x y", b"a"),
        ("header_line", b"x:", b"a"),
        ("header_line", b"x\r\ny", b"a"),
        ("header_line", b"x\0", b"a"),
        ("header_line", b"x\xc3\xa9", b"a"),
        ("connection_header", b"transfer-encoding", b"chunked"),
        ("connection_header", b"connection", b"close"),
        ("connection_header", b"upgrade", b"websocket"),
        ("connection_header", b"keep-alive", b"x"),
        ("connection_header", b"proxy-connection", b"x"),
        ("host_differs", b"host", b"evil"),
        ("pseudo_header", b":path", b"/b"),
        ("pseudo_header", b":status", b"200"),
        ("pseudo_header", b":protocol", b"websocket"),
        ("pseudo_header", b":PATH", b"/b"),
        ("pseudo_header", b":", b""),
    ],
)
def test_fields_that_could_be_two_things_are_refused(code: str, name: bytes, value: bytes) -> None:
    assert refused((name, value)) == code


def test_pseudo_headers_stand_before_the_others() -> None:
    late = [(b":method", b"GET"), (b":scheme", b"https"), (b"a", b"b"), (b":path", b"/"), (b":authority", b"shop")]
    with pytest.raises(Refused) as caught:
        read_opening(late, scheme=b"https", is_ended=True)
    assert caught.value.code == "pseudo_header"


def test_a_host_beside_the_authority_is_the_same() -> None:
    assert b"host: shop\r\n" in opened((b"host", b"SHOP")).lines
    assert b"host: shop\r\n" in opened((b"host", b"shop"), authority=b"-").lines
    assert refused((b"host", b"shop"), (b"host", b"shop")) == "host_differs"


def test_a_request_has_no_more_headers_than_one_of_http_1() -> None:
    assert refused(*[(b"x", b"y")] * 201) == "too_many_headers"
    opened(*[(b"cookie", b"y")] * 300)


BYTES = st.binary(max_size=12) | st.sampled_from([b"a\r\nx: y", b"/", b"/a", b"GET", b"chunked", b"0", b"5", b"shop"])
NAMES = BYTES | st.sampled_from([b"host", b"content-length", b"transfer-encoding", b"cookie", b"te", b":path", b"x"])


@given(st.lists(st.tuples(NAMES, BYTES), max_size=4), BYTES, BYTES, BYTES, st.booleans())
def test_what_is_made_is_read_as_one_head_with_these_fields_alone(
    more: list[tuple[bytes, bytes]], method: bytes, path: bytes, authority: bytes, ended: bool
) -> None:
    fields = [(b":method", method), (b":scheme", b"https"), (b":path", path), (b":authority", authority), *more]
    try:
        made = read_opening(fields, scheme=b"https", is_ended=ended)
    except Refused:
        return
    text = made.head(has_body=not ended)
    assert text.endswith(b"\r\n\r\n")
    assert text.count(b"\r\n\r\n") == 1
    try:
        head = read_head(text[:-4])
        length = body_length(head)
    except Refused:
        return
    assert (head.method.encode(), head.target.encode()) == (method, path)
    assert len(head.headers) <= len(more) + 2
    assert length == (0 if ended else made.length), "nobody takes a body for another one"


def test_an_answer_loses_what_is_for_a_connection() -> None:
    head = read_answer_head(b"HTTP/1.1 200 OK\r\nA: b\r\nConnection: close\r\nTransfer-Encoding: chunked", "GET")
    assert answer_fields(head) == [(b":status", b"200"), (b"a", b"b")]


def test_the_audit_sees_no_secrets_and_nothing_that_ends_a_line() -> None:
    shown = shown_fields([(b"x\n", b"a\r\0"), (b"authorization", b"Bearer t"), (b" Cookie", b"s")], 1000)
    assert shown == b"x\\n: a\\r\\x00\nauthorization: ***\n Cookie: ***"
    assert len(shown_fields([(b"x", b"y" * 500)], 100)) == 100


def test_fields_behind_a_body_are_lines_that_its_reader_reads() -> None:
    longest = (b"x", b"y" * (MAX_LINE - 5))
    lines = lines_behind([longest] * MAX_TRAILERS)
    body = Chunked(is_strict=True, reads_trailers=True)
    body.feed(b"0\r\n" + lines + b"\r\n")
    assert (body.is_done, len(body.trailers)) == (True, MAX_TRAILERS)
    for fields in ([longest] * (MAX_TRAILERS + 1), [(b"x", longest[1] + b"y")], [(b":path", b"/")], [(b"x", b"a\n")]):
        with pytest.raises(Refused):
            lines_behind(fields)


START = list(GET.items())
TUNNEL = [(b":method", b"CONNECT"), (b":protocol", b"websocket"), *START[1:]]


def test_a_websocket_on_a_stream_is_asked_for_as_in_http_1() -> None:
    found = read_opening([*TUNNEL, (b"sec-websocket-version", b"13")], scheme=b"https", is_ended=False)
    assert (found.is_tunnel, found.method, found.may_be_bodiless) == (True, "GET", False)
    head = read_head(found.head(has_body=True).removesuffix(b"\r\n\r\n"))
    handshake.check(head)
    assert handshake.is_asked(head)
    assert (head.method, head.values("transfer-encoding"), head.values("content-length")) == ("GET", [], [])


@pytest.mark.parametrize(
    ("fields", "ended", "code"),
    [
        ([(b":method", b"CONNECT"), *START[1:]], False, "method_refused"),
        ([*START, (b":protocol", b"websocket")], False, "pseudo_header"),
        ([(b":protocol", b"connect-udp"), TUNNEL[0], *START[1:]], False, "upgrade_refused"),
        (TUNNEL, True, "websocket_handshake"),
        ([*TUNNEL, (b"content-length", b"5")], False, "websocket_handshake"),
        ([*TUNNEL, (b"sec-websocket-key", b"c2FsbHlwb3J0LXN0cmVhbQ==")], False, "websocket_handshake"),
        ([*TUNNEL, (b"expect", b"100-continue")], False, "websocket_handshake"),
        ([*TUNNEL, (b"upgrade", b"websocket")], False, "connection_header"),
    ],
)
def test_what_else_wants_to_be_a_tunnel_is_refused(fields: list[tuple[bytes, bytes]], ended: bool, code: str) -> None:
    with pytest.raises(Refused) as caught:
        read_opening(fields, scheme=b"https", is_ended=ended)
    assert caught.value.code == code


def test_a_switch_is_said_as_streams_say_it() -> None:
    fields = ((b"upgrade", b"websocket"), (b"connection", b"Upgrade"), (b"sec-websocket-accept", b"x"), (b"a", b"b"))
    assert switched_fields(AnswerHead(101, b"", fields, None, False)) == [(b":status", b"200"), (b"a", b"b")]
