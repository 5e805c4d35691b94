"""Making, listing and taking back tokens beside a gateway, in its store. Whoever may read that may: the operator. Called by `token`."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from gateway.app.identities import token_keys
from gateway.app.secrets import Secrets
from gateway.config import Config
from gateway.errors import IdentityRefused
from gateway.identity.minting import Asker, Mint, Wish
from gateway.identity.scoped import Grant
from gateway.identity.tokens import Issued, Tokens
from gateway.store.database import open_database
from gateway.store.migrations import upgrade


class TokenDesk:
    """The tokens of one installation."""

    def __init__(self, config: Config, mint: Mint) -> None:
        self._config = config
        self._mint = mint

    @classmethod
    @contextmanager
    def opened(cls, config: Config, environment: Mapping[str, str]) -> Iterator[TokenDesk]:
        """As long as the block lasts. Raises GatewayError."""
        secrets = Secrets(config, environment)
        database = open_database(secrets.store_url())
        try:
            upgrade(database)
            names = {resource.name for resource in config.resource}
            mint = Mint(
                token_keys(secrets, database),
                Tokens(database),
                max_ttl=config.identity.tokens.max_ttl_seconds,
                exists=names.__contains__,
                clock=time.time_ns,
            )
            yield cls(config, mint)
        finally:
            database.close()

    def issue(self, principal: str, wish: Wish) -> tuple[str, Grant]:
        """A token for a principal of the configuration, whose groups are what it says when the token is used."""
        known = next((local for local in self._config.identity.principal if local.name == principal), None)
        if known is None:
            raise IdentityRefused(f"`{principal[:128]}` is no [[identity.principal]]", code="GRANT_PRINCIPAL")
        return self._mint.issue(Asker(known.name, known.kind.value, issued_by=_operator()), wish)

    def alive(self, principal: str | None) -> list[Issued]:
        """The tokens that are alive, newest first."""
        return self._mint.tokens.of(principal, time.time_ns())

    def revoke(self, token_ids: Sequence[str]) -> list[str]:
        """Take tokens back; the ids of those that were alive."""
        return self._mint.tokens.revoke(token_ids, time.time_ns())

    def revoke_all(self, principal: str) -> int:
        """Take back every token of a principal; how many there were."""
        return self._mint.tokens.revoke_all(principal, time.time_ns())


def _operator() -> str:
    """Who makes it, for the record beside it."""
    try:
        return f"local:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"local:{os.geteuid()}"
