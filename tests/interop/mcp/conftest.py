"""One gateway before one MCP server for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.http.running import Running, gateway_before
from tests.interop.mcp.shop import POLICY, Shop


@pytest.fixture(scope="module")
def whole_shop() -> Iterator[Shop]:
    made = Shop()
    yield made
    made.close()


@pytest.fixture
def shop(whole_shop: Shop) -> Shop:
    """The server, with nothing called yet."""
    whole_shop.called.clear()
    return whole_shop


@pytest.fixture(scope="module")
def running(whole_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("tools")
    with gateway_before(folder, f"127.0.0.1:{whole_shop.port}", policy=POLICY, protocol="mcp") as made:
        yield made
