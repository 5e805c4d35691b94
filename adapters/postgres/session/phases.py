"""Which phases a connection goes through, in one table. `docs/protocols/postgres.md` draws it.

    opening -> (tls) opening -> proving -> admission -> dialling -> (securing) -> greeting -> ready -> closed

Every phase may end in `closed`. What a client may send in a phase stands in `CLIENT_MAY_SEND`; anything else is refused
and the connection ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from adapters.postgres.messages.frames import Front


class Phase(StrEnum):
    """Where a connection is."""

    OPENING = "opening"
    """The client may ask for TLS, cancel something, or start up."""
    SECURING_CLIENT = "securing_client"
    """TLS with the client is being set up."""
    PROVING = "proving"
    """The client proves who they are."""
    ADMISSION = "admission"
    """The gate is asked whether they may come in."""
    DIALLING = "dialling"
    """The target is being connected."""
    SECURING = "securing"
    """TLS with the target is being set up."""
    GREETING = "greeting"
    """We sign in at the target; its settings come."""
    READY = "ready"
    """Commands are asked about and run."""
    CLOSED = "closed"


NEXT: Mapping[Phase, frozenset[Phase]] = {
    Phase.OPENING: frozenset({Phase.SECURING_CLIENT, Phase.PROVING, Phase.CLOSED}),
    Phase.SECURING_CLIENT: frozenset({Phase.OPENING, Phase.CLOSED}),
    Phase.PROVING: frozenset({Phase.ADMISSION, Phase.CLOSED}),
    Phase.ADMISSION: frozenset({Phase.DIALLING, Phase.CLOSED}),
    Phase.DIALLING: frozenset({Phase.SECURING, Phase.GREETING, Phase.CLOSED}),
    Phase.SECURING: frozenset({Phase.GREETING, Phase.CLOSED}),
    Phase.GREETING: frozenset({Phase.READY, Phase.CLOSED}),
    Phase.READY: frozenset({Phase.CLOSED}),
    Phase.CLOSED: frozenset(),
}

_COMMANDS = frozenset(Front) - {Front.PASSWORD}

CLIENT_MAY_SEND: Mapping[Phase, frozenset[Front]] = {
    Phase.PROVING: frozenset({Front.PASSWORD}),
    Phase.READY: _COMMANDS,
}
"""Ordinary messages by phase; in phases not listed a client has to wait and what it sends is an error.

WHY not in the phases between: a client that pipelines before ReadyForQuery does not know whether it is let in.
"""
