"""The console of a whole gateway: every page is there, links lead to it, and what it says is so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from gateway.app import assembly
from gateway.app.assembly import Gateway
from gateway.app.console import Parts, console_link, console_origin, make_console
from gateway.config import Config, load_config
from gateway.config.model import Console, ServerTls
from gateway.console.server import ConsoleServer
from gateway.errors import ConfigInvalid
from tests.api_descriptions import check
from tests.strategies.console import token_in
from tests.strategies.gateways import ENVIRONMENT, settle_in


def of(console: Console) -> Config:
    return Config(console=console)


def test_links_lead_to_where_browsers_find_it() -> None:
    assert console_origin(of(Console())) is None
    assert console_origin(of(Console("127.0.0.1:0"))) is None
    assert console_origin(of(Console("127.0.0.1:8080"))) == "http://127.0.0.1:8080"
    assert console_origin(of(Console("0.0.0.0:8443", ServerTls("c", "k")))) == "https://0.0.0.0:8443"
    assert console_link(of(Console("127.0.0.1:1", url="https://gate/")))("h-1") == "https://gate/holds/h-1"
    assert console_link(of(Console()))("h-1") is None


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    file = settle_in(tmp_path)
    file.write_text(file.read_text().replace('name = "bo"\n', 'name = "bo"\npassword = "env:ANA_PASSWORD"\n'))
    built = Gateway(replace(load_config(file, {}), console=Console("127.0.0.1:0")), ENVIRONMENT)
    yield built
    await built.stop(1)
    built.close()


async def test_every_page_of_a_whole_gateway_is_there(gateway: Gateway) -> None:
    places = await gateway.start(listeners=False)
    (origin,) = [place.split()[1] for place in places if place.startswith("console")]
    own = {"Origin": origin}
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        async with client.get(f"{origin}/sign-in") as answer:
            token = token_in(await answer.text())
        form = {"csrf": token, "name": "bo", "secret": ENVIRONMENT["ANA_PASSWORD"], "next": "/health"}
        async with client.post(f"{origin}/sign-in", data=form, headers=own) as answer:
            page = await answer.text()
        assert "It decides" in page
        for place in ("holds", "decisions", "sessions", "policies", "audit", "health"):
            async with client.get(f"{origin}/{place}") as answer:
                assert answer.status == 200, place
                page = await answer.text()
            assert f'href="/{place}" aria-current="page"' in page
        async with client.get(f"{origin}/policies") as answer:
            assert gateway.policies.revision[:12] in await answer.text()


async def test_the_description_is_of_all_routes_and_of_nothing_else(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[ConsoleServer] = []

    def make(parts: Parts) -> ConsoleServer:
        made.append(make_console(parts))
        return made[0]

    monkeypatch.setattr(assembly, "make_console", make)
    await gateway.start(listeners=False)
    await check(made[0].application(), "console")


def test_a_certificate_that_cannot_be_used_keeps_it_from_starting(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("no certificate")
    config = replace(load_config(settle_in(tmp_path), {}), console=Console("127.0.0.1:0", ServerTls("x.pem", "x.pem")))
    built = Gateway(config, ENVIRONMENT)
    try:
        with pytest.raises(ConfigInvalid, match="console"):
            asyncio.run(built.start(listeners=False))
    finally:
        built.close()
