"""A relay is woken when its session asked for it last, and does nothing when it is over."""

from __future__ import annotations

import asyncio

from adapters.core.alarms import Alarms


async def test_the_last_wish_counts_and_none_is_none() -> None:
    loop = asyncio.get_running_loop()
    woken, late = asyncio.Event(), list[str]()
    alarms = Alarms(loop, woken.set)
    alarms.wake_at(loop.time())
    alarms.wake_at(None)
    alarms.after(0.0, lambda: late.append("first"))
    alarms.after(0.01, lambda: late.append("second"))
    async with asyncio.timeout(60):
        while len(late) < 2:
            await asyncio.sleep(0)
    assert not woken.is_set()
    alarms.wake_at(loop.time() + 3_600)
    alarms.wake_at(loop.time())
    async with asyncio.timeout(60):
        await woken.wait()


async def test_behind_the_end_nothing_is_done() -> None:
    loop = asyncio.get_running_loop()
    done: list[str] = []
    alarms = Alarms(loop, lambda: done.append("woken"))
    alarms.wake_at(loop.time())
    alarms.after(0.0, lambda: done.append("late"))
    alarms.end()
    for _ in range(3):
        await asyncio.sleep(0)
    assert done == []
