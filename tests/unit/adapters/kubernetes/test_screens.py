"""A client's terminal, over WebSocket and over SPDY: what is typed, sizes, what is shown, the end."""

from __future__ import annotations

import pytest

from adapters.errors import PeerProtocolError
from adapters.kubernetes import spdy
from adapters.kubernetes.channels import message
from adapters.kubernetes.screens import (
    MAX_SIZES,
    MAX_STREAMS,
    MAX_UNSENT,
    Deed,
    Gone,
    InputEnded,
    Resized,
    Screen,
    SpdyScreen,
    Typed,
    WebSocketScreen,
    sizes_in,
)
from adapters.web.websocket import frames as websockets
from tests.strategies.kubernetes_frames import SpdyClient, web_frame

STREAMS = ("error", "stdin", "stdout", "resize")


def heard(screen: Screen, wire: bytes, size: int) -> tuple[bytes, list[Deed]]:
    parts = [screen.hear(wire[at : at + size]) for at in range(0, len(wire), size)]
    return b"".join(one.answers for one in parts), [deed for one in parts for deed in one.deeds]


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_over_websocket_each_channel_is_a_deed(size: int) -> None:
    wire = b"".join(
        web_frame(websockets.BINARY, one) for one in (b"\0ls", b"\0", b'\4{"Width":9,"Height":3}', b"\xff\0")
    )
    wire += web_frame(websockets.PING, b"p") + web_frame(websockets.PONG, b"") + web_frame(websockets.CLOSE, b"")
    answers, deeds = heard(WebSocketScreen(), wire, size)
    assert answers == websockets.frame(websockets.PONG, b"p")
    typed = b"".join(one.data for one in deeds if isinstance(one, Typed))
    assert (typed, deeds[-3:]) == (b"ls", [Resized(9, 3), InputEnded(), Gone()])


@pytest.mark.parametrize("channel", [1, 2, 3, 9])
def test_a_client_speaks_on_its_own_channels_alone(channel: int) -> None:
    with pytest.raises(PeerProtocolError):
        WebSocketScreen().hear(web_frame(websockets.BINARY, bytes((channel,)) + b"a"))


def test_over_websocket_it_is_shown_and_ended_in_messages() -> None:
    screen = WebSocketScreen()
    assert screen.show(b"a") == message(1, b"a")
    assert screen.show(b"") == b""
    assert screen.finish(b"{}\n") == message(3, b"{}") + websockets.goodbye()


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_over_spdy_each_stream_is_a_deed(size: int) -> None:
    client, screen = SpdyClient(), SpdyScreen()
    shown = screen.show(b"early")
    wire = b"".join(client.opened(2 * at + 1, name) for at, name in enumerate(STREAMS))
    wire += spdy.data_frame(3, b"ls", is_last=False) + spdy.data_frame(7, b'{"Width":9,', is_last=False)
    wire += spdy.data_frame(7, b'"Height":3}\n', is_last=False) + spdy.control(spdy.PING, b"\0\0\0\1")
    wire += spdy.data_frame(3, b"", is_last=True) + spdy.control(spdy.GOAWAY, bytes(8))
    answers, deeds = heard(screen, wire, size)
    assert deeds == [Typed(b"ls"), Resized(9, 3), InputEnded(), Gone()]
    client.hear(shown + answers + screen.show(b" late") + screen.finish(b"{}"))
    assert (client.replied, client.got[5], client.got[1], client.ended) == ([1, 3, 5, 7], b"early late", b"{}", {1, 5})
    assert [one.kind for one in client.others] == [spdy.PING]


def test_over_spdy_an_end_waits_for_its_streams() -> None:
    client, screen = SpdyClient(), SpdyScreen()
    assert screen.finish(b"{}") == b""
    assert b"{}" not in screen.hear(client.opened(1, "error")).answers
    assert b"{}" in screen.hear(client.opened(5, "stdout")).answers
    assert screen.hear(client.opened(3, "stdin") + spdy.control(spdy.RST_STREAM, b"\0\0\0\3\0\0\0\5")).deeds == [
        InputEnded()
    ]


def test_over_spdy_what_nobody_sends_is_refused() -> None:
    for wire in (
        (opener := SpdyClient()).opened(1, "stdin") + opener.opened(3, "stdin"),
        (opener := SpdyClient()).opened(1, "stdin") + opener.opened(1, "stdout"),
        SpdyClient().opened(1, "stdout") + spdy.data_frame(1, b"a", is_last=False),
        spdy.data_frame(9, b"a", is_last=False),
    ):
        with pytest.raises(PeerProtocolError):
            SpdyScreen().hear(wire)
    client = SpdyClient()
    with pytest.raises(PeerProtocolError):
        SpdyScreen().hear(b"".join(client.opened(2 * at + 1, f"s{at}") for at in range(MAX_STREAMS + 1)))
    with pytest.raises(PeerProtocolError):
        SpdyScreen().show(b"x" * (MAX_UNSENT + 1))


@pytest.mark.parametrize(
    "text", [b"[]", b"{}", b'{"Width":true,"Height":1}', b'{"Width":"9","Height":1}', b"x", b"{" + b" " * MAX_SIZES]
)
def test_what_is_no_size_is_refused(text: bytes) -> None:
    with pytest.raises(PeerProtocolError):
        sizes_in(text)


def test_sizes_have_bounds_and_none_is_nothing() -> None:
    assert sizes_in(b'{"Width":0,"Height":9} {"Width":99999,"Height":1}{"Wi') == ([Resized(2000, 1)], b'{"Wi')
