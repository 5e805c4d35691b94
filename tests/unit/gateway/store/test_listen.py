"""Hearing of other replicas goes on after any failure; with a real server it is tested in tests/interop/store."""

from __future__ import annotations

import asyncio

import pytest

from gateway.store import listen as listen_module
from gateway.store.listen import listen


async def test_a_server_that_is_not_there_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tries, enough = list[str](), asyncio.Event()

    async def refuse(**options: object) -> None:
        tries.append(str(options["dsn"]))
        if len(tries) == 3:
            enough.set()
        raise ConnectionRefusedError

    monkeypatch.setattr(listen_module, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(listen_module.asyncpg, "connect", refuse)
    task = asyncio.create_task(listen("postgresql://u:p@h:5/d?sslmode=disable", print, print))
    await asyncio.wait_for(enough.wait(), 60)
    task.cancel()
    assert tries[0] == "postgresql://u:p@h:5/d"


async def test_what_is_said_is_passed_on_until_the_connection_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    class Connection:
        closed = 0

        def add_termination_listener(self, lost: object) -> None:
            self.lost = lost

        async def add_listener(self, channel: str, heard: object) -> None:
            assert channel == "sallyport_tickets"
            heard(self, 1, channel, "h-1")  # type: ignore[operator]  # a callback
            asyncio.get_running_loop().call_soon(self.lost, self)  # type: ignore[arg-type]  # as above

        def terminate(self) -> None:
            self.closed += 1

    made, connection = list[object](), Connection()

    async def connect(**options: object) -> Connection:
        made.append(options["host"])
        return connection

    monkeypatch.setattr(listen_module, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(listen_module.asyncpg, "connect", connect)
    heard, connected, twice = list[str](), list[int](), asyncio.Event()

    def again() -> None:
        connected.append(1)
        if len(connected) == 2:
            twice.set()

    task = asyncio.create_task(listen("postgresql://u@/d?host=/run/pg", heard.append, again))
    await asyncio.wait_for(twice.wait(), 60)
    task.cancel()
    assert heard[0] == "h-1"
    assert made[0] == "/run/pg"
    assert connection.closed >= 1
