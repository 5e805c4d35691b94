"""Connections through a target: asked about by destination, carried whole in both directions, ended together."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import asyncssh
import pytest

from adapters.ssh.forwarding import Pipe
from adapters.ssh.upstream import Upstream
from tests.ssh_world import ssh_world


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_a_granted_connection_carries_everything_and_is_recorded() -> None:
    sent = os.urandom(3_000_000)
    async with echo() as port, ssh_world() as world, await world.connect() as connection:
        reader, writer = await connection.open_connection("127.0.0.1", port)

        async def feed() -> None:
            for start in range(0, len(sent), 50_000):
                writer.write(sent[start : start + 50_000])
                await writer.drain()
            writer.write_eof()

        feeding = asyncio.create_task(feed())
        assert await reader.read() == sent
        await feeding
        writer.close()
        await world.until(lambda: world.gate.outcomes)
        assert world.gate.asked[0].text == f'connect "127.0.0.1" "{port}"'.encode()
        assert world.gate.outcomes[0][1].bytes == 2 * len(sent)


@pytest.mark.parametrize("host", ["db #deny", "db #rows", "db #mask", "x" * 300])
async def test_without_a_grant_the_target_hears_nothing(host: str) -> None:
    async with ssh_world() as world, await world.connect() as connection:
        with pytest.raises(asyncssh.ChannelOpenError) as caught:
            await connection.open_connection(host, 80)
        assert "denied" in caught.value.reason or "no such host" in caught.value.reason


async def test_nobody_there_is_told() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_connection("127.0.0.1", 1)
        assert len(world.gate.outcomes) == 1


async def test_a_held_connection_waits_and_goes_with_its_client() -> None:
    async with echo() as port, ssh_world() as world:
        connection = await world.connect()
        waiting = asyncio.create_task(connection.open_connection("#hold", port))
        await world.until(lambda: world.gate.held)
        connection.abort()
        await world.until(lambda: world.gate.withdrawn == ["T1"])
        with pytest.raises((asyncssh.Error, OSError)):
            await waiting
        await connection.wait_closed()


async def test_who_leaves_while_the_target_is_reached_leaves_one_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    is_asked = asyncio.Event()

    async def never(upstream: Upstream) -> object:
        is_asked.set()
        return await asyncio.Event().wait()

    monkeypatch.setattr(Upstream, "connection", never)
    async with ssh_world() as world:
        connection = await world.connect()
        opening = asyncio.create_task(connection.open_connection("127.0.0.1", 80))
        await is_asked.wait()
        connection.abort()
        await world.until(lambda: world.gate.closed)
        assert len(world.gate.outcomes) == 1
        with pytest.raises((asyncssh.Error, OSError)):
            await opening
        await connection.wait_closed()


async def test_who_leaves_before_a_late_answer_has_nothing_connected() -> None:
    async with echo() as port, ssh_world() as world:
        world.gate.is_late = lambda text: True
        connection = await world.connect()
        opening = asyncio.create_task(connection.open_connection("127.0.0.1", port))
        await world.until(lambda: world.gate.waiting)
        connection.abort()
        await world.until(lambda: world.gate.closed)
        world.gate.answer_now()
        await world.until(lambda: world.gate.broken_off or world.gate.outcomes)
        assert [outcome.error for _, outcome in world.gate.outcomes] in ([], ["CLIENT_GONE"])
        with pytest.raises((asyncssh.Error, OSError)):
            await opening
        await connection.wait_closed()


@dataclass
class Channel:
    """What a pipe does to the channel that it is the session of."""

    done: list[object] = field(default_factory=list)
    is_paused: bool = False
    is_over: bool = False

    def write(self, data: bytes) -> None:
        self.done.append(data)

    def write_eof(self) -> None:
        self.done.append("end")

    def close(self) -> None:
        self.is_over = True

    def is_closing(self) -> bool:
        return self.is_over or "end" in self.done

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def of(self, pipe: Pipe) -> Channel:
        pipe.connection_made(cast(asyncssh.SSHTCPChannel[bytes], self))
        return self


def test_what_the_target_says_before_the_client_has_its_channel_waits_for_it() -> None:
    near, far = Pipe(), Pipe()
    heard = Channel().of(far)
    far.data_received(b"one", None)
    assert heard.is_paused
    near.join(far)
    far.data_received(b"two", None)
    far.eof_received()
    assert heard.is_paused
    said = Channel().of(near)
    assert said.done == [b"one", b"two", "end"]
    assert not heard.is_paused


def test_a_target_that_is_gone_before_the_client_has_its_channel_was_heard_all_the_same() -> None:
    near, far = Pipe(), Pipe()
    Channel().of(far)
    near.join(far)
    far.data_received(b"one", None)
    far.connection_lost(None)
    said = Channel().of(near)
    assert (said.done, said.is_over) == ([b"one"], True)


def test_an_end_that_takes_no_more_has_the_other_stop_until_it_does() -> None:
    near, far = Pipe(), Pipe()
    near.join(far)
    heard, said = Channel().of(far), Channel().of(near)
    near.pause_writing()
    far.data_received(b"on its way already", None)
    assert (heard.is_paused, said.is_paused) == (True, False)
    near.resume_writing()
    assert not heard.is_paused
