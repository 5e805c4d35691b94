"""Tokens in the database: issued, found, used once, taken back. Compare-and-set where two may want the same. Called by
`minting`, `proofs` and `standing`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import delete, func, insert, select, update

from gateway.errors import IdentityRefused, StoreUnavailable
from gateway.identity.scoped import Grant
from gateway.store.database import Database
from gateway.store.tables import tokens

MAX_ALIVE = 1_000
"""Tokens of one principal that are alive at once: an agent in a loop must not fill the store."""
KEPT = 30 * 86_400_000_000_000
"""Nanoseconds for which what a token allowed, and its prompt, can be looked up after its end."""
_DECODE = msgspec.json.Decoder(Grant).decode


@dataclass(frozen=True, slots=True)
class Issued:
    """A token as the store knows it."""

    grant: Grant
    digest: str
    used_at: int | None
    revoked_at: int | None


class Tokens:
    """The tokens of this installation. Safe from any thread; every method raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, grant: Grant, digest: str) -> None:
        """Keep a new one. Raises IdentityRefused when its principal has too many."""
        with self._database.begin() as connection:
            # WHY here: whoever makes new ones takes the oldest away, so that nobody has to sweep.
            connection.execute(delete(tokens).where(tokens.c.expires_at < grant.issued_at - KEPT))
            alive = select(func.count()).where(
                tokens.c.principal == grant.principal,
                tokens.c.expires_at > grant.issued_at,
                tokens.c.revoked_at.is_(None),
            )
            if connection.execute(alive.select_from(tokens)).scalar_one() >= MAX_ALIVE:
                raise IdentityRefused(
                    "too many tokens of yours are alive", help="`sallyport token revoke`", code="GRANT_TOO_MANY"
                )
            connection.execute(
                insert(tokens).values(
                    id=grant.id,
                    principal=grant.principal,
                    digest=digest,
                    issued_at=grant.issued_at,
                    expires_at=grant.expires_at,
                    body=msgspec.json.encode(grant).decode(),
                )
            )

    def find(self, token_id: str) -> Issued | None:
        """The token of that id."""
        query = select(tokens.c.body, tokens.c.digest, tokens.c.used_at, tokens.c.revoked_at)
        with self._database.begin() as connection:
            row = connection.execute(query.where(tokens.c.id == token_id)).one_or_none()
        return None if row is None else _issued(*row)

    def of(self, principal: str | None, now: int, limit: int = 1_000) -> list[Issued]:
        """The tokens alive at the moment, newest first; of one principal, or all."""
        query = (
            select(tokens.c.body, tokens.c.digest, tokens.c.used_at, tokens.c.revoked_at)
            .where(tokens.c.expires_at > now)
            .order_by(tokens.c.issued_at.desc(), tokens.c.id)
            .limit(limit)
        )
        if principal is not None:
            query = query.where(tokens.c.principal == principal)
        with self._database.begin() as connection:
            return [_issued(*row) for row in connection.execute(query)]

    def use(self, token_id: str, now: int) -> bool:
        """Use a token up. INVARIANT: of all replicas and threads one is told yes, once, and none after it was revoked."""
        wanted = (
            update(tokens)
            .where(
                tokens.c.id == token_id,
                tokens.c.used_at.is_(None),
                tokens.c.revoked_at.is_(None),
                tokens.c.expires_at > now,
            )
            .values(used_at=now)
        )
        with self._database.begin() as connection:
            return connection.execute(wanted).rowcount == 1

    def revoke(self, token_ids: Sequence[str], now: int, principal: str | None = None) -> list[str]:
        """Take tokens back; the ids of those that were alive. `principal`: only that one's."""
        done = []
        with self._database.begin() as connection:
            for token_id in token_ids:
                wanted = update(tokens).where(
                    tokens.c.id == token_id, tokens.c.revoked_at.is_(None), tokens.c.expires_at > now
                )
                if principal is not None:
                    wanted = wanted.where(tokens.c.principal == principal)
                if connection.execute(wanted.values(revoked_at=now)).rowcount == 1:
                    done.append(token_id)
        return done

    def revoke_all(self, principal: str, now: int) -> int:
        """Take back every token of a principal; how many there were."""
        wanted = update(tokens).where(
            tokens.c.principal == principal, tokens.c.revoked_at.is_(None), tokens.c.expires_at > now
        )
        with self._database.begin() as connection:
            return connection.execute(wanted.values(revoked_at=now)).rowcount

    def revoked(self, now: int) -> frozenset[str]:
        """The ids of all that were taken back before their end."""
        query = select(tokens.c.id).where(tokens.c.revoked_at.is_not(None), tokens.c.expires_at > now)
        with self._database.begin() as connection:
            return frozenset(connection.execute(query).scalars())


def _issued(body: str, digest: str, used_at: int | None, revoked_at: int | None) -> Issued:
    try:
        return Issued(_DECODE(body), digest, used_at, revoked_at)
    except msgspec.DecodeError as error:
        raise StoreUnavailable("a token in the store cannot be read") from error
