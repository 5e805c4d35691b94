"""What a relay needs of a pool of connections to targets. PostgreSQL's pool is `adapters.postgres.pool`."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol

from adapters.core import events as saw
from adapters.core.ends import End, Hearer
from adapters.core.events import Event
from adapters.core.ports import Refusal
from adapters.core.reaching import Reached


@dataclass(frozen=True, slots=True)
class Leased:
    """A connection for one session. `estate` is what is known of one that served others; a new one has none yet."""

    end: End
    estate: object | None = None


def told_of(found: Leased | Refusal) -> Event:
    """What a session is told of it."""
    if isinstance(found, Refusal):
        return saw.UpstreamFailed(found.message, found.code)
    return saw.UpstreamOpened(tls=False) if found.estate is None else saw.UpstreamLeased(found.estate)


class Pool(Protocol):
    """Connections that serve one session after the other. Only on the loop's thread."""

    async def lease(self, kin: Hashable, hearer: Hearer, told: Reached, session: str) -> Leased | Refusal:
        """One that may serve `kin`, as soon as there is one, told to `hearer` from then on; or why there is none."""

    def put_back(self, end: End, estate: object) -> None:
        """The session of a leased one is over and left nothing on it that it knows of. Whatever is not sure ends it."""
