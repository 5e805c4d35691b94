"""`pool` of a `[[resource]]`: connections to PostgreSQL that serve one session after the other. Read by `model`, checked by `check`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gateway.config.places import Path

MOST = 10_000
LONGEST_WAIT = 15
"""Seconds. WHY: signing in may take 20 in all."""


class PoolMode(StrEnum):
    """When a connection serves somebody else."""

    SESSION = "session"
    """When the session is over."""
    TRANSACTION = "transaction"
    """Between two transactions of a session too, where nothing keeps it."""


@dataclass(frozen=True, slots=True)
class Pool:
    """`[resource.pool]`: at most `size` connections for each database of the resource; one that serves nobody ends after `idle_seconds`,
    and each, between two sessions, after `lifetime_seconds`. Who finds none waits for `wait_seconds`."""

    size: int
    mode: PoolMode = PoolMode.SESSION
    idle_seconds: float = 60.0
    lifetime_seconds: float = 3_600.0
    wait_seconds: float = 5.0


def find_pool_misfits(pool: Pool | None, speaks_postgres: bool, path: Path) -> Iterator[tuple[Path, str]]:
    """Everything about the pool of a resource that does not fit together, as in `check`."""
    if pool is None:
        return
    if not speaks_postgres:
        yield path, "is of no use where no postgres is spoken"
    if not 1 <= pool.size <= MOST:
        yield (*path, "size"), f"is out of range; expected 1 to {MOST}"
    if not 1 <= pool.idle_seconds <= 86_400:
        yield (*path, "idle_seconds"), "is out of range; expected 1 to 86400"
    if not 1 <= pool.lifetime_seconds <= 86_400:
        yield (*path, "lifetime_seconds"), "is out of range; expected 1 to 86400"
    if not 0 <= pool.wait_seconds <= LONGEST_WAIT:
        yield (*path, "wait_seconds"), f"is out of range; expected 0 (not at all) to {LONGEST_WAIT}"
