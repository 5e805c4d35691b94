"""Held commands belong to a job, and what is granted is granted to it."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TICKETS = sa.table(
    "tickets",
    *(sa.column(name) for name in ("id", "state", "version", "used_at", "body")),
)


def upgrade() -> None:
    op.add_column("tickets", sa.Column("job", sa.Text, nullable=True))
    # INVARIANT: a ticket that does not say which job it is for releases nothing any more; the command is asked about anew.
    is_alive = sa.and_(_TICKETS.c.state.in_(("requested", "granted")), _TICKETS.c.used_at.is_(None))
    connection = op.get_bind()
    for row in connection.execute(sa.select(_TICKETS).where(is_alive)).all():
        body = json.loads(row.body)
        body |= {
            "state": "superseded",
            "version": row.version + 1,
            "reason": "the gateway was renewed while this waited",
        }
        closed = {"state": "superseded", "version": row.version + 1, "body": json.dumps(body)}
        connection.execute(sa.update(_TICKETS).where(_TICKETS.c.id == row.id).values(**closed))


def downgrade() -> None:
    with op.batch_alter_table("tickets") as table:
        table.drop_column("job")
