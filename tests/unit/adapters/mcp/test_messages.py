"""Messages and the events they travel in, whatever a piece's border cuts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import PeerProtocolError
from adapters.mcp import messages
from adapters.mcp.messages import MAX_MESSAGE, Events, read

STREAM = (
    b': hello\n\nevent: message\r\ndata: {"a":\r\ndata:1}\r\n\r\nid: 4\rdata: two\r\rretry: 5\n\ndata:\n\n'
    b"event: other\ndata: no\n\ndata: three\nevent: message\n\ndata: never whole\n"
)


def cut(stream: bytes, sizes: list[int]) -> list[bytes]:
    events, found, at = Events(), [], 0
    for size in [*sizes, len(stream)]:
        found += events.feed(stream[at : at + size])
        at += size
    return found


@given(st.lists(st.integers(1, 12), max_size=60))
def test_events_are_the_same_wherever_pieces_end(sizes: list[int]) -> None:
    assert cut(STREAM, sizes) == [b'{"a":\n1}', b"two", b"three"]


@given(st.lists(st.sampled_from([b"data: x", b"data", b"event: message", b"event: y", b"\n", b"\r", b"\r\n", b": c"])))
def test_any_stream_is_read_alike_in_one_piece_and_byte_by_byte(pieces: list[bytes]) -> None:
    stream = b"".join(pieces) + b"."
    assert cut(stream, [len(stream)]) == cut(stream, [1] * len(stream))


@pytest.mark.parametrize("line", [b"x" * 1000, b"data: " + b"x" * 1000 + b"\n"])
def test_an_event_without_end_is_an_error(line: bytes) -> None:
    events = Events()

    def feed_on() -> None:
        for _ in range(MAX_MESSAGE // 1000 + 2):
            events.feed(line)

    with pytest.raises(PeerProtocolError) as caught:
        feed_on()
    assert caught.value.code == "TOO_LARGE"


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{}", b'{"jsonrpc":"2.0","jsonrpc":"2.0"}', b"\xff", b'{"jsonrpc":"1.0"}']
)
def test_what_is_no_message_is_an_error(raw: bytes) -> None:
    with pytest.raises(PeerProtocolError) as caught:
        read(raw)
    assert caught.value.code == "BAD_ANSWER"


def test_what_is_written_is_one_line() -> None:
    made = messages.event(messages.write({"text": "a\nb\r\u2028c"}))
    assert made.count(b"\n") == 3
    assert json.loads(made.split(b"data: ")[1]) == {"text": "a\nb\r\u2028c"}
    assert messages.comment("a\r\nb") == b": a??b\n\n"


def test_words_of_ours_have_the_number_of_what_they_answer() -> None:
    assert messages.error(7, messages.DENIED, "no")["id"] == 7
    assert messages.failed_tool("x", "no", {})["id"] == "x"
    assert "id" not in messages.progress("t", 1, "wait")
