"""The way to a target: looked up once, every address of it, and nothing else connected to."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest

from adapters.core.core_tls import target_tls
from adapters.core.effects import StartTls
from adapters.core.events import LookedUp, Side
from adapters.core.minting import Authority as Minting
from adapters.core.ports import Target
from adapters.core.reaching import MAX_ADDRESSES, is_connected, look_up, looked_up, tls_for
from adapters.core.tls import upstream_context
from tests.certificates import Authority
from tests.unit.adapters.core.test_minting import NOW


def knows(monkeypatch: pytest.MonkeyPatch, addresses: list[str]) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


async def test_every_address_of_a_host_once(monkeypatch: pytest.MonkeyPatch) -> None:
    knows(monkeypatch, ["192.0.2.1", "192.0.2.2", "192.0.2.1"])
    assert await look_up("shop.example", 443) == ("192.0.2.1", "192.0.2.2")
    assert await looked_up("shop.example", 443) == LookedUp("shop.example", ("192.0.2.1", "192.0.2.2"))
    knows(monkeypatch, [f"192.0.2.{number}" for number in range(MAX_ADDRESSES + 1)])
    assert await look_up("shop.example", 443) == ()


@pytest.mark.parametrize("error", [socket.gaierror(), UnicodeError(), TimeoutError()])
async def test_a_host_that_nobody_knows_has_none(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    assert await look_up("shop.example", 443) == ()


async def test_only_addresses_that_were_looked_up_are_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        knows(monkeypatch, ["192.0.2.1"])
        there = Target("shop.example", port, "", addresses=("127.0.0.1",))
        told: list[tuple[str, bool]] = []

        def tell(session: str, seconds: float, is_reached: bool) -> None:
            assert 0 <= seconds < 60
            told.append((session, is_reached))

        assert await is_connected(there, asyncio.Protocol(), tell, "s-1")
        other = Target("shop.example", port, "", addresses=("127.0.0.9", "127.0.0.1"))
        assert await is_connected(other, asyncio.Protocol(), tell, "s-2")
    assert not await is_connected(there, asyncio.Protocol(), tell, "s-3")
    assert told == [("s-1", True), ("s-2", True), ("s-3", False)]


def test_how_tls_is_done() -> None:
    own, signs = ssl.create_default_context(), Authority()
    minting = Minting(signs.pem, signs.key, lambda: NOW)
    target = Target("shop.example", 443, "")
    assert tls_for(StartTls(Side.CLIENT), own, target) == (own, None)
    assert tls_for(StartTls(Side.UPSTREAM), own, target) == (upstream_context(target), "shop.example")
    assert tls_for(StartTls(Side.UPSTREAM, in_core=True), own, target) == (target_tls(target), "shop.example")
    assert tls_for(StartTls(Side.CLIENT, "a.example", minting), own, target) == (minting.context("a.example"), None)
    for asked in (StartTls(Side.CLIENT), StartTls(Side.CLIENT, "a.example"), StartTls(Side.UPSTREAM)):
        with pytest.raises(RuntimeError):
            tls_for(asked, None if asked.host is None else own, None)
