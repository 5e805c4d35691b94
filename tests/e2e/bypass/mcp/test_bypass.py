"""Every way around, sent to the gateway before a server made with the official SDK: no tool that was not granted runs.

The server is one without sessions, so that each message counts by itself: `test_without_us` shows that it does.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.bypass.mcp.cases import CASES, TOKEN, Case
from tests.interop.http.running import Running, gateway_before
from tests.interop.mcp.shop import POLICY, Shop


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    made = Shop(stateless=True)
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("way")
    with gateway_before(folder, f"127.0.0.1:{shop.port}", policy=POLICY, protocol="mcp") as made:
        yield made


def send(port: int, data: bytes) -> bytes:
    """Send bytes; what came until the other side closed, or said nothing more for a moment."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection, contextlib.suppress(OSError):
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(65536):
            got += piece
    return got


@pytest.mark.parametrize("case", [pytest.param(case, id=case.title) for case in CASES])
def test_no_tool_runs_that_was_not_granted(case: Case, running: Running, shop: Shop) -> None:
    assert len(TOKEN) == len(running.token)
    for text in case.texts:
        shop.called.clear()
        got = running.raw(text.replace(TOKEN.encode(), running.token.encode()), seconds=0.4)
        assert shop.called == [], text
        assert b"gone" not in got, text
        assert not any(entry.verdict in ("allow", "mask") for entry in running.decisions()), text


def test_there_are_enough_spellings_of_each() -> None:
    assert all(len(set(case.texts)) >= 4 for case in CASES)


def test_without_us_the_same_bytes_run_what_nobody_granted(shop: Shop) -> None:
    shop.called.clear()
    for case in CASES:
        for text in case.texts:
            send(shop.port, text.replace(b"Host: shop", b"Host: 127.0.0.1:%d" % shop.port))
    assert shop.called.count("wipe") >= 3, shop.called
