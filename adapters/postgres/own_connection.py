"""The gateway's own connections to targets: what it asks there for itself, beside every session. Used by `catalog` and `planner`.

INVARIANT: no names are looked up by a path that people set, and nobody waits long for a lock that a user's transaction holds.
"""

from __future__ import annotations

from dataclasses import replace

import asyncpg

from adapters.core.ports import Target
from adapters.core.tls import upstream_context
from adapters.postgres.catalog_rows import LOCK_TIMEOUT


async def connect(target: Target, name: str, seconds: float) -> asyncpg.Connection:
    """A new connection under a name of ours. Raises what asyncpg raises, ConnectionError where there is no credential."""
    if target.fresh is not None:
        target = replace(await target.fresh(), database=target.database)
    return await asyncpg.connect(
        host=target.host,
        port=target.port,
        user=target.user,
        password=target.password,
        database=target.database,
        ssl=upstream_context(target) if target.tls else False,
        server_settings={"application_name": name, "search_path": "", "lock_timeout": LOCK_TIMEOUT},
        timeout=seconds,
    )
