"""One gateway before one MCP server for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.http.running import Running, gateway_before
from tests.interop.mcp.shop import POLICY, Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    yield made
    made.close()


@pytest.fixture
def running(shop: Shop, tmp_path: Path) -> Iterator[Running]:
    with gateway_before(tmp_path, f"127.0.0.1:{shop.port}", policy=POLICY, protocol="mcp") as made:
        yield made
