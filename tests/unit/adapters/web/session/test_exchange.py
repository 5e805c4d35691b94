"""What is known of one request."""

from __future__ import annotations

import pytest

from adapters.core.ports import Answer, Target
from adapters.errors import PeerProtocolError
from adapters.web.bodies import Chunked, Sized
from adapters.web.responses import AnswerReader
from adapters.web.session.exchange import MAX_SENT, Exchange
from adapters.web.session.settings import CALL_SECONDS
from engine.command.http.wire import read_head
from engine.decision import Decision, Verdict


def test_a_body_that_is_not_read_is_uploaded_until_it_ends() -> None:
    exchange = Exchange(read_head(b"HEAD / HTTP/1.1"), Sized(2), 2, 0.0)
    assert exchange.is_head
    assert not exchange.is_uploading
    exchange.is_unread = True
    assert exchange.is_uploading
    exchange.body.feed(b"ab")
    assert not exchange.is_uploading


def exchange(line: str = "GET /", length: int | None = 0) -> Exchange:
    return Exchange(read_head(f"{line} HTTP/1.1".encode()), Sized(length or 0), length, 0.0)


def test_only_what_reads_and_has_no_body_shares_a_connection() -> None:
    for made, is_shared in (
        (exchange(), True),
        (exchange("HEAD /"), True),
        (exchange("POST /"), False),
        (exchange("GET /", 3), False),
        (exchange("GET /", None), False),
        (Exchange(read_head(b"GET / HTTP/1.1\r\nupgrade: x"), Sized(0), 0, 0.0), False),
    ):
        made.share("shop", "ana", Target("h", 1, ""))
        assert made.kept_for == (("shop", "ana") if is_shared else None)
        assert made.shared_for is None
        made.share("shop", None, Target("h", 1, "", http2="auto"))
        assert made.kept_for is None
        assert made.shared_for is None
        made.share("shop", "ana", Target("h", 1, "", http2="auto"))
        assert (made.shared_for is None) is bool(made.head.values("upgrade"))


def test_it_may_be_sent_again_until_the_target_says_a_byte() -> None:
    made = exchange()
    assert not made.may_be_sent_again(is_unserved=False)
    made.is_reused, made.reader = True, AnswerReader("GET")
    assert made.may_be_sent_again(is_unserved=False)
    made.reader.feed(b"H")
    assert not made.may_be_sent_again(is_unserved=True)
    made.send_again()
    assert (made.is_reused, made.reader, made.lasts) == (False, None, 0.0)


def test_where_connections_are_shared_it_may_be_sent_again_only_if_the_target_did_nothing_and_not_often() -> None:
    made = exchange("POST /", 3)
    made.share("shop", "ana", Target("h", 1, "", http2="always"))
    made.reader = AnswerReader("POST")
    assert made.is_repeatable
    assert not made.may_be_sent_again(is_unserved=False), "it may have run"
    assert made.may_be_sent_again(is_unserved=True)
    made.is_unread = True
    assert not made.may_be_sent_again(is_unserved=True), "its body is gone"
    made.is_unread, made.sent = False, MAX_SENT
    assert not made.may_be_sent_again(is_unserved=True)


def test_what_became_of_it_says_how_often_it_went_up_again() -> None:
    made = exchange()
    made.answer = Answer(Decision(Verdict.ALLOW, None), "d-1")
    for sent, again in ((0, 0), (1, 0), (2, 1), (3, 2)):
        made.sent = sent
        (record,) = made.records(1.0, None)
        assert record.outcome.sent_again == again


def test_nothing_is_recorded_of_what_was_not_granted() -> None:
    made = exchange()
    assert made.records(1.0, None) == []
    made.answer = Answer(Decision(), "d-1")
    assert made.records(1.0, None) == []
    made.answer = Answer(Decision(Verdict.ALLOW, None), "d-1")
    (record,) = made.records(1.5, "404")
    assert (record.outcome.duration, record.outcome.error) == (1.5, "404")


def test_who_wants_to_come_in_is_known_by_what_they_call_themselves() -> None:
    named = Exchange(read_head(b"GET / HTTP/1.1\r\nuser-agent: " + b"x" * 200), Sized(0), 0, 0.0)
    admit = named.admission("ana", "shop", "http", None)
    assert (admit.user, admit.proven, admit.application) == ("ana", True, "x" * 128)
    admit = exchange().admission(None, "shop", "http", None)
    assert (admit.user, admit.proven, admit.application) == ("", False, None)


def test_a_reply_that_is_not_there_holds_nothing() -> None:
    assert not exchange().is_holding
    assert exchange().quiet() == b""


def test_a_body_is_long_as_soon_as_it_is_known_to_be() -> None:
    assert [exchange("PUT /", length).is_long(10) for length in (None, 10, 11)] == [False, False, True]
    made = exchange("PUT /", None)
    made.size = 11
    assert made.is_long(10)


def test_a_call_is_not_waited_for_as_long_as_other_bodies() -> None:
    assert exchange("PUT /").seconds_to_read(75.0) == 75.0
    head = read_head(b"POST /a HTTP/1.1\r\ncontent-type: application/grpc+proto")
    assert Exchange(head, Sized(1), None, 0.0).seconds_to_read(75.0) == CALL_SECONDS


def test_fields_behind_a_body_are_read_for_targets_of_http_2_alone() -> None:
    for http2, is_read in (("off", False), ("auto", False), ("always", True)):
        made = Exchange(read_head(b"POST / HTTP/1.1"), Chunked(is_strict=True), None, 0.0)
        made.expect_behind(Target("h", 1, "", http2=http2))
        assert made.behind() == ()
        if is_read:
            made.body.feed(b"0\r\nx: y\r\n\r\n")
            assert list(made.behind()) == [("x", "y")]
            continue
        with pytest.raises(PeerProtocolError):
            made.body.feed(b"0\r\nx: y\r\n\r\n")
    sized = exchange("POST /", 3)
    sized.expect_behind(Target("h", 1, "", http2="always"))
    assert sized.behind() == ()
