"""A credential that ends: had again from its helper before a connection needs it, once for all who wait for it.

The helper runs on a thread, for `sources.EXEC_SECONDS` at most. Who comes while it runs waits for the same run. Where it fails, the credential
before is used to its end and no longer; after that there is none, and whoever needs it is refused. Lives on the gateway's loop, but for
`target`, `is_ready` and `trouble`, which any thread may ask. Built by `gateway.app.secrets`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from adapters.core.ports import Target
from gateway.credentials.answers import Fetched
from gateway.errors import GatewayError
from gateway.telemetry import logger

EARLY = 30.0
"""Seconds before its end from which on a credential is had again, or a tenth of its life where that is less."""
PAUSE = 2.0
"""Seconds after a failure before the next try."""
_RUNNERS = ThreadPoolExecutor(4, "credential")


class Renewing:
    """The credential of one resource, and the target with it."""

    def __init__(
        self,
        name: str,
        fetch: Callable[[], Fetched],
        build: Callable[[Fetched], Target],
        first: Fetched,
        clock: Callable[[], float],
    ) -> None:
        """`fetch` runs the helper, `build` makes the target; both raise GatewayError. `clock` is seconds since 1970."""
        self._name, self._fetch, self._build, self._clock = name, fetch, build, clock
        self._running: asyncio.Future[None] | None = None
        self._next_try = 0.0
        self.target = Target("", 0, "")
        """With the credential of the moment."""
        self._ends_at = self._renew_at = 0.0
        self._use(first)

    def _use(self, found: Fetched) -> None:
        now = self._clock()
        # One that has no end this time is had again when the gateway starts or reloads, as others are.
        ends_at = float("inf") if found.ends_at is None else found.ends_at
        if ends_at <= now:
            raise GatewayError("the helper gave a credential that is over already", code="CREDENTIAL_UNAVAILABLE")
        self.target = replace(self._build(found), fresh=self.fresh)
        self._ends_at, self._renew_at = ends_at, ends_at - min(EARLY, (ends_at - now) / 10)

    @property
    def is_ready(self) -> bool:
        """Whether a connection can be made with it as it is."""
        now = self._clock()
        return now < self._renew_at or (now < self._next_try and not self.trouble)

    @property
    def trouble(self) -> bool:
        """Whether there is none that could be used."""
        return self._clock() >= self._ends_at

    @property
    def lasts(self) -> float | None:
        """For how many seconds it is used, None where it has no end."""
        return None if self._renew_at == float("inf") else max(0.0, self._renew_at - self._clock())

    async def make_ready(self) -> None:
        """Have it again where that is due. Never raises: `trouble` says what came of it."""
        if self.is_ready or self._clock() < self._next_try:
            return
        if self._running is None or self._running.done():
            self._running = asyncio.ensure_future(self._renew())
        # WHY shielded: who leaves must not end the run for the others.
        await asyncio.shield(self._running)

    async def _renew(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._use(await loop.run_in_executor(_RUNNERS, self._fetch))
        except GatewayError as error:
            self._next_try = self._clock() + PAUSE
            told = logger("credentials")
            told.error("a credential cannot be had again", resource=self._name, code=error.code, problem=str(error))

    async def fresh(self) -> Target:
        """The target with a credential that is good now. Raises ConnectionError."""
        await self.make_ready()
        if self.trouble:
            raise ConnectionError("the credential for the target cannot be had")
        return self.target
