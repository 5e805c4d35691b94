"""Frames in an order that there is, and in others."""

from __future__ import annotations

import pytest

from adapters.errors import PeerProtocolError
from adapters.web.websocket.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame
from adapters.web.websocket.order import CODES, Order, read_closing


def test_fragments_are_of_the_kind_of_their_message_and_control_frames_may_stand_between() -> None:
    order = Order()
    frames = [
        Frame(TEXT, b"\xc3", is_final=False),
        Frame(PING, b"\xff"),
        Frame(CONTINUATION, b"\xa4", is_final=False),
        Frame(PONG, b""),
        Frame(CONTINUATION, b""),
        Frame(BINARY, b"\xff"),
        Frame(CLOSE, b""),
    ]
    assert [order.take(one) for one in frames] == [TEXT, PING, TEXT, PONG, TEXT, BINARY, CLOSE]
    assert order.is_closed


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([Frame(CONTINUATION, b"")], "websocket"),
        ([Frame(TEXT, b"", is_final=False), Frame(TEXT, b"")], "websocket"),
        ([Frame(TEXT, b"a"), Frame(CONTINUATION, b"")], "websocket"),
        ([Frame(CLOSE, b""), Frame(TEXT, b"")], "websocket"),
        ([Frame(CLOSE, b""), Frame(CLOSE, b"")], "websocket"),
        ([Frame(TEXT, b"\xff")], "websocket_text"),
        ([Frame(TEXT, b"\xc3")], "websocket_text"),
        ([Frame(TEXT, b"\xed\xa0\x80")], "websocket_text"),
        ([Frame(TEXT, b"\xc3", is_final=False), Frame(CONTINUATION, b"x")], "websocket_text"),
    ],
)
def test_every_other_order_is_an_error(frames: list[Frame], code: str) -> None:
    order = Order()
    for one in frames[:-1]:
        order.take(one)
    with pytest.raises(PeerProtocolError) as caught:
        order.take(frames[-1])
    assert caught.value.code == code
    assert code in CODES


def test_a_last_word_has_a_number_that_there_is() -> None:
    assert read_closing(b"") == (None, "")
    assert read_closing(b"\x03\xe8bye") == (1000, "bye")
    assert read_closing((4321).to_bytes(2, "big")) == (4321, "")


@pytest.mark.parametrize(
    "payload",
    [b"\x03", *((code).to_bytes(2, "big") for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000)), b"\x03\xe8\xff"],
)
def test_a_last_word_that_may_not_be_said_is_an_error(payload: bytes) -> None:
    with pytest.raises(PeerProtocolError):
        read_closing(payload)
