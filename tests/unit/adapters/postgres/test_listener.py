"""Accept, keys, drain. Real loop, loopback sockets only; no target is ever reached."""

from __future__ import annotations

import asyncio
import struct

import pytest

from adapters.core.ports import GateSession, Proof, Refusal, ScramVerifier, Target
from adapters.postgres.listener import ListenerSettings, PostgresListener
from tests.wire import VERIFIER, errors, packet, startup


class Keeper:
    """Lets nobody in."""

    def scram_verifier(self, user: str) -> ScramVerifier:
        return VERIFIER

    takes_tokens = False

    def is_signed(self, token: str) -> bool:
        return False

    async def examine(self, token: str, user: str | None, resource: str) -> Proof:
        raise AssertionError

    def check_token(self, user: str, token: str, resource: str) -> bool:
        return False

    def admit(self, **who: object) -> GateSession | Refusal:
        return Refusal("28P01", "no")

    def is_ready(self, resource: str) -> bool:
        return True

    async def make_ready(self, resource: str) -> None:
        pass

    def reached(self, session: str, seconds: float, is_reached: bool) -> None:
        pass

    def groups_of(self, user: str) -> tuple[str, ...]:
        return ()

    def target(self, resource: str) -> Target | None:
        return None


async def started(**more: object) -> PostgresListener:
    listener = PostgresListener(ListenerSettings(**more), Keeper())  # type: ignore[arg-type]  # fields of the settings
    await listener.start()
    return listener


async def test_a_client_is_asked_for_its_proof() -> None:
    listener = await started()
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(startup(user="ann"))
    assert (await reader.readexactly(9))[:1] == b"R"
    writer.close()
    await listener.drain(1.0)


async def test_garbage_gets_one_error_and_the_end() -> None:
    listener = await started()
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert errors(await reader.read())[0]["C"] == "08P01"
    writer.close()
    await listener.drain(1.0)


async def test_a_cancel_with_an_unknown_key_is_closed_without_a_word() -> None:
    listener = await started()
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(packet(struct.pack("!I", 80877102) + b"pid!key!"))
    assert await reader.read() == b""
    writer.close()
    await listener.drain(1.0)


async def test_more_connections_than_wanted_are_closed_at_once() -> None:
    listener = await started(max_connections=0)
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()
    await listener.drain(1.0)


async def test_a_drain_tells_who_is_connected_and_forgets_them() -> None:
    listener = await started()
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(startup(user="ann"))
    await reader.readexactly(9)
    assert listener.connections == 1
    await listener.drain(5.0)
    assert b"57P01" in await reader.read()
    assert listener.connections == 0
    writer.close()


async def test_every_connection_has_a_key_of_its_own() -> None:
    listener = await started()
    pairs = [await asyncio.open_connection("127.0.0.1", listener.port) for _ in range(3)]
    for reader, writer in pairs:
        writer.write(startup(user="ann"))
        await reader.readexactly(9)
    assert len({key[:8] for key in listener._relays}) == 3
    for _, writer in pairs:
        writer.close()
    await listener.drain(1.0)


async def test_the_port_is_known_only_after_the_start() -> None:
    with pytest.raises(RuntimeError):
        _ = PostgresListener(ListenerSettings(), Keeper()).port
