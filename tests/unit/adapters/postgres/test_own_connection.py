"""A connection of the gateway's own searches no path of people's and waits for no lock of theirs."""

from __future__ import annotations

import asyncpg
import pytest

from adapters.core.ports import Target
from adapters.postgres.own_connection import connect


async def test_it_is_made_with_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, object] = {}

    async def noted(**how: object) -> str:
        given.update(how)
        return "made"

    monkeypatch.setattr(asyncpg, "connect", noted)
    found = await connect(Target("db", 5432, "app", "s3cret", "main", tls=False), "ours", 2.0)
    assert found == "made"
    assert given["server_settings"] == {"application_name": "ours", "search_path": "", "lock_timeout": "100ms"}
    assert (given["host"], given["database"], given["ssl"], given["timeout"]) == ("db", "main", False, 2.0)


async def test_a_credential_that_ends_is_one_that_is_good_now(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, object] = {}

    async def noted(**how: object) -> str:
        given.update(how)
        return "made"

    async def fresh() -> Target:
        return Target("db", 5432, "user-2", "new", tls=False)

    monkeypatch.setattr(asyncpg, "connect", noted)
    await connect(Target("db", 5432, "user-1", "old", "main", tls=False, fresh=fresh), "ours", 2.0)
    assert (given["user"], given["password"], given["database"]) == ("user-2", "new", "main")
