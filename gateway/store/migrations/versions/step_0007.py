"""Approvals that are remembered for a while."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lasting_approvals",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("ticket", sa.String(64), nullable=False),
        sa.Column("principal", sa.String(255), nullable=False),
        sa.Column("likeness", sa.String(64), nullable=False),
        sa.Column("granted_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("uses", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger, nullable=True),
        sa.Column("revoked_at", sa.BigInteger, nullable=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("lasting_by_likeness", "lasting_approvals", ["likeness", "expires_at"])
    op.create_index("lasting_by_ticket", "lasting_approvals", ["ticket"])


def downgrade() -> None:
    op.drop_table("lasting_approvals")
