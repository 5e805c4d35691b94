"""What a forward proxy may have in a configuration, and what nobody else may."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.config.check import find_misfits
from gateway.config.model import Config, Listener, Resource, ResourceProtocol, ServerTls
from gateway.config.proxy import Proxy

GOOD = Proxy(
    ports=(443,),
    inside=("10.0.0.0/8", "fd00::1"),
    opaque=("a.example", "*.b.example"),
    ca_certificate="crt",
    ca_key="env:K",
)
WEB = Resource("web", ResourceProtocol.HTTP, "*", proxy=GOOD)
LISTENER = Listener(ResourceProtocol.HTTP, "127.0.0.1:0", resource="web")


@pytest.fixture
def good(tmp_path: Path) -> Config:
    (tmp_path / "policies").mkdir()
    (tmp_path / "crt").write_text("")
    return Config(resource=(WEB,), listener=(LISTENER,), folder=tmp_path)


def test_a_good_one_has_no_misfits(good: Config) -> None:
    assert list(find_misfits(good)) == []


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"ports": ()}, ("ports",)),
        ({"ports": (0,)}, ("ports",)),
        ({"ports": (70_000,)}, ("ports",)),
        ({"inside": ("10.0.0.1/8",)}, ("inside", 0)),
        ({"inside": ("inside.example",)}, ("inside", 0)),
        ({"opaque": ("A.example",)}, ("opaque", 0)),
        ({"opaque": ("*",)}, ("opaque", 0)),
        ({"opaque": ("a.*.example",)}, ("opaque", 0)),
        ({"ca_key": None}, ("ca_key",)),
        ({"ca_certificate": None}, ("ca_key",)),
        ({"ca_certificate": "nowhere"}, ("ca_certificate",)),
        ({"ca_key": "secret"}, ("ca_key",)),
    ],
)
def test_what_does_not_fit_is_named(good: Config, changes: dict[str, object], key: tuple[str | int, ...]) -> None:
    resource = replace(WEB, proxy=replace(GOOD, **changes))  # type: ignore[arg-type]  # fields of tests
    assert [path[3:] for path, _ in find_misfits(replace(good, resource=(resource,)))] == [key]


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({"address": "10.0.0.1:443"}, ["address"]),
        ({"credential": "env:C"}, ["credential"]),
        ({"role": "r"}, ["role"]),
        ({"openapi": "crt"}, ["openapi"]),
        ({"protocol": ResourceProtocol.MCP}, ["proxy", "resource"]),
    ],
)
def test_a_proxy_is_nothing_else(good: Config, changes: dict[str, object], keys: list[str]) -> None:
    resource = replace(WEB, **changes)  # type: ignore[arg-type]  # fields of tests
    assert [path[2] for path, _ in find_misfits(replace(good, resource=(resource,)))] == keys


def test_only_a_proxy_is_anywhere(good: Config) -> None:
    assert [path[2] for path, _ in find_misfits(replace(good, resource=(replace(WEB, proxy=None),)))] == ["address"]


def test_its_clients_prove_themselves_in_each_request(good: Config) -> None:
    listener = replace(LISTENER, tls=ServerTls("crt", "crt", "crt"))
    assert [path[2:] for path, _ in find_misfits(replace(good, listener=(listener,)))] == [("tls", "client_ca")]
