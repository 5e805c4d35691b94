"""A session whose connection may be another one after each transaction: when it gives one up, what waits until it has one again. Pure.

    here --somebody waits, and it stands between two transactions--> away --the client says something--> asked for --> here

INVARIANT: while it is away nothing of the client is read; what comes is fed to `ready` once a connection is there that is, for all that can
be asked, what the first one was when it was new. What the session would miss on another connection keeps it here (`Facts.keeps`).
docs/decisions/0061. Called by `conversation`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import replace

from adapters.core.buffer import HIGH_WATER, MAX_MESSAGE
from adapters.core.effects import CloseUpstream, Pause, Resume, ReturnUpstream, WakeAt
from adapters.core.events import Side
from adapters.errors import PeerProtocolError
from adapters.postgres.messages import notices
from adapters.postgres.messages.frames import Front, frame, refuse
from adapters.postgres.session.approach import Approach
from adapters.postgres.session.outbox import Outbox
from adapters.postgres.session.pooled import Estate, is_superusers
from adapters.postgres.session.ready import Ready
from adapters.postgres.session.settings import Settings

MAX_WAITING = MAX_MESSAGE
"""Bytes of the client's that wait for a connection. From HIGH_WATER on it is not read from. WHY not before: its end would not be seen."""
_TERMINATE = frame(Front.TERMINATE)


class Moving:
    """One session's. Made when it is ready for the first time."""

    def __init__(self, outbox: Outbox, settings: Settings, first: Approach, again: Mapping[str, str]) -> None:
        """`first` reached the connection that the session began with; `again` are the client's startup parameters."""
        if first.estate is None:
            raise RuntimeError("a connection of no pool cannot be given up")
        self._out = outbox
        self._settings = settings
        self._place = first.place
        self._resource = first.resource
        self._startup = again
        self._first = replace(first.estate, statuses=dict(first.estate.statuses))
        self._waiting: list[bytes] = []
        self._asked = 0
        self._until = 0.0
        self.is_wanted = False
        """Somebody waits for a connection."""
        self.is_away = False
        """The session has none."""

    @property
    def is_asking(self) -> bool:
        """Whether it waits for one."""
        return bool(self._waiting)

    def is_kept(self, ready: Ready, statuses: Mapping[str, str]) -> bool:
        """Whether the session needs the very connection that it has, `statuses` being what the server reports on it."""
        return ready.keeps or is_superusers(statuses) or statuses != self._first.statuses

    def go(self, ready: Ready, estate: Estate) -> None:
        """Give the connection up: to the pool, or to nobody where a cancel may still be on its way to it."""
        self.is_away, self.is_wanted = True, False
        self._out.wish(CloseUpstream() if ready.has_cancelled else ReturnUpstream(estate))

    def is_goodbye(self, data: bytes) -> bool:
        """Whether the client takes its leave, for which no connection is needed."""
        return not self._waiting and data == _TERMINATE

    def wait(self, data: bytes) -> Approach | None:
        """Keep what the client says. The way to a connection, where none was asked for yet."""
        self._waiting.append(data)
        size = sum(map(len, self._waiting))
        if size > MAX_WAITING:
            raise refuse("too much was sent while no connection is free", notices.TOO_LARGE)
        if size > HIGH_WATER:
            self._out.wish(Pause(Side.CLIENT))
        if len(self._waiting) > 1:
            return None
        self._asked += 1
        self._until = self._out.now + self._settings.login_seconds
        self._out.wish(WakeAt(self._until))
        return Approach(self._out, self._place, self._place.database, self._startup, self._nonce(), self._resource)

    def time_passed(self) -> None:
        """Look at the time while there is no connection. Raises when it took too long to come by one."""
        if self._waiting and self._out.now >= self._until:
            raise PeerProtocolError("to come by a connection took too long", code=notices.TOO_MANY)

    def _nonce(self) -> bytes:
        """A fresh one, which nobody can foresee who does not know the session's own name. WHY not the first one again: an answer to it may have
        been recorded."""
        seed = self._settings.own_name + self._settings.client_nonce + self._asked.to_bytes(8, "big")
        return base64.b64encode(hashlib.sha256(seed).digest()[:18])

    def come(self, estate: Estate) -> bytes:
        """A connection is there: what waited for it. Raises where it is not what the first one was."""
        if estate.who != self._first.who or estate.statuses != self._first.statuses:
            raise PeerProtocolError(
                "role or settings are not those that the session began with any more: connect again",
                code=notices.SHUTDOWN,
            )
        data = b"".join(self._waiting)
        self._waiting.clear()
        self.is_away = False
        self._out.wish(Resume(Side.CLIENT))
        self._out.wish(WakeAt(None))
        return data
