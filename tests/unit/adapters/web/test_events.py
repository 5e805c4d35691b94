"""Events are the same wherever a piece's border cuts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import PeerProtocolError
from adapters.web.events import MAX_EVENT, Event, Events

STREAM = (
    b': hello\n\nevent: message\r\ndata: {"a":\r\ndata:1}\r\n\r\nid: 4\rdata: two\r\rretry: 5\n\ndata:\n\n'
    b"event: other\ndata: no\n\ndata: three\nevent: message\n\ndata: never whole\n"
)


def cut(stream: bytes, sizes: list[int]) -> list[Event]:
    events, at = Events(), 0
    found: list[Event] = []
    for size in [*sizes, len(stream)]:
        found += events.feed(stream[at : at + size])
        at += size
    return found


@given(st.lists(st.integers(1, 12), max_size=60))
def test_events_are_the_same_wherever_pieces_end(sizes: list[int]) -> None:
    assert cut(STREAM, sizes) == [
        Event(b"message", b'{"a":\n1}'),
        Event(b"", b"two"),
        Event(b"other", b"no"),
        Event(b"message", b"three"),
    ]


@given(st.lists(st.sampled_from([b"data: x", b"data", b"event: message", b"event: y", b"\n", b"\r", b"\r\n", b": c"])))
def test_any_stream_is_read_alike_in_one_piece_and_byte_by_byte(pieces: list[bytes]) -> None:
    stream = b"".join(pieces) + b"."
    assert cut(stream, [len(stream)]) == cut(stream, [1] * len(stream))


@pytest.mark.parametrize("line", [b"x" * 1000, b"data: " + b"x" * 1000 + b"\n"])
def test_an_event_without_end_is_an_error(line: bytes) -> None:
    events = Events()

    def feed_on() -> None:
        for _ in range(MAX_EVENT // 1000 + 2):
            events.feed(line)

    with pytest.raises(PeerProtocolError) as caught:
        feed_on()
    assert caught.value.code == "TOO_LARGE"


def test_lines_that_only_keep_a_stream_alive_are_counted() -> None:
    events = Events()
    assert events.feed(b": ping\n\n:\n") == []
    assert events.comments == 2
