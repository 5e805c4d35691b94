"""A whole gateway from a configuration: built, asked, reloaded, stopped; and nothing left open when it cannot be."""

from __future__ import annotations

import asyncio
import socket
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from gateway.app import assembly
from gateway.app.assembly import Gateway
from gateway.audit.read import read
from gateway.config import Config, load_config
from gateway.config.model import Faces, Listener, Metrics, ResourceProtocol, Store
from gateway.doors.session import GatewaySession
from gateway.errors import AuditUnavailable, ConfigInvalid, GatewayError, PolicyUnusable, StoreUnavailable
from tests.strategies.gates import question
from tests.strategies.gateways import ENVIRONMENT, settle_in


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config(settle_in(tmp_path), {})


@pytest.fixture
def gateway(config: Config) -> Iterator[Gateway]:
    built = Gateway(config, ENVIRONMENT)
    yield built
    built.close()


def decide(gateway: Gateway, text: str) -> str:
    admitted = gateway.doors.admit(
        user="ana", resource="orders", protocol="postgres", proven=True, client_address=None, application=None
    )
    assert isinstance(admitted, GatewaySession)
    return admitted.decide(question(text)).decision.verdict.value


def told(config: Config) -> list[tuple[str, str]]:
    return [(entry.kind.value, entry.step) for entry in read(config.at(config.audit.dir))]


def test_what_is_built_decides_and_records(gateway: Gateway, config: Config) -> None:
    assert decide(gateway, "SELECT 1") == "allow"
    assert decide(gateway, "CREATE TABLE a (b int)") == "deny"
    assert decide(gateway, "DELETE FROM a") == "hold"
    assert told(config)[:3] == [("policy", "loaded"), ("started", ""), ("session", "opened")]


async def test_every_server_starts_and_says_where(gateway: Gateway) -> None:
    places = await gateway.start(listeners=True)
    try:
        assert [place.split()[0] for place in places] == ["metrics", "grpc", "grpc", "postgres"]
        host, port = places[-1].split()[1].rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=60):
            pass
        text = await asyncio.to_thread(_get, f"http://{places[0].split()[1]}/metrics")
        assert "sallyport_sessions" in text
    finally:
        await gateway.stop(1)


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return str(answer.read().decode())


async def test_the_faces_start_where_they_are_asked_for(config: Config) -> None:
    gateway = Gateway(replace(config, faces=Faces("127.0.0.1:0")), ENVIRONMENT)
    places = await gateway.start(listeners=False)
    try:
        (place,) = [place for place in places if place.startswith("faces")]
        assert await asyncio.to_thread(_get, f"http://{place.split()[1]}/health") == "{}"
    finally:
        await gateway.stop(1)
        gateway.close()


async def test_serving_only_opens_no_listener(gateway: Gateway) -> None:
    places = await gateway.start(listeners=False)
    await gateway.stop(1)
    assert not [place for place in places if place.startswith("postgres")]


async def test_a_port_that_is_taken_is_said_to_be(gateway: Gateway) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        for changed in (
            replace(gateway.config, metrics=Metrics(bind)),
            replace(gateway.config, listener=(replace(gateway.config.listener[0], bind=bind),)),
        ):
            gateway.config = changed
            with pytest.raises(ConfigInvalid, match="cannot be listened on"):
                await gateway.start(listeners=True)
            await gateway.stop(1)


def test_policies_that_do_not_compile_keep_it_from_starting_and_leave_nothing_open(config: Config) -> None:
    (config.folder / "policies" / "shop.rego").write_text("package")
    for _ in range(2):
        with pytest.raises(PolicyUnusable, match=r"shop\.rego"):
            Gateway(config, ENVIRONMENT)


@pytest.mark.parametrize("problem", ["no secret", "no store", "no audit"])
def test_what_cannot_be_had_keeps_it_from_starting(config: Config, problem: str) -> None:
    expected: type[GatewayError] = GatewayError
    environment = dict(ENVIRONMENT)
    match problem:
        case "no secret":
            environment = {}
        case "no store":
            config, expected = replace(config, store=Store("mysql://h/d")), StoreUnavailable
        case _:
            (config.folder / "state").mkdir()
            (config.folder / "state" / "audit").write_text("in the way")
            expected = AuditUnavailable
    with pytest.raises(expected):
        Gateway(config, environment)


def test_a_reload_takes_new_policies_people_and_resources(gateway: Gateway, config: Config) -> None:
    file = config.folder / "sallyport.toml"
    (config.folder / "policies" / "shop.rego").write_text("package policies.shop\n")
    file.write_text(file.read_text().replace('name = "orders"', 'name = "bills"'))
    gateway.reload(load_config(file, {}), ENVIRONMENT)
    assert gateway.doors.known.directory.resource("orders") is None
    assert gateway.doors.known.directory.resource("bills") is not None
    assert told(config)[-1] == ("policy", "loaded")


def test_a_reload_that_fails_keeps_everything(gateway: Gateway, config: Config) -> None:
    (config.folder / "policies" / "shop.rego").write_text("package")
    gateway.reload(config, {})
    gateway.reload(None, {})
    assert decide(gateway, "SELECT 1") == "allow"
    assert ("policy", "failed") in told(config)


def test_a_closed_gateway_has_said_so(config: Config) -> None:
    gateway = Gateway(config, ENVIRONMENT)
    gateway.close()
    assert told(config)[-1] == ("stopped", "")
    Gateway(config, ENVIRONMENT).close()


async def test_overdue_tickets_are_swept(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    from gateway.app import assembly

    swept = asyncio.Event()
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(assembly, "SWEEP_SECONDS", 0.0)
    monkeypatch.setattr(gateway.gate, "expire_overdue", lambda: loop.call_soon_threadsafe(swept.set))
    task = asyncio.create_task(gateway.sweep())
    await asyncio.wait_for(swept.wait(), 60)
    task.cancel()


async def test_what_fails_in_a_sweep_is_told_and_keeps_nothing_else_from_being_done(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, flushed = asyncio.get_running_loop(), asyncio.Event()

    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(assembly, "SWEEP_SECONDS", 0.0)
    monkeypatch.setattr(gateway.gate, "expire_overdue", fail)
    monkeypatch.setattr(gateway.counting, "flush", lambda: loop.call_soon_threadsafe(flushed.set))
    task = asyncio.create_task(gateway.tending.keep("sweep", gateway.sweep))
    await asyncio.wait_for(flushed.wait(), 60)
    assert "holds: a fault of the gateway (ZeroDivisionError)" in gateway.troubles()
    assert b'sallyport_background_failures_total{work="holds"}' in gateway.meters.text()
    well = asyncio.Event()
    monkeypatch.setattr(gateway.gate, "expire_overdue", lambda: loop.call_soon_threadsafe(well.set))
    await asyncio.wait_for(well.wait(), 60)
    while gateway.troubles():
        await asyncio.sleep(0)
    task.cancel()


async def test_it_says_why_it_is_not_ready(gateway: Gateway) -> None:
    assert gateway.troubles() == []
    gateway.policies._program = None
    assert gateway.troubles() == ["no policy is loaded"]
    gateway.log.close()
    await gateway.stop(0)
    assert gateway.troubles() == ["no policy is loaded", "audit: the audit is closed", "draining"]


def test_a_reload_from_another_machine_keeps_nobody(
    gateway: Gateway, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembly, "is_remote", lambda config: True)
    told, loaded = list[str](), threading.Event()
    gateway.policies.subscribe(lambda revision: (told.append(threading.current_thread().name), loaded.set()))
    (config.folder / "policies" / "more.rego").write_text("package policies.more\n")
    gateway.reload(None, {})
    assert loaded.wait(20)
    assert told == ["policy-reload"]


async def test_an_ssh_listener_starts_with_its_host_key_and_not_without(config: Config) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    one = Listener(ResourceProtocol.SSH, "127.0.0.1:0", host_key=("env:HOST_KEY",))
    built = Gateway(replace(config, listener=(one,)), {**ENVIRONMENT, "HOST_KEY": key})
    try:
        places = await built.start(listeners=True)
        assert places[-1].startswith("ssh 127.0.0.1:")
    finally:
        await built.stop(0)
        built.close()
    broken = Gateway(replace(config, listener=(one,)), {**ENVIRONMENT, "HOST_KEY": "hunter2"})
    try:
        with pytest.raises(ConfigInvalid) as caught:
            await broken.start(listeners=True)
        assert caught.value.code == "NO_HOST_KEY"
        assert "hunter2" not in str(caught.value)
    finally:
        await broken.stop(0)
        broken.close()
