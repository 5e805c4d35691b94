"""What a client is told while nothing runs, and what is kept of what it sends."""

from __future__ import annotations

import json

import pytest

from adapters.errors import PeerProtocolError
from adapters.kubernetes import spdy
from adapters.kubernetes.hiding import Outputs
from adapters.kubernetes.talks import CHANNELS, MAX_KEPT, SpdyTalk, WebSocketTalk
from adapters.web.responses import read_answer_head
from adapters.web.websocket import frames as websockets
from engine.command.documents.refusal import Refused
from engine.command.http.wire import WireRequest, read_head
from tests.strategies.kubernetes_frames import KEY, SpdyClient, web_frame

STATUS = json.dumps({"status": "Failure"}).encode()


def head(method: str, *lines: str) -> WireRequest:
    return read_head("\r\n".join((f"{method} /x HTTP/1.1", "host: a", *lines)).encode())


def websocket(*protocols: str, has_stderr: bool = True) -> WebSocketTalk:
    lines = (
        f"sec-websocket-key: {KEY}",
        "sec-websocket-version: 13",
        f"sec-websocket-protocol: {', '.join(protocols)}",
    )
    return WebSocketTalk(head("GET", *lines), CHANNELS, has_stderr=has_stderr)


def spdy_talk(*versions: str) -> SpdyTalk:
    lines = [f"x-stream-protocol-version: {one}" for one in versions]
    return SpdyTalk(head("POST", *lines), SpdyTalk.VERSIONS, has_stderr=True)


def test_the_first_protocol_that_is_known_is_agreed_on_and_asked_for() -> None:
    talk = websocket("v9.channel.k8s.io", "v5.channel.k8s.io", "v4.channel.k8s.io")
    assert dict(talk.upgrade())["sec-websocket-protocol"] == "v5.channel.k8s.io, v4.channel.k8s.io"
    said = talk.switched(None)
    assert b"sec-websocket-protocol: v5.channel.k8s.io\r\n" in said
    assert dict(talk.upgrade())["sec-websocket-protocol"] == "v5.channel.k8s.io", "the target gets no other choice now"


def test_what_is_not_carried_is_refused() -> None:
    for protocols in (("base64.channel.k8s.io",), ("channel.k8s.io",), ("",)):
        with pytest.raises(Refused):
            websocket(*protocols)
    with pytest.raises(Refused):
        WebSocketTalk(head("POST"), CHANNELS, has_stderr=True)
    with pytest.raises(Refused):
        spdy_talk("v3.channel.k8s.io", "channel.k8s.io")
    with pytest.raises(Refused):
        SpdyTalk(head("GET", "x-stream-protocol-version: v4.channel.k8s.io"), SpdyTalk.VERSIONS, has_stderr=True)


def test_a_target_that_switches_to_something_else_is_not_agreed_with() -> None:
    talk = websocket("v5.channel.k8s.io")
    good = [
        "HTTP/1.1 101 Switching Protocols",
        f"Sec-WebSocket-Accept: {websockets.accept_of(KEY)}",
        "Sec-WebSocket-Protocol: v5.channel.k8s.io",
    ]
    assert talk.is_agreed(read_answer_head("\r\n".join(good).encode(), "GET"))
    for bad in (
        good[:2],
        [good[0], good[2]],
        [*good, "Sec-WebSocket-Extensions: permessage-deflate"],
        [*good[:2], good[2][:-1]],
    ):
        assert not talk.is_agreed(read_answer_head("\r\n".join(bad).encode(), "GET"))
    other = spdy_talk("v4.channel.k8s.io")
    lines = "HTTP/1.1 101 x\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io"
    assert other.is_agreed(read_answer_head(lines.encode(), "GET"))
    assert not other.is_agreed(read_answer_head(lines.replace("v4", "v3").encode(), "GET"))


def test_pings_are_answered_and_everything_else_is_kept_as_it_came() -> None:
    talk = websocket("v5.channel.k8s.io")
    typed = web_frame(websockets.BINARY, b"\x00ls\n")
    assert talk.hear(web_frame(websockets.PING, b"x") + typed) == websockets.frame(websockets.PONG, b"x")
    assert talk.hear(typed[:3]) == b""
    assert talk.take() == typed + typed[:3]
    assert not talk.has_left
    talk = websocket("v5.channel.k8s.io")
    talk.hear(web_frame(websockets.CLOSE, b""))
    assert talk.has_left


def test_words_go_where_the_commands_own_errors_would() -> None:
    assert websocket("v5.channel.k8s.io").wait("w") == b"\x82\x02\x02w"
    assert websocket("v5.channel.k8s.io", has_stderr=False).wait("w") == b"\x82\x02\x01w"
    assert websocket("v5.channel.k8s.io").refuse(STATUS) == (
        websockets.frame(websockets.BINARY, b"\x03" + STATUS) + websockets.goodbye()
    )


def test_over_spdy_each_stream_is_answered_and_told_its_part() -> None:
    talk, client = spdy_talk("v5.channel.k8s.io", "v4.channel.k8s.io"), SpdyClient()
    assert b"x-stream-protocol-version: v4.channel.k8s.io\r\n" in talk.switched(None)
    assert talk.wait("wait\n") == b"", "no stream stands yet"
    opened = client.opened(1, "error") + client.opened(3, "stdout") + client.opened(5, "stderr")
    ping = spdy.control(spdy.PING, b"\x00\x00\x00\x07")
    client.hear(talk.hear(opened[:20]))
    client.hear(talk.hear(opened[20:] + ping))
    assert client.replied == [1, 3, 5]
    assert client.got == {5: b"wait\n"}
    assert [one.raw for one in client.others] == [ping]
    assert talk.take() == opened, "the ping was answered here"


def test_over_spdy_a_refusal_reaches_streams_that_are_opened_before_and_after() -> None:
    talk, client = spdy_talk("v4.channel.k8s.io"), SpdyClient()
    client.hear(talk.hear(client.opened(1, "error")))
    client.hear(talk.refuse(STATUS))
    assert (client.got, client.ended, talk.is_done) == ({1: STATUS}, {1}, True)
    client.hear(talk.hear(client.opened(3, "stdout")))
    assert client.ended == {1, 3}


def test_what_the_target_answers_to_streams_that_were_answered_is_left_out() -> None:
    talk, client, packed = spdy_talk("v4.channel.k8s.io"), SpdyClient(), spdy.HeaderWriter()
    talk.switched(None)
    client.hear(talk.hear(client.opened(1, "error")))
    reply = spdy.control(spdy.SYN_REPLY, b"\x00\x00\x00\x01" + packed.write({}))
    out = spdy.data_frame(1, b"out", is_last=True)
    view = talk.view(Outputs((), is_terminal=False))
    assert view.from_target(reply[:5]) == b""
    assert view.from_target(reply[5:] + out) == out
    view.from_client(client.opened(3, "stdout"))
    later = view.from_target(spdy.control(spdy.SYN_REPLY, b"\x00\x00\x00\x03" + packed.write({})))
    client.hear(later)
    assert client.replied == [1, 3], "a stream that was opened behind the grant is answered as those before it"
    with pytest.raises(PeerProtocolError):
        view.from_target(spdy.control(spdy.SYN_STREAM, b"\x00\x00\x00\x02" + bytes(6) + packed.write({})))


def test_too_much_ahead_of_the_verdict_ends_it() -> None:
    talk = websocket("v5.channel.k8s.io")
    typed = web_frame(websockets.BINARY, b"x" * 60_000)
    for _ in range(MAX_KEPT // len(typed)):
        talk.hear(typed)
    with pytest.raises(PeerProtocolError) as caught:
        talk.hear(typed)
    assert caught.value.code == "too_much_behind"
