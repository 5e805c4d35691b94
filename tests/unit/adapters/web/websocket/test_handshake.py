"""A handshake that is one, and what of it goes on."""

from __future__ import annotations

import base64

import pytest

from adapters.web import facts
from adapters.web.requests import Forward
from adapters.web.responses import AnswerHead, read_answer_head
from adapters.web.websocket import handshake
from engine.command.documents.refusal import Refused
from engine.command.http.wire import WireRequest, read_head
from tests.strategies.web_sockets import HANDSHAKE, SWITCHED

TOKEN = "a+b/c=" + "d" * 20


def offered(token: str) -> str:
    return handshake.BEARER + base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")


def head(*lines: str, first: str = "GET /ws HTTP/1.1", without: str = "-") -> WireRequest:
    kept = [line for line in HANDSHAKE if not line.startswith(without)]
    return read_head("\r\n".join((first, "host: shop", *kept, *lines)).encode())


def answer(*lines: str, without: str = "-") -> AnswerHead:
    kept = [line for line in SWITCHED.decode().strip().split("\r\n") if not line.lower().startswith(without)]
    return read_answer_head("\r\n".join((*kept, *lines)).encode(), "GET")


def test_a_handshake_is_known_by_its_upgrade() -> None:
    assert handshake.is_asked(head())
    assert handshake.is_asked(read_head(b"GET / HTTP/1.1\r\nhost: a\r\nupgrade: WebSocket"))
    assert not handshake.is_asked(read_head(b"GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket, irc"))
    handshake.check(head("sec-websocket-protocol: chat, log.v1", "sec-websocket-extensions: permessage-deflate"))


@pytest.mark.parametrize(
    "wrong",
    [
        head(first="POST /ws HTTP/1.1"),
        head(first="GET /ws HTTP/1.0"),
        head(without="connection"),
        head(without="sec-websocket-version"),
        head("sec-websocket-version: 8", without="sec-websocket-version"),
        head(without="sec-websocket-key"),
        head("sec-websocket-key: abc", without="sec-websocket-key"),
        head("content-length: 3"),
        head("transfer-encoding: chunked"),
        head("expect: 100-continue"),
        head("sec-websocket-protocol: a b"),
        head("sec-websocket-protocol: a, a"),
        head("sec-websocket-protocol: a,,b"),
        head("sec-websocket-protocol: " + ", ".join(f"p{n}" for n in range(40))),
        head(f"sec-websocket-protocol: {handshake.BEARER}"),
        head(f"sec-websocket-protocol: {handshake.BEARER}***"),
        head(f"sec-websocket-protocol: {offered('x')}, {offered('y')}"),
    ],
)
def test_what_is_no_handshake_is_refused(wrong: WireRequest) -> None:
    with pytest.raises(Refused) as caught:
        handshake.check(wrong)
    assert caught.value.code == "websocket_handshake"


@pytest.mark.parametrize(
    ("origin", "authorization", "protocol", "is_taken"),
    [
        ("https://shop", "Basic YTpi", "", True),
        ("https://shop", "", "", True),
        ("https://evil", "Basic YTpi", "", False),
        ("https://evil", "", "", False),
        ("null", "Basic YTpi", "", False),
        ("https://shop:8443", "Basic YTpi", "", False),
        ("https://evil", "Bearer abc", "", True),
        ("https://evil", "", offered("abc"), True),
        ("https://evil", "Basic YTpi", offered("abc"), False),
        ("", "Basic YTpi", "", True),
    ],
)
def test_a_strange_page_does_not_ask_with_what_a_browser_sends_by_itself(
    origin: str, authorization: str, protocol: str, is_taken: bool
) -> None:
    lines = [("origin", origin), ("authorization", authorization), ("sec-websocket-protocol", protocol)]
    asked = head(*(f"{name}: {value}" for name, value in lines if value))
    if is_taken:
        handshake.check(asked)
        return
    with pytest.raises(Refused) as caught:
        handshake.check(asked)
    assert caught.value.code == "origin_differs"


def test_a_page_brings_its_token_among_the_subprotocols() -> None:
    asked = head(f"sec-websocket-protocol: {handshake.OURS}, {offered(TOKEN)}, chat")
    assert handshake.token_in(asked) == TOKEN
    assert facts.token_of(asked) == TOKEN
    assert TOKEN not in facts.shown_head(asked).decode()
    assert offered(TOKEN) not in facts.shown_head(asked).decode()
    assert handshake.token_in(head("sec-websocket-protocol: chat")) is None
    both = head(f"sec-websocket-protocol: {offered(TOKEN)}", "authorization: Bearer other")
    assert facts.token_of(both) == "other"


def test_what_goes_on_has_neither_key_nor_extensions_nor_token() -> None:
    asked = head(
        f"sec-websocket-protocol: {offered(TOKEN)}, chat, {handshake.OURS}", "sec-websocket-extensions: x", "x-own: y"
    )
    made = handshake.forward(Forward("GET", "/ws", "shop", (("x-own", "y"),)), asked)
    assert made.headers == (
        ("x-own", "y"),
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-protocol", "chat"),
    )
    assert handshake.forward(Forward("GET", "/ws", "shop", ()), head()).headers[-1] == ("sec-websocket-version", "13")


@pytest.mark.parametrize(
    ("said", "is_agreed"),
    [
        (answer(), True),
        (answer("sec-websocket-protocol: chat"), True),
        (answer("sec-websocket-protocol: other"), False),
        (answer("sec-websocket-protocol: chat", "sec-websocket-protocol: chat"), False),
        (answer("sec-websocket-extensions: permessage-deflate"), False),
        (answer("sec-websocket-extensions:"), True),
        (answer(without="sec-websocket-accept"), False),
        (answer("sec-websocket-accept: other", without="sec-websocket-accept"), False),
        (answer(without="upgrade"), False),
        (answer("upgrade: h2c", without="upgrade"), False),
    ],
)
def test_the_target_switches_to_what_it_was_asked_for(said: AnswerHead, is_agreed: bool) -> None:
    assert handshake.is_agreed(said, head(f"sec-websocket-protocol: chat, {offered(TOKEN)}")) is is_agreed


def test_the_client_is_switched_to_a_subprotocol_that_it_offered() -> None:
    asked = head(f"sec-websocket-protocol: {handshake.OURS}, {offered(TOKEN)}, chat")
    assert b"\r\nsec-websocket-protocol: sallyport\r\n" in handshake.switched(answer("set-cookie: a=b"), asked, [])
    assert b"\r\nsec-websocket-protocol: chat\r\n" in handshake.switched(
        answer("sec-websocket-protocol: chat"), asked, []
    )
    plain = handshake.switched(answer("set-cookie: a=b"), head(), [("sallyport-decision", "d-1")])
    assert plain.startswith(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n")
    assert plain.endswith(b"\r\nsallyport-decision: d-1\r\n\r\n")
    assert b"protocol" not in plain.partition(b"\r\n")[2]
    assert b"set-cookie" not in plain
