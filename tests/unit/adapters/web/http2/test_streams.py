"""One request and its answer: both ways in the words of HTTP/1.1."""

from __future__ import annotations

import pytest

from adapters.errors import PeerProtocolError
from adapters.web.http2.heads import read_opening
from adapters.web.http2.streams import Stream, whole_answer
from adapters.web.requests import CONTINUE
from engine.command.documents.refusal import Refused


def stream(method: bytes = b"POST", *more: tuple[bytes, bytes], ended: bool = False) -> Stream:
    fields = [(b":method", method), (b":scheme", b"https"), (b":path", b"/"), (b":authority", b"a"), *more]
    return Stream(read_opening(fields, scheme=b"https", is_ended=ended), fields)


def test_a_body_of_unknown_length_goes_in_chunks() -> None:
    one = stream()
    assert one.begin().endswith(b"transfer-encoding: chunked\r\n\r\n")
    assert one.data(b"hello") == b"5\r\nhello\r\n"
    assert one.data(b"") == b"", "an empty piece would end it"
    assert one.end() == b"0\r\n\r\n"
    assert one.is_ended


def test_a_body_of_a_said_length_has_that_length() -> None:
    one = stream(b"POST", (b"content-length", b"5"))
    assert one.begin().endswith(b"content-length: 5\r\n\r\n")
    one.check(3, is_last=False)
    assert one.data(b"hel") == b"hel"
    with pytest.raises(Refused):
        one.check(3, is_last=False)
    whole = stream(b"POST", (b"content-length", b"5"))
    whole.begin()
    whole.check(5, is_last=False)
    assert whole.data(b"hello") == b"", "more may come, and then it is refused"
    assert whole.end() == b"hello"
    empty = stream(b"POST", (b"content-length", b"0"))
    assert empty.begin() == b""
    assert empty.end().endswith(b"content-length: 0\r\n\r\n")
    short = stream(b"POST", (b"content-length", b"5"))
    with pytest.raises(Refused) as caught:
        short.check(4, is_last=True)
    assert caught.value.code == "content_length"


def test_a_request_that_usually_has_no_body_waits_for_what_comes_next() -> None:
    one = stream(b"GET")
    assert one.begin() == b""
    assert one.end().endswith(b"\r\nhost: a\r\n\r\n")
    with pytest.raises(Refused) as caught:
        stream(b"GET").check(1, is_last=False)
    assert caught.value.code == "body_not_expected"
    deleting = stream(b"DELETE")
    assert deleting.begin() == b""
    deleting.check(2, is_last=True)
    assert deleting.data(b"{}").endswith(b"chunked\r\n\r\n2\r\n{}\r\n")


def test_an_answer_becomes_fields_and_data() -> None:
    one = stream()
    one.answer(CONTINUE + b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab")
    assert one.heads == [[(b":status", b"100")], [(b":status", b"200")]]
    assert (bytes(one.queue), one.is_said) == (b"ab", False)
    one.answer(b"c\r\n"[1:] + b"0\r\n\r\n")
    assert one.is_said
    with pytest.raises(PeerProtocolError):
        one.answer(b"HTTP/1.1 200 OK\r\n\r\n")


def test_an_answer_that_is_cut_is_not_whole() -> None:
    one = stream()
    one.answer(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab")
    one.finish(at_once=False)
    assert one.is_cut
    assert bytes(one.queue) == b"ab", "what was said still goes out"
    one.finish(at_once=True)
    assert (one.queue, one.heads) == (b"", [])


def test_an_answer_of_ours_is_taken_apart() -> None:
    assert whole_answer(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno") == (
        [(b":status", b"400"), (b"content-length", b"2")],
        b"no",
    )


def test_what_stands_behind_an_answers_body_is_kept_for_the_end() -> None:
    one = stream(b"GET", ended=True)
    one.begin()
    one.answer(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nGrpc-Status: 0\r\n\r\n")
    assert (one.is_said, bytes(one.queue), list(one.trailers)) == (True, b"ok", [(b"grpc-status", b"0")])


def tunnel() -> Stream:
    fields = [
        (b":method", b"CONNECT"),
        (b":protocol", b"websocket"),
        (b":scheme", b"https"),
        (b":path", b"/"),
        (b":authority", b"a"),
    ]
    return Stream(read_opening(fields, scheme=b"https", is_ended=False), fields)


SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nsec-websocket-accept: a\r\nx: y\r\n\r\n"


@pytest.mark.parametrize("size", [1, 1000])
def test_a_websocket_is_bytes_both_ways_once_it_is_switched(size: int) -> None:
    one = tunnel()
    assert one.is_tunnel
    assert one.begin().endswith(b"\r\n\r\n")
    one.check(5, is_last=False)
    assert (one.data(b"\x81\x80abc"), one.is_ended) == (b"\x81\x80abc", False)
    said = SWITCH + b"HTTP/1.1 200 is a message"
    for at in range(0, len(said), size):
        one.answer(said[at : at + size])
    assert one.heads == [[(b":status", b"200"), (b"x", b"y")]]
    assert bytes(one.queue) == b"HTTP/1.1 200 is a message"
    assert (one.end(), one.is_ended, one.is_said) == (b"", True, False)
    one.finish(at_once=False)
    assert (one.is_said, one.is_cut) == (True, False), "its end is an end, not a break"
    with pytest.raises(Refused):
        one.end_with([(b"x", b"y")])


def test_a_websocket_that_breaks_off_is_cut() -> None:
    one = tunnel()
    one.answer(SWITCH + b"ab")
    one.finish(at_once=True)
    assert (one.is_said, one.is_cut, bytes(one.queue)) == (False, True, b"")


@pytest.mark.parametrize(("said", "shown"), [(b"403", b"403"), (b"200", b"502"), (b"204", b"502"), (b"302", b"302")])
def test_where_no_websocket_comes_about_nothing_says_that_one_did(said: bytes, shown: bytes) -> None:
    one = tunnel()
    one.answer(b"HTTP/1.1 " + said + b" X\r\n" + (b"" if said == b"204" else b"content-length: 2\r\n"))
    assert one.heads == []
    one.answer(b"\r\n" + (b"" if said == b"204" else b"ok"))
    assert one.heads[0][0] == (b":status", shown)
    assert one.is_said


def test_a_head_of_a_switch_that_has_no_end_is_no_answer() -> None:
    one = tunnel()
    with pytest.raises(PeerProtocolError):
        one.answer(SWITCH[:-2] + b"x: y\r\n" * 20_000)
