"""What each kind of job did before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job_uses",
        sa.Column("owner", sa.LargeBinary(16), primary_key=True),
        sa.Column("use", sa.LargeBinary(16), primary_key=True),
        sa.Column("principal", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(128), nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("decision_id", sa.String(64), nullable=False),
        sa.Column("learned_at", sa.BigInteger, nullable=False),
    )
    op.create_index("job_uses_by_kind", "job_uses", ["principal", "kind"])


def downgrade() -> None:
    op.drop_table("job_uses")
