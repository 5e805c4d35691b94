"""Which phases a connection goes through, in one table; `docs/protocols/http.md` draws it.

    (securing) -> head -> proving -> (body) -> asked -> (held) -> reaching -> running -> head ...

A request that does not go on leaves from where it is to `head`, or to `closed`; every phase may end in `closed`. One that went up on a connection
that was kept is `reaching` until the target says a byte: till then it may have to be sent again, on another.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Phase(StrEnum):
    """Where a connection is."""

    SECURING = "securing"
    """TLS with the client is being set up."""
    HEAD = "head"
    """The next request's head is waited for."""
    PROVING = "proving"
    """Whose token it is, and whether they may come in, is asked."""
    BODY = "body"
    """The body is read, so that it can be judged."""
    ASKED = "asked"
    """The gate is asked."""
    HELD = "held"
    """People are asked."""
    REACHING = "reaching"
    """The target is being connected, TLS included."""
    RUNNING = "running"
    """The request goes up, the answer comes down."""
    LEAVING = "leaving"
    """The last answer is said; what the client still sends is thrown away for a moment, so that it can read the answer."""
    CLOSED = "closed"


NEXT: Mapping[Phase, frozenset[Phase]] = {
    Phase.SECURING: frozenset({Phase.HEAD, Phase.CLOSED}),
    Phase.HEAD: frozenset({Phase.PROVING, Phase.ASKED, Phase.CLOSED}),
    Phase.PROVING: frozenset({Phase.BODY, Phase.ASKED, Phase.LEAVING, Phase.CLOSED}),
    Phase.BODY: frozenset({Phase.ASKED, Phase.CLOSED}),
    Phase.ASKED: frozenset({Phase.HELD, Phase.REACHING, Phase.HEAD, Phase.LEAVING, Phase.CLOSED}),
    Phase.HELD: frozenset({Phase.REACHING, Phase.HEAD, Phase.CLOSED}),
    Phase.REACHING: frozenset({Phase.RUNNING, Phase.HEAD, Phase.LEAVING, Phase.CLOSED}),
    Phase.RUNNING: frozenset({Phase.HEAD, Phase.LEAVING, Phase.CLOSED}),
    Phase.LEAVING: frozenset({Phase.CLOSED}),
    Phase.CLOSED: frozenset(),
}

CLIENTS_TURN = frozenset({Phase.SECURING, Phase.HEAD, Phase.BODY, Phase.LEAVING})
"""Phases in which nothing happens unless the client says more."""
