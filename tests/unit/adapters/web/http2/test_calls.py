"""One request to a target and its answer: both ways in the words of HTTP/1.1."""

from __future__ import annotations

import pytest

from adapters.errors import PeerProtocolError
from adapters.web.http2.calls import Call

OK = (b":status", b"200")
GET = b"GET /a HTTP/1.1\r\nhost: shop\r\n\r\n"


def asked(words: bytes = GET) -> Call:
    call = Call(is_tls=False)
    for at in range(0, len(words), 7):
        call.say(words[at : at + 7])
    return call


def test_a_request_is_its_fields_and_its_body() -> None:
    call = asked()
    assert call.is_said
    assert call.fields is not None
    assert (b":scheme", b"http") in [tuple(one) for one in call.fields]
    sized = asked(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhel")
    assert (bytes(sized.queue), sized.is_said) == (b"hel", False)
    sized.say(b"lo")
    assert (bytes(sized.queue), sized.is_said) == (b"hello", True)
    chunked = asked(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")
    assert (bytes(chunked.queue), chunked.is_said) == (b"hello", False)
    chunked.say(b"0\r\n\r\n")
    assert chunked.is_said


@pytest.mark.parametrize("words", [b"no request\r\n\r\n", GET + b"more"])
def test_a_mistake_of_ours_is_no_request(words: bytes) -> None:
    with pytest.raises(PeerProtocolError):
        asked(words)


def test_an_answer_of_a_said_length_is_whole_at_the_end_of_its_stream_alone() -> None:
    call = asked()
    assert call.head([OK, (b"content-length", b"5")], is_ended=False).endswith(b"content-length: 5\r\n\r\n")
    assert call.data(b"hel") == b"hel"
    assert call.data(b"lo") == b"", "more may come, and then it is no answer"
    assert not call.is_ended
    assert call.end() == b"lo"
    assert call.is_ended
    for data in (b"hell", b"hello!"):
        call = asked()
        call.head([OK, (b"content-length", b"5")], is_ended=False)
        with pytest.raises(PeerProtocolError):
            _ = (call.data(data), call.end())
    with pytest.raises(PeerProtocolError):
        asked().head([OK, (b"content-length", b"5")], is_ended=True)


def test_an_answer_of_no_said_length_goes_in_chunks_with_what_stands_behind() -> None:
    call = asked()
    assert call.head([OK], is_ended=False).endswith(b"transfer-encoding: chunked\r\n\r\n")
    assert call.is_heard
    assert call.data(b"hello") == b"5\r\nhello\r\n"
    assert call.data(b"") == b""
    assert call.end([(b"grpc-status", b"0")]) == b"0\r\ngrpc-status: 0\r\n\r\n"
    empty = asked()
    assert empty.head([OK], is_ended=True).endswith(b"content-length: 0\r\n\r\n")
    assert empty.is_ended


@pytest.mark.parametrize(
    ("method", "status", "more"),
    [(b"HEAD", b"200", [(b"content-length", b"5")]), (b"GET", b"304", [(b"content-length", b"5")]), (b"GET", b"204", [])],
)  # fmt: skip
def test_an_answer_without_a_body_is_whole_at_the_end_of_its_stream_alone(
    method: bytes, status: bytes, more: list[tuple[bytes, bytes]]
) -> None:
    words = GET.replace(b"GET", method)
    at_once = asked(words).head([(b":status", status), *more], is_ended=True)
    call = asked(words)
    assert call.head([(b":status", status), *more], is_ended=False) == b""
    assert call.data(b"") == b""
    assert call.end() == at_once
    assert (b"content-length: 5" in at_once) is bool(more)
    call = asked(words)
    call.head([(b":status", status)], is_ended=False)
    with pytest.raises(PeerProtocolError):
        call.data(b"x")


def test_an_answer_that_is_empty_by_its_length_waits_for_its_end_too() -> None:
    call = asked()
    assert call.head([OK, (b"content-length", b"0")], is_ended=False) == b""
    assert call.end().endswith(b"content-length: 0\r\n\r\n")


def test_heads_before_the_answer_are_none() -> None:
    call = asked()
    assert call.head([(b":status", b"103"), (b"link", b"x")], is_ended=False).startswith(b"HTTP/1.1 103 ")
    assert not call.is_heard
    for said in (lambda: call.data(b"x"), call.end):
        with pytest.raises(PeerProtocolError):
            said()


def test_fields_behind_a_request_go_up_behind_its_body() -> None:
    call = asked(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX: y\r\nz:\r\n\r\n")
    assert (bytes(call.queue), call.is_said) == (b"ab", True)
    assert [tuple(one) for one in call.behind] == [(b"x", b"y"), (b"z", b"")]
