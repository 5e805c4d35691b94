"""Texts of requests without their credentials."""

from __future__ import annotations

import pytest

from engine.command.http.parse import parse_http
from engine.command.http.shown import hide_credentials


@pytest.mark.parametrize(
    "line",
    [
        "Authorization: Bearer {}",
        "authorization:{}",
        "AUTHORIZATION : Basic {}",
        "Proxy-Authorization: {}",
        "Cookie: sid={}",
        "Set-Cookie: sid={}",
        "X-Api-Key: {}",
        "x_api_key: {}",
        "X-Auth-Token: {}",
        "PRIVATE-TOKEN: {}",
        "X-Amz-Security-Token: {}",
        "Ocp-Apim-Subscription-Key: {}",
        "X-Client-Cert: {}",
        " Authorization: {}",
        "Authorization: Bearer\r\n {}",
    ],
)
def test_a_header_with_a_credential_loses_its_value_and_stays(line: str) -> None:
    for end in ("\r\n", "\n", "\r"):
        text = end.join(("GET / HTTP/1.1", "Host: a", line.format("hunter2hunter2"), "X-Plain: b", "", "body"))
        shown = hide_credentials(text)
        assert "hunter2" not in shown
        assert "***" in shown
        assert "X-Plain: b" in shown
        assert line.partition(":")[0].strip().lower() in shown.lower()


@pytest.mark.parametrize(
    "target", ["/?access_token={}", "/a?b=1&Token={}&c=2", "/?%74oken={}", "http://ana:{}@host/", "/x?a=1;password={}"]
)
def test_tokens_in_the_target_are_hidden(target: str) -> None:
    shown = hide_credentials(f"GET {target.format('hunter2hunter2')} HTTP/1.1\r\nHost: a\r\n\r\n")
    assert "hunter2" not in shown
    assert "***" in shown


def test_what_is_no_credential_stays() -> None:
    text = (
        'POST /a?b=c HTTP/1.1\r\nHost: a\r\nAccept: x\r\nContent-Type: application/json\r\n\r\n{"authorization": "x"}'
    )
    assert hide_credentials(text) == text
    assert hide_credentials("") == ""
    assert hide_credentials("Authorization: x") == "Authorization: ***"


def test_a_tree_shows_the_text_without_credentials_and_tells_that_the_header_was_there() -> None:
    for raw in (
        b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer hunter2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer hunter2\r\n  folded\r\n\r\n",
    ):
        command = parse_http(raw).command
        assert "hunter2" not in command.text
        assert "uthorization: ***" in command.text
    assert "authorization" in parse_http(b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\n\r\n").command.http.headers  # type: ignore[union-attr]  # it is there


@pytest.mark.parametrize(
    "text", ["token" * 100_000, "token:" * 100_000, "\r" * 300_000, " a=b&" * 100_000, "x:\n " * 90_000]
)
def test_hostile_texts_take_no_longer_than_others(text: str) -> None:
    assert len(hide_credentials(text)) > 0


def test_a_token_among_subprotocols_is_not_shown() -> None:
    text = "GET /ws HTTP/1.1\r\nSec-WebSocket-Protocol: sallyport, sallyport.bearer.QUJD-_8=, chat\r\n\r\n"
    shown = hide_credentials(text)
    assert "QUJD" not in shown
    assert "sallyport.bearer.***, chat" in shown
