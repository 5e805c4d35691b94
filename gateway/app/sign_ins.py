"""Who is signed in to the console, listed and ended beside a gateway, in its store. Whoever may read that may: the operator.

Each that is ended leaves a word for the audit, in the same transaction (`beside`). Called by `console`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from gateway.app.beside import operator, word_of
from gateway.app.console import sign_ins_of
from gateway.app.secrets import Secrets
from gateway.config import Config
from gateway.console.signed_in import SignedIn, SignIns
from gateway.console.signing_in import taken_back
from gateway.store.database import open_database
from gateway.store.migrations import upgrade
from gateway.store.untold import leave


class SignInDesk:
    """The sign-ins of one installation."""

    def __init__(self, sessions: SignIns) -> None:
        self._sessions = sessions

    @classmethod
    @contextmanager
    def opened(cls, config: Config, environment: Mapping[str, str]) -> Iterator[SignInDesk]:
        """As long as the block lasts. Raises GatewayError."""
        database = open_database(Secrets(config, environment).store_url())
        try:
            upgrade(database)
            yield cls(sign_ins_of(config, database))
        finally:
            database.close()

    def alive(self, principal: str | None) -> list[SignedIn]:
        """Who is signed in, the newest first."""
        return self._sessions.alive(time.time_ns(), principal)

    def take_back(self, name: str, comment: str = "") -> bool:
        """End the sign-in of that name; no where there is none."""
        session = self._sessions.named(name)
        if session is None:
            return False
        entry = taken_back(session, operator(), comment, time.time_ns())
        return self._sessions.take_back(session, lambda connection: leave(connection, word_of(entry), entry.time))
