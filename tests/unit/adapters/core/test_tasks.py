"""What runs beside a connection: errors are told, all of it ends with the connection, and errands do not."""

from __future__ import annotations

import asyncio

from adapters.core.tasks import Tasks


async def test_errors_are_told_and_what_is_over_is_forgotten() -> None:
    told = list[BaseException]()
    tasks = Tasks(asyncio.get_running_loop(), told.append)

    async def fail() -> None:
        raise RuntimeError("broken")

    async def end() -> None:
        pass

    await asyncio.wait([tasks.spawn(fail()), tasks.spawn(end())])
    assert [str(error) for error in told] == ["broken"]
    assert not tasks.running()


async def test_all_but_errands_and_the_caller_are_cancelled() -> None:
    told = list[BaseException]()
    tasks, go, done = Tasks(asyncio.get_running_loop(), told.append), asyncio.Event(), list[str]()

    async def work(name: str) -> None:
        await go.wait()
        done.append(name)

    async def close() -> None:
        tasks.cancel()
        await work("caller")

    waiting = tasks.spawn(work("task"))
    tasks.run_errand(work("errand"))
    caller = tasks.spawn(close())
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert len(tasks.running()) == 2
    go.set()
    await asyncio.wait(tasks.running())
    assert (sorted(done), caller.cancelled(), told) == (["caller", "errand"], False, [])
