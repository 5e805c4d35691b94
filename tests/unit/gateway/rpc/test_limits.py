"""The limits fit into each other."""

from __future__ import annotations

from gateway.rpc import limits, openings, server


def test_what_is_a_little_too_large_still_reaches_us() -> None:
    assert limits.MAX_TEXT < limits.MAX_MESSAGE < limits.MAX_TRANSPORT_MESSAGE


def test_streams_leave_threads_for_single_questions() -> None:
    assert openings.MAX_STREAMS_OF_CALLER <= openings.MAX_STREAMS
    assert server.UNARY_THREADS > 1
    assert server.SPARE_THREADS > 0
    assert server.MAX_CALLS > server.UNARY_THREADS + openings.MAX_STREAMS
