from __future__ import annotations

from pathlib import Path
from typing import Self

import asyncpg
import pytest

from gateway.demo import database
from gateway.demo.cluster import Cluster
from gateway.demo.database import GATEWAY_ROLE, fill, looker


class Connection:
    """Remembers what it was asked; fails on demand."""

    def __init__(self, answer: object = None) -> None:
        self.answer = answer
        self.executed: list[str] = []
        self.options: dict[str, object] = {}
        self.closed = False

    async def open(self, **options: object) -> Self:
        self.options = options
        return self

    async def execute(self, script: str) -> None:
        self.executed.append(script)
        if isinstance(self.answer, Exception):
            raise self.answer

    async def fetchval(self, sql: str) -> object:
        self.executed.append(sql)
        return self.answer

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(database.ssl, "create_default_context", lambda cafile: f"trusts {cafile}")
    return Cluster(port=5433, user="postgres", password="secret", folder=tmp_path)


def connect(monkeypatch: pytest.MonkeyPatch, answer: object = None) -> Connection:
    connection = Connection(answer)
    monkeypatch.setattr(asyncpg, "connect", connection.open)
    return connection


def test_the_gateways_role_may_touch_rows_and_nothing_more(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(monkeypatch)
    fill(cluster, tmp_path / "authority", "it's")
    (script,) = connection.executed
    assert script.startswith(f"CREATE ROLE {GATEWAY_ROLE} LOGIN PASSWORD 'it''s';")
    assert script.index("CREATE TABLE shop.orders") < script.index("GRANT SELECT, INSERT, UPDATE, DELETE")
    assert "SUPERUSER" not in script
    assert connection.closed


def test_the_database_is_reached_over_tls_with_its_own_certificate(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(monkeypatch, 7)
    assert looker(cluster, tmp_path / "authority")("SELECT 7") == "7"
    assert connection.options["ssl"] == f"trusts {tmp_path / 'authority'}"
    assert connection.options["host"] == "127.0.0.1"
    assert connection.closed


def test_the_connection_is_closed_when_the_script_fails(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(monkeypatch, ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        fill(cluster, tmp_path / "authority", "x")
    assert connection.closed
