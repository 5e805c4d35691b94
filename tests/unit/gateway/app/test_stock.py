"""The numbers that are looked up say how audit, store and certificates stand at the moment of the look."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.postgres.pool import Standing
from gateway.app.assembly import Gateway
from gateway.app.stock import Stock
from gateway.config import load_config
from tests.strategies.gateways import ENVIRONMENT, settle_in


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    built = Gateway(load_config(settle_in(tmp_path), {}), ENVIRONMENT)
    yield built
    built.close()


def number(text: bytes, name: str) -> float:
    found = re.search(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text.decode(), re.MULTILINE)
    assert found is not None, name
    return float(found.group(1))


def test_what_is_well_and_what_is_not(gateway: Gateway) -> None:
    troubles: list[str] = []
    stock = Stock(
        *(gateway.config, gateway.meters, gateway.policies, gateway.counting, gateway.log),
        troubles=lambda: troubles,
        store_trouble=lambda: troubles[0] if troubles else None,
        certificates=lambda: {"faces": 1_800_000_000.0},
    )
    text = stock.text()
    for name in ("audit_refusing", "store_failing", "not_ready"):
        assert number(text, f"sallyport_{name}") == 0, name
    assert number(text, "sallyport_audit_free_bytes") > 0
    assert number(text, "sallyport_audit_low_water_bytes") == gateway.config.audit.low_water_bytes
    assert number(text, "sallyport_certificate_not_after_seconds") == 1_800_000_000
    troubles.append("gone")
    text = stock.text()
    assert (number(text, "sallyport_store_failing"), number(text, "sallyport_not_ready")) == (1, 1)


def test_a_pool_is_told_of_while_there_is_one(gateway: Gateway) -> None:
    pools = {"orders": Standing(5, 2, 1)}
    stock = Stock(
        *(gateway.config, gateway.meters, gateway.policies, gateway.counting, gateway.log),
        troubles=list,
        store_trouble=lambda: None,
        certificates=dict,
        pools=lambda: pools,
    )
    told = stock.text().decode()
    for state, count in (("open", 5), ("free", 2), ("waiting", 1)):
        assert f'sallyport_pool{{resource="orders",state="{state}"}} {count}.0' in told
    pools.clear()
    assert 'sallyport_pool{resource="orders"' not in stock.text().decode()
