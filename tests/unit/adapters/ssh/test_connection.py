"""Who comes in, and that nothing but session channels is there for them."""

from __future__ import annotations

import asyncio

import asyncssh
import pytest
from asyncssh.constants import MSG_CHANNEL_CLOSE, MSG_DISCONNECT
from asyncssh.packet import SSHPacketLogger

from adapters.ssh.connection import MAX_OFFERS, ClientConnection, ConnectionSettings
from adapters.ssh.visit import MAX_CHANNELS
from tests.ssh_world import Proven, SmallKeeper, World, new_key, ssh_world


def alone() -> ClientConnection:
    return ClientConnection(ConnectionSettings(), SmallKeeper(None, b""), lambda one: True, lambda one: None)


def test_a_name_is_never_enough() -> None:
    connection = alone()
    assert connection.begin_auth("ann") is True
    assert connection.public_key_auth_supported()
    assert connection.password_auth_supported()
    assert connection.change_password("ann", "ey good", "x") is False
    assert not connection.kbdint_auth_supported()


async def test_the_key_of_a_person_lets_them_in() -> None:
    async with ssh_world() as world, await world.connect():
        (who,) = world.keeper.admitted
        assert (who["user"], who["resource"], who["protocol"], who["proven"]) == ("ann", "box", "ssh", True)
        assert who["client_address"] == "127.0.0.1"


@pytest.mark.parametrize("username", ["ann", "ann+", "ann+other", "bob+box", "+box"])
async def test_other_names_and_resources_do_not(username: str) -> None:
    async with ssh_world() as world:
        with pytest.raises((asyncssh.Error, OSError)):
            async with await world.connect(username) as connection:
                await connection.run("id")
        assert world.gate.asked == []


async def with_password(world: World, username: str, password: str) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(
        "127.0.0.1",
        world.listener.port,
        username=username,
        password=password,
        client_keys=None,
        known_hosts=([world.host_key.convert_to_public()], [], []),
        config=None,
        agent_path=None,
    )


async def test_a_signed_token_lets_its_person_in_and_goes_along_as_the_proof() -> None:
    async with ssh_world() as world:
        async with await with_password(world, "ann+box", "ey good") as connection:
            assert (await connection.run("id")).exit_status == 3
        (who,) = world.keeper.admitted
        assert (who["user"], who["proven"], who["proof"]) == ("ann", True, Proven("ann"))


@pytest.mark.parametrize(
    ("username", "password"),
    [("ann+box", "ey bad"), ("bob+box", "ey good"), ("ann+other", "ey good"), ("ann+box", "plain"), ("+box", "ey bad")],
)
async def test_no_other_password_is_taken(username: str, password: str) -> None:
    async with ssh_world() as world:
        with pytest.raises(asyncssh.PermissionDenied):
            await with_password(world, username, password)
        await world.until(lambda: world.keeper.admitted)
        assert [who["proven"] for who in world.keeper.admitted] == [False]


async def test_who_fails_with_a_token_may_still_have_a_key_which_has_no_limits_of_the_token() -> None:
    connection = alone()
    connection.begin_auth("ann+box")
    assert not await connection.validate_password("ann+box", "ey bad")
    assert connection._proof is None
    assert await connection.validate_password("ann+box", "ey good")
    assert connection._proof == Proven("ann")
    connection.begin_auth("bob+box")
    assert connection._proof is None
    assert not await connection.validate_password("ann+box", "ey good")


async def test_passwords_are_counted_like_keys() -> None:
    connection = alone()
    connection.begin_auth("ann+box")
    for _ in range(MAX_OFFERS):
        assert not await connection.validate_password("ann+box", "plain")
    assert not await connection.validate_password("ann+box", "ey good")


async def test_a_strangers_key_is_recorded_as_a_failed_login() -> None:
    async with ssh_world() as world:
        with pytest.raises(asyncssh.PermissionDenied):
            await world.connect(key=new_key())
        await world.until(lambda: world.keeper.admitted)
        assert [who["proven"] for who in world.keeper.admitted] == [False]


async def test_a_bound_listener_serves_its_own_resource_alone() -> None:
    async with ssh_world(resource="box") as world:
        async with await world.connect("ann") as connection:
            assert (await connection.run("id")).exit_status == 3
        async with await world.connect("ann+box") as connection:
            assert (await connection.run("id")).exit_status == 3
        with pytest.raises((asyncssh.Error, OSError)):
            async with await world.connect("ann+other") as connection:
                await connection.run("id")


async def test_sockets_and_listeners_are_refused_and_recorded() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_unix_connection("/var/run/docker.sock")
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_port("", 0, "localhost", 22)
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_path("/tmp/x", "/tmp/y")
        assert [text for text, _ in world.gate.refused] == [
            b'connect-socket "/var/run/docker.sock"',
            b'listen "" "0"',
            b'listen-socket "/tmp/x"',
        ]


async def test_a_certificate_of_an_authority_proves_whom_it_names() -> None:
    authority, key = new_key(), new_key()
    async with ssh_world() as world:
        world.keeper.authorities.append(authority.export_public_key().decode().strip())
        for names, comes_in in ((["ann"], True), (["bob"], False), ([], False)):
            certificate = authority.generate_user_certificate(key, "t", principals=names)
            wanted = asyncssh.connect(
                "127.0.0.1",
                world.listener.port,
                username="ann+box",
                client_keys=[(key, certificate)],
                known_hosts=([world.host_key.convert_to_public()], [], []),
                config=None,
                agent_path=None,
            )
            if comes_in:
                async with wanted as connection:
                    assert (await connection.run("id")).exit_status == 3
            else:
                with pytest.raises(asyncssh.PermissionDenied):
                    await wanted
        with pytest.raises(asyncssh.PermissionDenied):
            await world.connect(key=authority)


async def test_there_is_an_end_of_channels() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        for _ in range(MAX_CHANNELS):
            await connection.create_process("id #stuck")
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_process("id #stuck")
        assert len(world.gate.asked) == MAX_CHANNELS


def test_keys_are_not_tried_for_ever() -> None:
    connection = alone()
    key = new_key()
    for _ in range(MAX_OFFERS):
        connection.validate_public_key("ann", key)
    assert connection.reason == "the client left"
    assert not connection.validate_public_key("ann", key)
    assert connection.reason == "too many keys"


async def test_a_proof_of_another_name_than_the_last_is_none() -> None:
    keeper = SmallKeeper(None, b"")
    connection = ClientConnection(ConnectionSettings(), keeper, lambda one: True, lambda one: None)

    class Wire:
        _transport = None

        def get_extra_info(self, name: str, default: object = None) -> object:
            return {"username": "root+box"}.get(name, default)

        def set_authorized_keys(self, keys: object) -> None:
            self.keys = keys

        def disconnect(self, code: int, reason: str) -> None:
            self.said = reason

        def send_packet(self, pkttype: int, *args: bytes) -> None:
            raise AssertionError("nothing is sent here")

    wire = Wire()
    connection.connection_made(wire)  # type: ignore[arg-type]  # as much of one as is asked
    connection.begin_auth("ann+box")
    connection.auth_completed()
    assert keeper.admitted[0]["proven"] is False
    assert connection.visit is None
    assert "28P01" in wire.said


async def test_who_is_sent_away_hears_why_before_anything_of_theirs_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ssh_world() as world, await world.connect() as connection:
        process = await connection.create_process("id #hold")
        await world.until(lambda: world.gate.held)
        visitor = next(iter(world.listener._connections))
        assert visitor._connection is not None
        sent: list[int] = []
        send = visitor._connection.send_packet

        def seen(pkttype: int, *args: bytes, handler: SSHPacketLogger | None = None) -> None:
            sent.append(pkttype)
            send(pkttype, *args, handler=handler)

        monkeypatch.setattr(visitor._connection, "send_packet", seen)
        visitor.cut("enough for today")
        visitor.cut("enough for today")
        await process.wait_closed()
        # WHY: ssh leaves with its last channel, and reads nothing that comes behind its end.
        assert sent[0] == MSG_DISCONNECT
        assert MSG_CHANNEL_CLOSE not in sent
        await world.until(lambda: bool(world.gate.closed))
        assert (world.gate.closed, world.gate.withdrawn) == (["enough for today"], ["T1"])


async def test_connections_that_wait_for_an_approval_count_as_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.ssh.visit.MAX_CHANNELS", 3)
    async with ssh_world() as world, await world.connect() as connection:
        opening = [asyncio.ensure_future(connection.open_connection("db #hold", 80 + n)) for n in range(8)]
        async with asyncio.timeout(60):
            while sum(one.done() for one in opening) < 5:
                await asyncio.sleep(0)
        assert len(world.gate.held) == 3
        for fate in world.gate.held.values():
            fate.set_result(False)
        await asyncio.gather(*opening, return_exceptions=True)
        visitor = next(iter(world.listener._connections))
        assert visitor.visit is not None
        assert visitor.visit.channels == 0
