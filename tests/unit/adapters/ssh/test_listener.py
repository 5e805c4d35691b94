"""Accept, refuse, drain; garbage on the wire ends its own connection and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import random

import asyncssh
import pytest
from asyncssh.packet import String

from adapters.ssh.listener import HostKeyUnusable, ListenerSettings, SshListener
from tests.ssh_world import SmallKeeper, World, ssh_world

GARBAGE = 60


@pytest.mark.parametrize("keys", [[], ["hunter2"]])
def test_a_listener_without_a_good_host_key_is_not_made(keys: list[str]) -> None:
    with pytest.raises(HostKeyUnusable) as caught:
        SshListener(ListenerSettings(keys), SmallKeeper(None, b""))
    assert "hunter2" not in str(caught.value)


async def test_too_many_connections_are_closed_at_once() -> None:
    async with ssh_world(max_connections=1) as world, await world.connect():
        with pytest.raises((OSError, EOFError)):
            await world.connect()
        assert world.listener.connections == 1


async def test_draining_lets_what_runs_finish_and_then_cuts() -> None:
    async with ssh_world() as world:
        connection = await world.connect()
        process = await connection.create_process("id #stuck")
        await process.stdout.readline()
        await world.listener.drain(0.05)
        await connection.wait_closed()
        assert world.gate.closed == ["the gateway is shutting down"]
        assert world.gate.outcomes[0][1].error == "CLIENT_GONE"


async def test_who_says_nothing_is_sent_away() -> None:
    async with ssh_world(login_seconds=0.1) as world:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.listener.port)
        async with asyncio.timeout(60):
            await reader.read()
        writer.close()
        assert world.keeper.admitted == []


async def test_garbage_reaches_neither_gate_nor_target_and_others_are_served() -> None:
    chance = random.Random(7)
    async with ssh_world() as world:
        for number in range(GARBAGE):
            reader, writer = await asyncio.open_connection("127.0.0.1", world.listener.port)
            start = b"" if number % 3 == 0 else b"SSH-2.0-x\r\n"
            length = chance.choice([b"", b"\x00\x00\x00\x0c", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00"])
            writer.write(start + length + chance.randbytes(chance.randrange(1, 3000)))
            writer.write_eof()
            async with asyncio.timeout(60):
                await reader.read()
            writer.close()
        async with await world.connect() as connection:
            assert (await connection.run("id")).exit_status == 3
        assert len(world.gate.asked) == 1
        assert world.listener.connections <= 1


async def fuzz_after_login(world: World, chance: random.Random) -> None:
    """One login, then packets of any type and content; the connection may end, and nothing runs."""
    connection = await world.connect()
    with contextlib.suppress(asyncssh.Error, OSError):
        for _ in range(chance.randrange(1, 12)):
            kind = chance.choice([20, 30, 50, 80, 81, 90, 90, 91, 93, 94, 96, 97, 98, 98, 99, chance.randrange(1, 256)])
            names = [b"session", b"exec", b"shell", b"direct-tcpip", b"x11", chance.randbytes(chance.randrange(8))]
            head = chance.choice(
                [b"", b"\0\0\0\0", String(chance.choice(names)), b"\0\0\0\0" + String(chance.choice(names))]
            )
            connection.send_packet(kind, head + chance.randbytes(chance.randrange(60)))
            await asyncio.sleep(0)
    connection.abort()
    await connection.wait_closed()


async def many_fuzzed(times: int, seed: int) -> None:
    chance = random.Random(seed)
    async with ssh_world() as world:
        for _ in range(times):
            await fuzz_after_login(world, chance)
        async with await world.connect() as connection:
            assert (await connection.run("id")).exit_status == 3
        # A random packet can be a whole command, but hardly; what ran was asked about.
        asked = {question.text for question in world.gate.asked if question.protocol == "shell"}
        assert len(world.ran) <= len(asked)
        assert b"id" in asked


async def test_random_packets_behind_a_login_run_nothing_and_others_are_served() -> None:
    await many_fuzzed(30, seed=5)


@pytest.mark.long
async def test_random_packets_behind_a_login_for_long() -> None:
    await many_fuzzed(5_000, seed=6)


def shown_key(connection: asyncssh.SSHClientConnection) -> bytes:
    """The host key that a client was shown."""
    key = connection.get_server_host_key()
    assert key is not None
    return key.public_data


async def test_the_next_connection_is_shown_the_new_host_key_and_open_ones_go_on() -> None:
    new = asyncssh.generate_private_key("ssh-ed25519")
    text = new.export_private_key().decode()
    async with ssh_world() as world:
        open_one = await world.connect(rekey_bytes=20_000)
        was = shown_key(open_one)
        assert world.listener.use_host_keys([text])
        assert not world.listener.use_host_keys([text])
        later = await world.connect(known_hosts=None)
        assert (shown_key(later), shown_key(open_one)) == (new.public_data, was)
        # It agrees on session keys again and again, with the host key that it knows.
        for _ in range(5):
            done = await open_one.run("id", input="x" * 20_000)
            assert done.exit_status == 3
        assert shown_key(open_one) == was


@pytest.mark.parametrize("texts", [[], ["hunter2"], ["one", "one"]])
async def test_host_keys_that_cannot_be_offered_change_nothing(texts: list[str]) -> None:
    made = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    async with ssh_world() as world:
        with pytest.raises(HostKeyUnusable) as caught:
            world.listener.use_host_keys([made if text == "one" else text for text in texts])
        assert "hunter2" not in str(caught.value)
        assert shown_key(await world.connect())


async def test_a_listener_that_was_not_started_begins_with_the_keys_it_was_given_last() -> None:
    old, new = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    listener = SshListener(ListenerSettings([old.export_private_key().decode()]), SmallKeeper(None, b""))
    assert listener.use_host_keys([new.export_private_key().decode()])
    await listener.start()
    try:
        key = await asyncssh.get_server_host_key("127.0.0.1", listener.port)
        assert key is not None
        assert key.public_data == new.public_data
    finally:
        await listener.drain(0)
