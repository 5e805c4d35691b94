"""Streams: a ticket's bell is heard at once, the log is looked at, silence has a pulse, and there is a limit."""

from __future__ import annotations

import asyncio

import pytest

from gateway.approvals.notify import Bell
from gateway.console.live import MAX_STREAMS_OF_ONE, Heard, TooManyStreams, Topic, Watchers


async def test_a_bell_is_heard_from_any_thread() -> None:
    bell = Bell()
    with Watchers(bell, lambda: 1).open(Topic.HOLDS, "dora") as stream:
        await asyncio.to_thread(bell.ring, "h-1")
        assert await stream.next() is Heard.CHANGE
        assert await stream.next(pulse=0.01) is Heard.PULSE
        bell.ring("h-2")
        bell.ring("h-3")
        assert await stream.next() is Heard.CHANGE
        assert await stream.next(pulse=0.01) is Heard.PULSE, "two rings before a look are one change"


async def test_the_log_is_looked_at() -> None:
    written = [1]
    bell = Bell()
    with Watchers(bell, lambda: written[0]).open(Topic.LOG, "dora") as stream:
        assert await stream.next(pulse=0.03, look=0.01) is Heard.PULSE
        written[0] = 2
        assert await stream.next(pulse=5, look=0.01) is Heard.CHANGE
        bell.ring("h-1")
        assert await stream.next(pulse=0.02, look=0.01) is Heard.PULSE, "tickets are another topic"


async def test_a_stream_that_is_closed_hears_nothing_and_counts_no_more() -> None:
    bell = Bell()
    watchers = Watchers(bell, lambda: 1)
    with watchers.open(Topic.HOLDS, "dora"):
        assert watchers.count() == 1
    assert watchers.count() == 0
    bell.ring("h-1")


async def test_one_viewer_has_so_many_and_no_more() -> None:
    watchers = Watchers(Bell(), lambda: 1)
    for _ in range(MAX_STREAMS_OF_ONE):
        watchers.open(Topic.LOG, "dora")
    with pytest.raises(TooManyStreams):
        watchers.open(Topic.LOG, "dora")
    watchers.open(Topic.LOG, "emil")


async def test_all_of_them_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.console.live.MAX_STREAMS", 2)
    watchers = Watchers(Bell(), lambda: 1)
    for who in ("a", "b"):
        watchers.open(Topic.LOG, who)
    with pytest.raises(TooManyStreams):
        watchers.open(Topic.LOG, "c")


async def test_the_end_ends_them() -> None:
    watchers = Watchers(Bell(), lambda: 1)
    with watchers.open(Topic.HOLDS, "dora") as stream:
        waiting = asyncio.create_task(stream.next())
        await asyncio.sleep(0)
        watchers.end()
        assert await waiting is Heard.END
        assert await stream.next() is Heard.END
    with pytest.raises(TooManyStreams):
        watchers.open(Topic.LOG, "dora")


def test_a_ring_after_the_loop_has_gone_wakes_nobody() -> None:
    bell = Bell()
    watchers = Watchers(bell, lambda: 1)

    async def leave_open() -> None:
        watchers.open(Topic.HOLDS, "dora").__enter__()

    asyncio.run(leave_open())
    bell.ring("h-1")
