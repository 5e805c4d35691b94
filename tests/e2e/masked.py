"""A whole gateway that masks what a real PostgreSQL answers, and what clients get through it: in text, in binary, in copies."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import asyncpg
import psycopg

from tests.e2e.world import USER, World, configuration, world


@contextmanager
def masking(policy: str, setup: Sequence[str]) -> Iterator[World]:
    """A world under one policy of the `.gate` language, with a mask key `k`; its owner ran the statements of `setup`."""
    with world() as made:
        (made.folder / "policies" / "world.rego").unlink()
        (made.folder / "policies" / "world.gate").write_text(policy)
        made.more["WORLD_MASK"] = secrets.token_urlsafe(24)
        made.config.write_text(configuration(made) + '\n[[masking.key]]\nid = "k"\nsecret = "env:WORLD_MASK"\n')
        with owner(made) as connection:
            for statement in setup:
                connection.execute(statement.encode())
        made.start()
        yield made


def owner(here: World) -> psycopg.Connection[Any]:
    cluster = here.cluster
    address = f"host=localhost port={cluster.port} user={cluster.user} password={cluster.password} dbname=postgres"
    return psycopg.connect(address, sslmode="require", autocommit=True)


def rows(here: World, query: str, *, binary: bool = False, raw: bool = False) -> list[tuple[Any, ...]]:
    with psycopg.connect(here.conninfo(), autocommit=True) as client, client.cursor(binary=binary) as cursor:
        cursor.execute(query.encode())
        result = cursor.pgresult
        assert result is not None
        if raw:
            return [tuple(result.get_value(row, at) for at in range(result.nfields)) for row in range(result.ntuples)]
        return cursor.fetchall()


def copied(here: World, query: str, into: list[bytes]) -> None:
    with psycopg.connect(here.conninfo(), autocommit=True) as client, client.cursor().copy(query.encode()) as copy:
        into += map(bytes, copy)


def fetched(here: World, query: str) -> dict[str, Any]:
    """The first row as asyncpg reads it, which asks for binary."""

    async def fetch() -> dict[str, Any]:
        client = await asyncpg.connect(
            host="127.0.0.1", port=here.port, user=USER, password=here.password, database="world", ssl="require"
        )
        try:
            row = await client.fetchrow(query)
            assert row is not None
            return dict(row)
        finally:
            await client.close()

    return asyncio.run(fetch())
