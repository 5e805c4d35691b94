"""Tickets that are over go, with the commands they show, when the contents of the audit from their time do. Called by `gateway.app`."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, or_, select

from gateway.approvals.lasting import forget_lasting
from gateway.approvals.states import State
from gateway.store.database import Database
from gateway.store.tables import tickets


def forget_tickets(
    database: Database, until: int, now: int, *, resources: Collection[str], others: bool = False
) -> int:
    """Remove tickets made before a time (UTC nanoseconds) that nothing can become of any more; how many there were.

    `resources`: only of these, or with `others` of all but these. Raises StoreUnavailable.
    """
    where = tickets.c.resource.not_in(resources) if others else tickets.c.resource.in_(resources)
    is_over = or_(
        tickets.c.state.not_in((State.REQUESTED.value, State.GRANTED.value)),
        tickets.c.used_at.is_not(None),
        tickets.c.expires_at <= now,
    )
    with database.begin() as connection:
        old = (where, is_over, tickets.c.created_at < until)
        forget_lasting(connection, select(tickets.c.id).where(*old))
        found = connection.execute(delete(tickets).where(*old)).rowcount
    if found:
        database.settle()
    return found
