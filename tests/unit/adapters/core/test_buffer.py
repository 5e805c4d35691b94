"""Bytes wait where they are until there are enough."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from adapters.core.buffer import Inbox


def test_one_piece_is_read_without_a_copy() -> None:
    inbox = Inbox()
    data = b"abcdef"
    assert inbox.feed(data)
    assert inbox.data is data
    inbox.use(6)
    assert len(inbox) == 0
    assert inbox.feed(b"next")
    assert (inbox.data, inbox.start) == (b"next", 0)


def test_nothing_is_looked_at_before_what_is_wanted_is_there() -> None:
    inbox = Inbox()
    inbox.feed(b"ab")
    inbox.want(5)
    assert not inbox.feed(b"c")
    assert not inbox.feed(b"d")
    assert inbox.feed(b"e")
    assert inbox.data[inbox.start :] == b"abcde"


def test_what_is_used_up_does_not_count_for_what_is_wanted() -> None:
    inbox = Inbox()
    inbox.feed(b"abcd")
    inbox.use(3)
    inbox.want(2)
    assert inbox.feed(b"e")
    assert inbox.data[inbox.start :] == b"de"


def test_small_pieces_take_no_more_than_their_bytes() -> None:
    inbox = Inbox()
    inbox.feed(b"ab")
    inbox.want(10**9)
    tracemalloc.start()
    try:
        for number in range(100_000):
            inbox.feed(number.to_bytes(2, "big", signed=False) if number < 65_536 else b"ab")
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size < 400_000  # of 200,000 bytes; a list of pieces takes five million


def test_what_is_used_up_does_not_stay() -> None:
    inbox = Inbox()
    inbox.feed(bytes(1 << 20))
    inbox.use(1 << 20)
    assert (inbox.data, inbox.start, len(inbox)) == (b"", 0, 0)
    inbox.feed(bytes(1 << 20) + b"abc")
    inbox.use(1 << 20)
    assert (inbox.data, inbox.start, len(inbox)) == (b"abc", 0, 3)


@given(st.lists(st.binary(min_size=1, max_size=9)), st.data())
def test_all_bytes_come_out_in_order_however_they_are_used(pieces: list[bytes], data: st.DataObject) -> None:
    inbox = Inbox()
    out = b""
    for piece in pieces:
        if inbox.feed(piece):
            count = data.draw(st.integers(0, len(inbox)))
            out += inbox.data[inbox.start : inbox.start + count]
            inbox.use(count)
            inbox.want(data.draw(st.integers(0, len(inbox) + 3)))
    inbox.want(0)
    inbox.feed(b"!")
    assert out + inbox.data[inbox.start :] == b"".join(pieces) + b"!"
