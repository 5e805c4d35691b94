"""Channels over WebSocket: messages in pieces, strictly."""

from __future__ import annotations

import pytest

from adapters.errors import PeerProtocolError
from adapters.kubernetes.channels import MAX_MESSAGE, ChannelReader, Piece, Whole, message, typed
from adapters.web.websocket import frames as websockets
from tests.strategies.kubernetes_frames import web_frame


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_messages_come_in_pieces_with_their_channel_and_control_frames_between(size: int) -> None:
    first = websockets.written(websockets.Frame(websockets.BINARY, b"\1ab", is_final=False))
    rest = websockets.written(websockets.Frame(websockets.CONTINUATION, b"c"))
    wire = first + websockets.frame(websockets.PING, b"p") + rest + message(2, b"")
    reader = ChannelReader(is_client=False)
    got = [one for at in range(0, len(wire), size) for one in reader.feed(wire[at : at + size])]
    assert got == [
        Piece(1, b"ab", True, False),
        websockets.Frame(websockets.PING, b"p"),
        Piece(1, b"c", False, True),
        Piece(2, b"", True, True),
    ]


@pytest.mark.parametrize(
    "wire",
    [
        websockets.frame(websockets.TEXT, b"\1a"),
        websockets.frame(websockets.BINARY, b""),
        websockets.frame(websockets.CONTINUATION, b"a"),
        websockets.written(websockets.Frame(websockets.BINARY, b"\1a", is_final=False)) + message(1, b"b"),
        web_frame(websockets.BINARY, b"\1a"),
    ],
)
def test_what_is_of_no_channel_is_refused(wire: bytes) -> None:
    with pytest.raises(PeerProtocolError):
        list(ChannelReader(is_client=False).feed(wire))


def test_other_messages_are_put_together_and_have_an_end() -> None:
    whole = Whole()
    assert whole.take(Piece(3, b"a", True, False)) is None
    assert whole.take(Piece(3, b"b", False, True)) == b"ab"
    assert whole.take(Piece(3, b"c", True, True)) == b"c"
    with pytest.raises(PeerProtocolError):
        whole.take(Piece(3, b"x" * (MAX_MESSAGE + 1), True, False))


def test_what_we_type_is_read_as_a_clients() -> None:
    assert list(ChannelReader(is_client=True).feed(typed(0, b"ls\n"))) == [Piece(0, b"ls\n", True, True)]
