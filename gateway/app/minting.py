"""Making, listing and taking back tokens beside a gateway, in its store. Whoever may read that may: the operator. Called by `token`.

Each that is made or taken back leaves a word for the audit of whichever gateway looks next, in the same transaction (`beside`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from gateway.app.beside import operator, token_word
from gateway.app.identities import token_keys
from gateway.app.secrets import Secrets
from gateway.config import Config
from gateway.errors import IdentityRefused
from gateway.identity.logins import CONSOLE
from gateway.identity.minting import Asker, Mint, Wish
from gateway.identity.scoped import Grant, TokenKeys
from gateway.identity.tokens import Issued, Tokens
from gateway.store.database import open_database
from gateway.store.migrations import upgrade

MAX_LINK_SECONDS = 3_600.0
"""How long a link to the console may wait to be used."""


class TokenDesk:
    """The tokens of one installation."""

    def __init__(self, config: Config, mint: Mint, links: Mint) -> None:
        """`links` makes nothing but links to the console."""
        self._config = config
        self._mint = mint
        self._links = links

    @classmethod
    @contextmanager
    def opened(cls, config: Config, environment: Mapping[str, str]) -> Iterator[TokenDesk]:
        """As long as the block lasts. Raises GatewayError."""
        secrets = Secrets(config, environment)
        database = open_database(secrets.store_url())
        try:
            upgrade(database)
            names = {resource.name for resource in config.resource}
            keys, tokens = TokenKeys(token_keys(secrets, database)), Tokens(database, token_word)
            mint = Mint(
                keys,
                tokens,
                max_ttl=config.identity.tokens.max_ttl_seconds,
                exists=names.__contains__,
                clock=time.time_ns,
            )
            links = Mint(keys, tokens, max_ttl=MAX_LINK_SECONDS, exists=CONSOLE.__eq__, clock=time.time_ns)
            yield cls(config, mint, links)
        finally:
            database.close()

    def issue(self, principal: str, wish: Wish) -> tuple[str, Grant]:
        """A token for a principal of the configuration, whose groups are what it says when the token is used."""
        return self._mint.issue(self._asker(principal), wish)

    def link(self, principal: str, seconds: float) -> tuple[str, Grant]:
        """A token that signs a principal of the configuration in to the console, once, and is good for nothing else."""
        return self._links.issue(self._asker(principal), Wish((CONSOLE,), seconds, once=True))

    def _asker(self, principal: str) -> Asker:
        known = next((local for local in self._config.identity.principal if local.name == principal), None)
        if known is None:
            raise IdentityRefused(f"`{principal[:128]}` is no [[identity.principal]]", code="GRANT_PRINCIPAL")
        return Asker(known.name, known.kind.value, issued_by=operator())

    def alive(self, principal: str | None) -> list[Issued]:
        """The tokens that are alive, newest first."""
        return self._mint.tokens.of(principal, time.time_ns())

    def revoke(self, token_ids: Sequence[str]) -> list[str]:
        """Take tokens back; the ids of those that were alive."""
        return self._mint.tokens.revoke(token_ids, time.time_ns())

    def revoke_all(self, principal: str) -> int:
        """Take back every token of a principal; how many there were."""
        return self._mint.tokens.revoke_all(principal, time.time_ns())
