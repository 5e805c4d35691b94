"""Approvals that are remembered for a while: kept with the ticket that granted them, used by what is like its command, taken back.

INVARIANT: the store alone says whether one counts, at each use, in the statement that counts the use; nothing here is remembered
between two calls. So it is over for all replicas the moment that its time is, or that somebody takes it back.
Called by `store`, `recalling` and whoever lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, Select, delete, insert, select, update

from gateway.approvals.likeness import Likeness
from gateway.approvals.states import Ticket
from gateway.errors import ApprovalConflict
from gateway.store.database import Database
from gateway.store.tables import lasting_approvals as table

MAX_LISTED = 200


@dataclass(frozen=True, slots=True)
class LastingApproval:
    """One of them. Times are UTC nanoseconds. `rules` held the first command, whose ticket is `ticket`; `approvers` said yes to it."""

    id: str
    ticket: str
    likeness: Likeness
    rules: tuple[str, ...]
    approvers: tuple[str, ...]
    granted_at: int
    expires_at: int
    uses: int = 0
    used_at: int | None = None
    revoked_at: int | None = None

    @property
    def principal(self) -> str:
        return self.likeness.principal

    @property
    def resource(self) -> str:
        return self.likeness.resource

    @property
    def job(self) -> str:
        return self.likeness.job


class _Body(msgspec.Struct, frozen=True):
    """What of it only this file reads."""

    likeness: Likeness
    rules: tuple[str, ...]
    approvers: tuple[str, ...]


Before = Callable[[LastingApproval], object]


def lasting_id(ticket: str) -> str:
    """The id of the approval that a ticket may leave behind."""
    return f"a-{ticket.removeprefix('h-')}"


def keep_lasting(connection: Connection, before: Ticket, after: Ticket) -> None:
    """In the transaction of a step that grants: what its approvers want to be remembered."""
    seconds = after.remembered
    if before.granted_at is not None or after.granted_at is None or seconds == 0 or after.likeness is None:
        return
    approvers = tuple(vote.approver for vote in after.votes if vote.granted)
    connection.execute(
        insert(table).values(
            id=lasting_id(after.id),
            ticket=after.id,
            principal=after.principal,
            likeness=after.likeness.key,
            granted_at=after.granted_at,
            expires_at=after.granted_at + seconds * 1_000_000_000,
            uses=0,
            body=_ENCODER.encode(_Body(after.likeness, after.rules, approvers)).decode(),
        )
    )


def forget_lasting(connection: Connection, tickets: Select[tuple[str]]) -> None:
    """In the transaction that forgets tickets: without its ticket none counts."""
    connection.execute(delete(table).where(table.c.ticket.in_(tickets)))


class LastingApprovals:
    """Those of this installation. Safe from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, likeness: Likeness, now: int) -> LastingApproval | None:
        """The one that covers this and ends last. Whether it counts, `use` says."""
        query = self._alive(now).where(table.c.likeness == likeness.key).order_by(table.c.expires_at.desc()).limit(10)
        return next((one for one in self._read(query) if one.likeness == likeness), None)

    def get(self, lasting: str) -> LastingApproval | None:
        """One of them, over or not."""
        return next(iter(self._read(select(table).where(table.c.id == lasting))), None)

    def settled(self, lasting: str) -> LastingApproval | None:
        """The same, once every write that began before has come or can not come any more."""
        # WHY a change that changes nothing: it waits for whoever changes the row.
        touch = update(table).where(table.c.id == lasting).values(uses=table.c.uses)
        with self._database.begin() as connection:
            connection.execute(touch)
            row = connection.execute(select(table).where(table.c.id == lasting)).mappings().one_or_none()
        return None if row is None else _of(row)

    def alive(self, now: int, principal: str | None = None) -> list[LastingApproval]:
        """Those that count now, newest first. `principal`: only that one's."""
        query = self._alive(now).order_by(table.c.granted_at.desc(), table.c.id).limit(MAX_LISTED)
        return self._read(query if principal is None else query.where(table.c.principal == principal))

    def use(self, lasting: str, likeness: Likeness, now: int, before: Before) -> LastingApproval:
        """Count a use of one for something; as it is after it. Raises ApprovalConflict (LASTING_OVER) when it does not count.

        `before` is called while nobody else can take it back: the audit's chance to refuse by raising.
        """
        is_good = (table.c.id == lasting, table.c.likeness == likeness.key, *_counts(now))
        change = update(table).where(*is_good).values(uses=table.c.uses + 1, used_at=now)
        with self._database.begin() as connection:
            if connection.execute(change).rowcount != 1:
                raise _over(lasting)
            after = _of(connection.execute(select(table).where(table.c.id == lasting)).mappings().one())
            if after.likeness != likeness:
                raise _over(lasting)
            before(after)
        return after

    def take_back(self, lasting: str, now: int, before: Before) -> LastingApproval:
        """End one. Raises ApprovalConflict (LASTING_OVER) when there is none, or it is over. `before` as of `use`."""
        change = update(table).where(table.c.id == lasting, *_counts(now)).values(revoked_at=now)
        with self._database.begin() as connection:
            if connection.execute(change).rowcount != 1:
                raise _over(lasting)
            after = _of(connection.execute(select(table).where(table.c.id == lasting)).mappings().one())
            before(after)
            self._database.tell_replicas(connection, after.ticket)
        return after

    def _alive(self, now: int) -> Select[tuple[object, ...]]:
        return select(table).where(*_counts(now))

    def _read(self, query: Select[tuple[object, ...]]) -> list[LastingApproval]:
        with self._database.read() as connection:
            return [_of(row) for row in connection.execute(query).mappings()]


def _counts(now: int) -> tuple[ColumnElement[bool], ...]:
    return (table.c.revoked_at.is_(None), table.c.granted_at <= now, table.c.expires_at > now)


def _over(lasting: str) -> ApprovalConflict:
    return ApprovalConflict(f"there is no remembered approval `{lasting[:64]}` any more", code="LASTING_OVER")


def _of(row: RowMapping) -> LastingApproval:
    body = _DECODER.decode(row["body"])
    return LastingApproval(
        *(row["id"], row["ticket"], body.likeness, body.rules, body.approvers),
        *(row["granted_at"], row["expires_at"], row["uses"], row["used_at"], row["revoked_at"]),
    )


_DECODER = msgspec.json.Decoder(_Body)
_ENCODER = msgspec.json.Encoder()
