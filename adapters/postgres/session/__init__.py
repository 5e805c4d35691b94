"""What may happen when on one PostgreSQL connection. Pure: events in, effects out. `conversation` is the way in."""

from adapters.postgres.session.conversation import PostgresSession
from adapters.postgres.session.settings import ClientProof, Settings

__all__ = ["ClientProof", "PostgresSession", "Settings"]
