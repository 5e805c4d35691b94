"""What a relay needs from the listener that made it. Data only."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from adapters.core.kept import KeptConnections
from adapters.core.ports import Doorkeeper, Target


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a relay needs from the listener that made it.

    `interrupt` stops what the session with a key runs; `errand` makes one more short connection to a target; `refresh` reads
    a target's names again (None: there are none); `kept` keeps connections for another request.
    """

    doorkeeper: Doorkeeper
    client_tls: ssl.SSLContext | None = None
    interrupt: Callable[[bytes], Awaitable[None]] | None = None
    errand: Callable[[Target, bytes], Awaitable[None]] | None = None
    refresh: Callable[[Target, bool], Awaitable[None]] | None = None
    kept: KeptConnections | None = None
