"""The tables, as SQLAlchemy Core knows them. `migrations` builds them; a test compares the two."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

metadata = MetaData()

tickets = Table(
    "tickets",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("principal", String(255), nullable=False),
    Column("resource", String(255), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger, nullable=True),
    Column("body", Text, nullable=False),
    Column("job", Text, nullable=True),
    Index("tickets_by_state", "state", "expires_at"),
    Index("tickets_by_binding", "principal", "resource", "digest"),
)
"""Held commands. `body` is the whole ticket as JSON; the other columns are for finding it and for compare-and-set."""

lasting_approvals = Table(
    "lasting_approvals",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("ticket", String(64), nullable=False),
    Column("principal", String(255), nullable=False),
    Column("likeness", String(64), nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("uses", BigInteger, nullable=False),
    Column("used_at", BigInteger, nullable=True),
    Column("revoked_at", BigInteger, nullable=True),
    Column("body", Text, nullable=False),
    Index("lasting_by_likeness", "likeness", "expires_at"),
    Index("lasting_by_ticket", "ticket"),
)
"""Approvals that are remembered. `likeness` is a digest of all that they cover, which stands in `body` as JSON."""

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("principal", String(255), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger, nullable=True),
    Column("revoked_at", BigInteger, nullable=True),
    Column("body", Text, nullable=False),
    Index("tokens_by_principal", "principal", "issued_at"),
    Index("tokens_by_end", "expires_at"),
    Index("tokens_revoked", "revoked_at"),
)
"""Tokens that were issued here. `body` is what they allow, as JSON; `digest` the SHA-256 of the token, which is kept nowhere."""

console_sessions = Table(
    "console_sessions",
    metadata,
    Column("id", LargeBinary(32), primary_key=True),
    Column("principal", String(255), nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("console_sessions_by_principal", "principal", "opened_at"),
)
"""Who is signed in to the console. `id` is the hash of what the browser holds."""

job_uses = Table(
    "job_uses",
    metadata,
    Column("owner", LargeBinary(16), primary_key=True),
    Column("use", LargeBinary(16), primary_key=True),
    Column("principal", String(255), nullable=False),
    Column("kind", String(128), nullable=False),
    Column("said", Text, nullable=False),
    Column("decision_id", String(64), nullable=False),
    Column("learned_at", BigInteger, nullable=False),
    Index("job_uses_by_kind", "principal", "kind"),
)
"""What each kind of job of a principal did before. `owner` and `use` are hashes; `said` is the use as people read it."""

audit_logs = Table(
    "audit_logs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("upto", BigInteger, nullable=False),
    Column("mark", LargeBinary, nullable=False),
)
"""The logs that are indexed: up to which entry, and the digest of its line."""

audit_terms = Table(
    "audit_terms",
    metadata,
    Column("log", Integer, primary_key=True, autoincrement=False),
    Column("term", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
"""Which entry has which term (`gateway.audit.index.terms`): hashes, never a text."""

audit_days = Table(
    "audit_days",
    metadata,
    Column("log", Integer, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
)
"""The first and the last entry of each day since 1970 (UTC)."""

installation = Table(
    "installation",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
"""What all replicas of one installation share and nobody configures (the key that decoys are made of), and what waits
to be told to an audit (`gateway.store.untold`)."""
