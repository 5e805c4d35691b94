"""What an MCP server may have in a configuration, and what nobody else may."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.config.check import find_misfits
from gateway.config.model import Config, Listener, Resource, ResourceProtocol, ServerTls
from gateway.config.tools import Listed, ServerRequest

TOOLS = Resource("tools", ResourceProtocol.MCP, "10.0.0.1:443", credential="env:T", path="/a/mcp", tools="crt")
LISTENER = Listener(ResourceProtocol.MCP, "127.0.0.1:0", resource="tools")


@pytest.fixture
def good(tmp_path: Path) -> Config:
    (tmp_path / "policies").mkdir()
    (tmp_path / "crt").write_text("")
    return Config(resource=(TOOLS,), listener=(LISTENER,), folder=tmp_path)


def test_a_good_one_has_no_misfits(good: Config) -> None:
    assert list(find_misfits(good)) == []


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"path": "mcp"}, ("path",)),
        ({"path": "/mcp?x"}, ("path",)),
        ({"path": "/a/../mcp"}, ("path",)),
        ({"path": "//mcp"}, ("path",)),
        ({"tools": "nowhere"}, ("tools",)),
        ({"database": "d"}, ("database",)),
        ({"openapi": "crt"}, ("openapi",)),
        ({"header": "X Key"}, ("header",)),
    ],
)
def test_what_does_not_fit_is_named(good: Config, changes: dict[str, object], key: tuple[str, ...]) -> None:
    resource = replace(TOOLS, **changes)  # type: ignore[arg-type]  # fields of tests
    assert [path[2:] for path, _ in find_misfits(replace(good, resource=(resource,)))] == [key]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"path": "/mcp"}, "path"),
        ({"server_requests": (ServerRequest.ROOTS,)}, "server_requests"),
        ({"tools": "crt"}, "tools"),
        ({"lists": Listed.PERMITTED}, "lists"),
    ],
)
def test_nobody_else_has_what_is_mcps(good: Config, changes: dict[str, object], key: str) -> None:
    web = replace(Resource("web", ResourceProtocol.HTTP, "10.0.0.1:443"), **changes)  # type: ignore[arg-type]  # fields of tests
    found = [path for path, _ in find_misfits(replace(good, resource=(TOOLS, web)))]
    assert found == [("resource", 1, key)]


def test_beyond_loopback_a_listener_needs_tls(good: Config) -> None:
    bare = replace(LISTENER, bind="0.0.0.0:80")
    assert [path for path, _ in find_misfits(replace(good, listener=(bare,)))] == [("listener", 0, "tls")]
    kept = replace(bare, tls=ServerTls("crt", "crt"))
    assert list(find_misfits(replace(good, listener=(kept,)))) == []
