"""What a peer does not take, or sends while nobody looks, is bounded; and it goes on when it does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from asyncssh.connection import SSHConnection
from asyncssh.constants import MSG_GLOBAL_REQUEST
from asyncssh.packet import Boolean, String

from adapters.ssh import pressing
from adapters.ssh.pressing import HIGH_WATER, MAX_UNREAD, MAX_UNSENT
from tests.ssh_world import World, ssh_world

SIZE = 48 << 20


@asynccontextmanager
async def fountain(sent: list[int]) -> AsyncIterator[int]:
    """Says very much to whoever comes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(SIZE // 65_536):
            writer.write(bytes(65_536))
            await writer.drain()
            sent.append(65_536)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


def visiting(world: World) -> SSHConnection:
    visitor = next(iter(world.listener._connections))
    assert visitor._connection is not None
    return visitor._connection


def waiting(connection: SSHConnection) -> int:
    assert connection._transport is not None
    return connection._transport.get_write_buffer_size()


async def test_what_a_wide_window_lets_through_waits_at_the_target_and_comes_when_it_is_taken() -> None:
    sent: list[int] = []
    async with fountain(sent) as port, ssh_world() as world, await world.connect() as client:
        reader, _ = await client.open_connection("127.0.0.1", port, window=1 << 30)
        ours = visiting(world)
        assert client._transport is not None
        client._transport.pause_reading()
        async with asyncio.timeout(120):
            while waiting(ours) <= HIGH_WATER:
                await asyncio.sleep(0)
            most, still, before = 0, 0, -1
            while still < 3_000 and sum(sent) < SIZE:
                await asyncio.sleep(0)
                still, before = (still + 1 if sum(sent) == before else 0), sum(sent)
                most = max(most, waiting(ours))
        assert most < 2 * HIGH_WATER
        client._transport.resume_reading()
        async with asyncio.timeout(120):
            assert len(await reader.read()) == SIZE


def ask(connection: SSHConnection, size: int = 100) -> None:
    """A packet of ours, such as an answer."""
    connection.send_packet(MSG_GLOBAL_REQUEST, String(bytes(size)), Boolean(False))


async def test_a_client_that_takes_no_answers_is_not_read_and_a_target_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ssh_world() as world, await world.connect() as client:
        assert (await client.run("echo 1")).exit_status == 3
        ours = visiting(world)
        assert ours._transport is not None
        monkeypatch.setattr(ours._transport, "get_write_buffer_size", lambda: MAX_UNSENT + 1)
        ask(ours)
        assert ours._transport.is_reading()
        ours.pause_writing()
        ask(ours)
        assert not ours._transport.is_reading()
        ours.resume_writing()
        assert ours._transport.is_reading()
        visitor = next(iter(world.listener._connections))
        assert visitor.visit is not None
        (towards,) = visitor.visit.upstream._connections
        assert towards._transport is not None
        monkeypatch.setattr(towards._transport, "get_write_buffer_size", lambda: MAX_UNSENT + 1)
        towards.pause_writing()
        ask(towards)
        async with asyncio.timeout(30):
            await towards.wait_closed()


async def test_who_agrees_on_no_session_keys_is_left() -> None:
    async with ssh_world() as world, await world.connect():
        ours = visiting(world)
        ours._kex_complete = False
        for _ in range(MAX_UNSENT // 32_768 - 10):
            ask(ours, 32_768)
        assert not ours.is_closed()
        for _ in range(20):
            ask(ours, 32_768)
        async with asyncio.timeout(30):
            await ours.wait_closed()


async def test_what_waited_for_session_keys_goes_out_and_more_behind_it() -> None:
    async with ssh_world() as world, await world.connect() as client:
        ours = visiting(world)
        ours._kex_complete = False
        for _ in range(2 * HIGH_WATER // 32_768):
            ask(ours, 32_768)
        ours._kex_complete = True
        ours._send_deferred_packets()
        assert (await client.run("echo 1")).exit_status == 3


async def test_what_comes_while_a_packet_is_looked_at_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pressing, "LOOK_AGAIN", 0.0)
    async with ssh_world() as world, await world.connect() as client:
        ours = visiting(world)
        assert ours._transport is not None
        monkeypatch.setattr(ours, "_recv_data", lambda: None)
        ours.data_received(bytes(MAX_UNREAD + 1))
        assert not ours._transport.is_reading()
        ours._inpbuf = b""
        async with asyncio.timeout(30):
            while not ours._transport.is_reading():
                await asyncio.sleep(0)
        monkeypatch.undo()
        assert (await client.run("echo 1")).exit_status == 3
