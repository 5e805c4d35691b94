"""What waits on one stream, and what is told back of it."""

from __future__ import annotations

from adapters.web.http2.flows import FULL, LOW, STREAM_WINDOW, Flow


def test_one_that_is_full_eases_once_when_little_waits() -> None:
    flow = Flow()
    flow.queue += bytes(FULL)
    assert not flow.is_full()
    assert not flow.has_eased()
    flow.queue += b"x"
    assert flow.is_full()
    assert flow.take(FULL + 1 - LOW) == bytes(FULL + 1 - LOW)
    assert not flow.has_eased()
    assert flow.take(1) == b"\0"
    assert flow.has_eased()
    assert not flow.has_eased()


def test_what_waits_is_taken_as_far_as_there_is_room() -> None:
    flow = Flow()
    flow.queue += b"abc"
    assert (flow.take(-1), flow.take(0), flow.take(2), flow.take(9)) == (b"", b"", b"ab", b"c")


def test_bytes_are_told_back_when_they_are_worth_a_frame_and_more_may_come() -> None:
    flow = Flow()
    flow.to_credit = STREAM_WINDOW // 4 - 1
    assert flow.credit() == 0
    flow.to_credit += 1
    assert flow.credit() == STREAM_WINDOW // 4
    assert flow.credit() == 0
    flow.to_credit, flow.is_ended = STREAM_WINDOW, True
    assert flow.credit() == 0
