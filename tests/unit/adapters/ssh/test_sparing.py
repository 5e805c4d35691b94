"""No empty packets ahead of others; and no cipher for which they would be needed."""

from __future__ import annotations

import asyncssh
from asyncssh.connection import SSHConnection
from asyncssh.constants import MSG_GLOBAL_REQUEST
from asyncssh.encryption import get_default_encryption_algs
from asyncssh.packet import Boolean, String

from tests.ssh_world import ssh_world


def packets_for_one(connection: SSHConnection) -> int:
    """How many packets go out for one that is sent."""
    before = connection._send_seq
    connection.send_packet(
        MSG_GLOBAL_REQUEST, String(b"keepalive@openssh.com"), Boolean(False)
    )  # a request that wants no answer
    sent: int = connection._send_seq - before
    return sent


async def test_neither_clients_nor_targets_get_empty_packets() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        assert (await connection.run("echo 1")).exit_status == 3
        visitor = next(iter(world.listener._connections))
        assert visitor.visit is not None
        assert visitor._connection is not None
        towards = visitor.visit.upstream._connections
        assert [packets_for_one(one) for one in (visitor._connection, *towards)] == [1, 1]
        # What asyncssh does by itself, so that this is seen once it does something else.
        assert packets_for_one(connection) == 2
        assert (await connection.run("echo 2")).exit_status == 3


async def test_the_target_is_spoken_to_with_a_cipher_that_processors_help_with() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        assert (await connection.run("echo 1")).exit_status == 3
        visitor = next(iter(world.listener._connections))
        assert visitor.visit is not None
        (towards,) = visitor.visit.upstream._connections
        assert (
            towards.get_extra_info("send_cipher") == towards.get_extra_info("recv_cipher") == "aes256-gcm@openssh.com"
        )


async def test_no_cipher_that_needs_empty_packets_is_offered() -> None:
    assert not [name for name in get_default_encryption_algs() if b"cbc" in name]
    async with ssh_world() as world:
        try:
            await asyncssh.connect(
                "127.0.0.1", world.listener.port, encryption_algs="aes256-cbc", known_hosts=None, config=None
            )
        except asyncssh.KeyExchangeFailed:
            return
        raise AssertionError("somebody agreed on it")
