"""The listener on a real socket, with a small gate."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from adapters.core.listening import Address, RelayListener
from adapters.core.ports import Proof, Refusal, ScramVerifier, Target
from adapters.http.session import http_session
from adapters.web.session.settings import Settings


class Keeper:
    """Lets nobody in."""

    def scram_verifier(self, user: str) -> ScramVerifier:
        raise NotImplementedError

    takes_tokens = False

    def is_signed(self, token: str) -> bool:
        return False

    async def examine(self, token: str, user: str | None, resource: str) -> Proof:
        raise AssertionError

    def check_token(self, user: str, token: str, resource: str) -> bool:
        return False

    def owner_of(self, token: str) -> str | None:
        return None

    def admit(self, **who: object) -> Refusal:
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


async def ask(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    got = await reader.read()
    writer.close()
    return got


async def test_it_accepts_answers_and_drains() -> None:
    listener = RelayListener(Address(), Keeper(), lambda: http_session(Settings(resource="shop")))
    with pytest.raises(RuntimeError):
        _ = listener.port
    await listener.start()
    assert (await ask(listener.port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")).startswith(b"HTTP/1.1 401 ")
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    while not listener.connections:
        await asyncio.sleep(0)
    await listener.drain(1)
    assert await reader.read() == b""
    assert listener.connections == 0
    writer.close()


async def test_above_its_limit_it_closes_at_once() -> None:
    listener = RelayListener(Address(max_connections=0), Keeper(), lambda: http_session(Settings(resource="shop")))
    await listener.start()
    with contextlib.suppress(ConnectionError):
        assert await ask(listener.port, b"") == b""
    assert listener.connections == 0
    await listener.drain(1)
