"""The demonstration's own way to its database, past the gateway: to fill it at the start, and to look at what happened."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import asyncpg

from gateway.demo.cluster import Cluster
from gateway.demo.sample import sample_sql

#: The role that the gateway signs in with: rows of the shop and nothing more.
GATEWAY_ROLE = "sallyport"

_GRANTS = f"""\
GRANT USAGE ON SCHEMA shop TO {GATEWAY_ROLE};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shop TO {GATEWAY_ROLE};
"""


def fill(cluster: Cluster, authority: Path, password: str) -> None:
    """Make the sample data and the gateway's role with this password."""
    asyncio.run(_run(cluster, authority, _role(password) + sample_sql() + _GRANTS))


def looker(cluster: Cluster, authority: Path) -> Callable[[str], str]:
    """A function that asks the database one question with one value as the answer."""

    def look(sql: str) -> str:
        return asyncio.run(_value(cluster, authority, sql))

    return look


def _role(password: str) -> str:
    quoted = password.replace("'", "''")
    return f"CREATE ROLE {GATEWAY_ROLE} LOGIN PASSWORD '{quoted}';\n"


async def _connect(cluster: Cluster, authority: Path) -> asyncpg.Connection:
    return await asyncpg.connect(
        host="127.0.0.1",
        port=cluster.port,
        user=cluster.user,
        password=cluster.password,
        database="postgres",
        ssl=ssl.create_default_context(cafile=str(authority)),
    )


async def _run(cluster: Cluster, authority: Path, script: str) -> None:
    connection = await _connect(cluster, authority)
    try:
        await connection.execute(script)
    finally:
        await connection.close()


async def _value(cluster: Cluster, authority: Path, sql: str) -> str:
    connection = await _connect(cluster, authority)
    try:
        return str(await connection.fetchval(sql))
    finally:
        await connection.close()
