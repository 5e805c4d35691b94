"""The listener on a real socket, with a small gate."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core import listening
from adapters.core.effects import Effect
from adapters.core.events import Event, Side
from adapters.core.listening import Address, RelayListener
from adapters.core.ports import Cause, Proof, Refusal, ScramVerifier, Target
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


class Busy:
    """Runs something, says so, and has a word for its end; `leaves`: it is over then."""

    short_way = None
    is_waiting = False

    def __init__(self, leaves: bool) -> None:
        self._leaves = leaves
        self.saw: list[Event] = []

    def handle(self, event: Event, now: float) -> list[Effect]:
        self.saw.append(event)
        match event:
            case saw.StopRequested(reason, Cause.KILLED):
                word = do.Send(Side.CLIENT, reason.encode())
                return [word, do.Close(reason)] if self._leaves else [word]
            case saw.TimePassed():
                return [do.Send(Side.CLIENT, b"busy, ")]
            case _:
                return []


@pytest.mark.parametrize("leaves", [True, False])
async def test_what_still_runs_at_the_end_of_a_drain_is_told_so_before_it_is_cut(
    leaves: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "CUT_SECONDS", 0.1)
    session = Busy(leaves)
    listener = RelayListener(Address(), Keeper(), lambda: session)
    await listener.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    assert await reader.readexactly(6) == b"busy, "
    drained = asyncio.create_task(listener.drain(0.05, "over"))
    assert await reader.read() == b"over"
    await drained
    told = [event for event in session.saw if not isinstance(event, saw.TimePassed)]
    ends = [saw.StopRequested("over", Cause.DRAIN), saw.StopRequested("over", Cause.KILLED)]
    assert told == (ends if leaves else [*ends, saw.EndReceived(Side.CLIENT)])
    assert listener.connections == 0
    writer.close()
