"""What a relay needs from the listener that made it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

import structlog

from adapters.core.core_tls import ServedTls
from adapters.core.ends import End
from adapters.core.events import FactsRefreshed, UpstreamFailed
from adapters.core.kept import KeptConnections
from adapters.core.leasing import Pool
from adapters.core.ports import Doorkeeper, Target
from adapters.core.reaching import CONNECT_TIMEOUT, reach
from adapters.core.shared import SharedConnections

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a relay needs from the listener that made it.

    `interrupt` stops what the session with a key runs; `errand` makes one more short connection to a target; `refresh` reads
    a target's names again (None: there are none); `kept` keeps connections for another request, `shared` those that many are on at once,
    `pool` for another session (None: each has one of its own).
    """

    doorkeeper: Doorkeeper
    client_tls: ssl.SSLContext | ServedTls | None = None
    interrupt: Callable[[bytes], Awaitable[None]] | None = None
    errand: Callable[[Target, bytes], Awaitable[None]] | None = None
    refresh: Callable[[Target, bool], Awaitable[None]] | None = None
    kept: KeptConnections | None = None
    shared: SharedConnections | None = None
    pool: Pool | None = None

    def keep(self, key: Hashable, end: End, seconds: float) -> None:
        """Keep a connection for another request, for so long; it ends where nobody keeps any."""
        if self.kept is None:
            end.forget()
        else:
            self.kept.put(key, end, seconds)

    def put_back(self, end: End, estate: object) -> None:
        """Give a connection back to its pool; it ends where there is none."""
        if self.pool is None:
            end.forget()
        else:
            self.pool.put_back(end, estate)

    async def reach(
        self, target: Target | None, end: End, shared_for: Hashable | None, session: str
    ) -> tuple[End, bool] | UpstreamFailed:
        """A way to the target of a session: over this end or another one, and whether TLS stands there already. Or why there is none."""
        if target is None:
            raise RuntimeError("the session wants a target before it was admitted")
        return await reach(target, end, self.shared, shared_for, self.doorkeeper.reached, session)

    async def pass_on(self, key: bytes) -> None:
        """Stop what the session with a key runs."""
        if self.interrupt is not None:
            await self.interrupt(key)

    async def read_again(self, target: Target, changed: bool) -> FactsRefreshed:
        """Read a target's names again."""
        if self.refresh is not None:
            await self.refresh(target, changed)
        return FactsRefreshed()

    async def run_errand(self, target: Target, data: bytes) -> None:
        """Make one more short connection to a target, as far as that can be had in time. Never raises for a network."""
        if self.errand is not None:
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT):
                    await self.errand(target, data)
            except (OSError, TimeoutError, ssl.SSLError) as error:
                log.warning("an errand failed", error=type(error).__name__)
