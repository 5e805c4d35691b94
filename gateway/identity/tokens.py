"""Tokens in the database: issued, found, used once, taken back. Compare-and-set where two may want the same. Called by
`minting`, `proofs` and `standing`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from gateway.errors import IdentityRefused, StoreUnavailable
from gateway.identity.scoped import Grant
from gateway.store.database import Database
from gateway.store.tables import tokens
from gateway.store.untold import leave

MAX_ALIVE = 1_000
"""Tokens of one principal that are alive at once: an agent in a loop must not fill the store."""
MAX_BODIES = 2 << 20
"""Characters that the tokens of one principal may take, prompts above all: who lists or takes them back reads them all."""
KEPT = 30 * 86_400_000_000_000
"""Nanoseconds for which what a token allowed, and its prompt, can be looked up after its end, where nothing says less."""
Word: TypeAlias = Callable[[str, Grant, int], str]
"""The word to leave (`store.untold`) of a token that was `issued` or `revoked` at a time."""
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

    def __init__(self, database: Database, word: Word | None = None) -> None:
        """`word`: who works here is no gateway, and leaves a word for one of all that it changes."""
        self._database = database
        self._word = word

    def add(self, grant: Grant, digest: str) -> None:
        """Keep a new one. Raises IdentityRefused when its principal has too many."""
        with self._database.begin() as connection:
            # WHY here too: whoever makes new ones takes the oldest away, where no gateway sweeps.
            connection.execute(delete(tokens).where(tokens.c.expires_at < grant.issued_at - KEPT))
            theirs = (tokens.c.principal == grant.principal, tokens.c.expires_at > grant.issued_at)
            # WHY the room of those taken back too: they are listed until their end.
            room = select(func.coalesce(func.sum(func.length(tokens.c.body)), 0)).where(*theirs)
            count = select(func.count()).select_from(tokens).where(*theirs, tokens.c.revoked_at.is_(None))
            alive, size = connection.execute(count).scalar_one(), int(connection.execute(room).scalar_one())
            body = _body(grant)
            if alive >= MAX_ALIVE:
                raise IdentityRefused(
                    "too many tokens of yours are alive", help="`sallyport token revoke`", code="GRANT_TOO_MANY"
                )
            if grant.prompt is not None and size + len(body) > MAX_BODIES:
                raise IdentityRefused(
                    "the prompts of your tokens take too much room",
                    help="wait for the end of some, or ask without a prompt",
                    code="GRANT_PROMPTS",
                )
            connection.execute(
                insert(tokens).values(
                    id=grant.id,
                    principal=grant.principal,
                    digest=digest,
                    issued_at=grant.issued_at,
                    expires_at=grant.expires_at,
                    body=body,
                )
            )
            self._leave(connection, "issued", grant, grant.issued_at)

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
                    if self._word is not None:
                        body = connection.execute(select(tokens.c.body).where(tokens.c.id == token_id)).scalar_one()
                        self._leave(connection, "revoked", _grant(body), now)
        return done

    def revoke_all(self, principal: str, now: int) -> int:
        """Take back every token of a principal; how many there were."""
        query = select(tokens.c.id).where(
            tokens.c.principal == principal, tokens.c.revoked_at.is_(None), tokens.c.expires_at > now
        )
        with self._database.read() as connection:
            alive = list(connection.execute(query).scalars())
        return len(self.revoke(alive, now, principal))

    def forget(self, until: int, now: int, *, resources: Collection[str], others: bool = False) -> int:
        """Forget what tokens made before a time (UTC nanoseconds) say of their jobs; how many there were.

        `resources`: only of those that are for one of these, or with `others` for one that is none of these. One that is over goes
        whole; of one that is not, its prompt. Raises StoreUnavailable.
        """
        found = 0
        with self._database.begin() as connection:
            rows = connection.execute(select(tokens.c.id, tokens.c.body).where(tokens.c.issued_at < until))
            for token_id, body in list(rows):
                grant = _grant(body)
                if not any((name in resources) is not others for name in grant.resources):
                    continue
                this = tokens.c.id == token_id
                # WHY not one that was taken back before its end: the sessions it opened must go on hearing of that.
                if grant.expires_at <= now:
                    connection.execute(delete(tokens).where(this))
                elif grant.prompt is not None:
                    connection.execute(update(tokens).where(this).values(body=_body(grant.without_prompt())))
                else:
                    continue
                found += 1
        return self._settled(found)

    def sweep(self, now: int) -> int:
        """Forget those that ended long ago; how many there were. Raises StoreUnavailable."""
        with self._database.begin() as connection:
            return self._settled(connection.execute(delete(tokens).where(tokens.c.expires_at < now - KEPT)).rowcount)

    def _settled(self, gone: int) -> int:
        if gone:
            self._database.settle()
        return gone

    def _leave(self, connection: Connection, step: str, grant: Grant, now: int) -> None:
        if self._word is not None:
            leave(connection, self._word(step, grant, now), now)

    def revoked(self, now: int) -> frozenset[str]:
        """The ids of all that were taken back before their end."""
        query = select(tokens.c.id).where(tokens.c.revoked_at.is_not(None), tokens.c.expires_at > now)
        with self._database.begin() as connection:
            return frozenset(connection.execute(query).scalars())


def _issued(body: str, digest: str, used_at: int | None, revoked_at: int | None) -> Issued:
    return Issued(_grant(body), digest, used_at, revoked_at)


def _body(grant: Grant) -> str:
    return msgspec.json.encode(grant).decode()


def _grant(body: str) -> Grant:
    try:
        return _DECODE(body)
    except msgspec.DecodeError as error:
        raise StoreUnavailable("a token in the store cannot be read") from error
