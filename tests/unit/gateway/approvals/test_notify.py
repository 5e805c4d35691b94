"""Who waits is woken at once, in threads and in loops, and nobody is left behind."""

from __future__ import annotations

import asyncio
import threading

from gateway.approvals.notify import Bell


async def test_a_loop_is_woken_from_another_thread() -> None:
    bell, over = Bell(), threading.Event()

    def change() -> None:
        over.set()
        bell.ring("h-1")

    waiting = asyncio.create_task(bell.wait("h-1", over.is_set, 30))
    while not bell.waiters("h-1"):
        await asyncio.sleep(0)
    threading.Thread(target=change).start()
    assert await waiting
    assert bell.waiters("h-1") == 0


async def test_a_ring_that_changes_nothing_keeps_waiting() -> None:
    bell, over = Bell(), threading.Event()
    waiting = asyncio.create_task(bell.wait("h-1", over.is_set, 30))
    while not bell.waiters("h-1"):
        await asyncio.sleep(0)
    bell.ring("h-1")
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    over.set()
    bell.ring("h-1")
    assert await waiting


async def test_what_happened_before_the_wait_is_seen() -> None:
    assert await Bell().wait("h-1", lambda: True, 30)


async def test_time_up_is_false() -> None:
    bell = Bell()
    assert not await bell.wait("h-1", lambda: False, 0)
    assert bell.waiters("h-1") == 0


async def test_a_cancelled_wait_leaves_nothing() -> None:
    bell = Bell()
    waiting = asyncio.create_task(bell.wait("h-1", lambda: False, 30))
    while not bell.waiters("h-1"):
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert bell.waiters("h-1") == 0


def test_a_thread_is_woken() -> None:
    bell, over, said = Bell(), threading.Event(), []
    thread = threading.Thread(target=lambda: said.append(bell.wait_blocking("h-1", over.is_set, 30)))
    thread.start()
    over.set()
    while thread.is_alive():
        bell.ring("h-1")
        thread.join(0.01)
    assert said == [True]
    assert not bell.wait_blocking("h-1", lambda: False, 0)


def test_a_listener_to_everything_hears_until_it_leaves() -> None:
    bell, heard = Bell(), list[str]()
    leave = bell.subscribe_all(heard.append)
    bell.ring("h-1")
    bell.ring("h-2")
    leave()
    leave()
    bell.ring("h-3")
    assert heard == ["h-1", "h-2"]


def test_a_closed_loop_is_nobodys_trouble() -> None:
    bell = Bell()
    loop = asyncio.new_event_loop()

    async def start() -> None:
        waiting = asyncio.ensure_future(bell.wait("h-1", lambda: False, 30))
        await asyncio.sleep(0)
        lingering.append(waiting)

    lingering: list[asyncio.Future[bool]] = []
    loop.run_until_complete(start())
    assert bell.waiters("h-1") == 1
    for task in lingering:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*lingering, return_exceptions=True))
    leave = bell.subscribe("h-1", lambda: loop.call_soon_threadsafe(print) and None)
    leave()
    loop.close()
    bell.ring("h-1")


def test_ringing_everything_wakes_everybody_who_waits() -> None:
    bell, woken = Bell(), list[str]()
    for ticket in ("h-1", "h-2"):
        bell.subscribe(ticket, lambda ticket=ticket: woken.append(ticket))
    bell.ring_all()
    assert sorted(woken) == ["h-1", "h-2"]


def test_who_listens_to_all_tickets_hears_that_any_may_have_changed() -> None:
    bell, heard = Bell(), list[str]()
    leave = bell.subscribe_all(heard.append)
    bell.ring_all()
    leave()
    bell.ring_all()
    assert heard == [""]
