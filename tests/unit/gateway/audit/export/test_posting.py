"""A POST that succeeds gives its answer; everything else says what failed, and never the token or what was sent."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from gateway.audit.export.events import SinkFailed
from gateway.audit.export.posting import MAX_WAIT, Poster, seconds_of
from tests.certificates import Authority
from tests.receivers import http_receiver


def test_an_answer_comes_back_and_headers_go_along() -> None:
    with http_receiver(lambda body: (200, b"got " + body)) as posted:
        poster = Poster(posted.url, {"Authorization": "Bearer abc"}, None)
        assert poster.post(b"1") == b"got 1"
        assert poster.post(b"2") == b"got 2"
        poster.close()
    assert posted.bodies == [b"1", b"2"]
    assert posted.headers[0]["Authorization"] == "Bearer abc"


@pytest.mark.parametrize(
    ("status", "is_final"),
    [(400, True), (413, True), (422, True), (401, False), (404, False), (429, False), (500, False), (302, False)],
)
def test_a_refusal_of_what_was_sent_is_final_and_nothing_else(status: int, is_final: bool) -> None:
    with http_receiver(lambda body: (status, body)) as posted:
        poster = Poster(posted.url, {"Authorization": "Bearer abc"}, None)
        with pytest.raises(SinkFailed, match=f"status {status}") as caught:
            poster.post(b"what was sent")
        poster.close()
    assert caught.value.is_final is is_final
    assert "abc" not in str(caught.value)
    assert "what was sent" not in str(caught.value)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        (None, 0.0),
        ("", 0.0),
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("-7", 0.0),
        ("7.5", 0.0),
        ("soon", 0.0),
        ("9" * 400, MAX_WAIT),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 20.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_WAIT),
    ],
)
def test_what_a_receiver_says_of_when_to_come_again(told: str | None, seconds: float) -> None:
    assert seconds_of(told, 100.0) == seconds


def test_a_failure_carries_how_long_the_receiver_wants_to_be_left_alone() -> None:
    with http_receiver(lambda body: (429, body), headers={"Retry-After": "30"}) as posted:
        poster = Poster(posted.url, {}, None)
        with pytest.raises(SinkFailed) as caught:
            poster.post(b"1")
        poster.close()
    assert (caught.value.wait, caught.value.is_final) == (30.0, False)


def test_a_receiver_that_is_away_may_come_back() -> None:
    with http_receiver() as posted:
        pass
    poster = Poster(posted.url, {}, None)
    with pytest.raises(SinkFailed, match="refused") as caught:
        poster.post(b"1")
    assert not caught.value.is_final


def test_a_name_in_a_url_is_shown_without_its_user() -> None:
    assert Poster("https://me:secret@host/in?key=1", {}, None).name == "https://host/in"


def test_a_server_nobody_vouches_for_is_not_sent_anything(tmp_path: Path) -> None:
    authority = Authority()
    issued = authority.issue("localhost", "dns:localhost")
    (tmp_path / "server.pem").write_bytes(issued.certificate + issued.key)
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    (tmp_path / "other.pem").write_bytes(Authority().pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    with http_receiver(tls=context) as posted:
        trusting = Poster(posted.url, {}, tmp_path / "ca.pem")
        trusting.post(b"1")
        trusting.close()
        with pytest.raises(SinkFailed):
            Poster(posted.url, {}, tmp_path / "other.pem").post(b"2")
    assert posted.bodies == [b"1"]
