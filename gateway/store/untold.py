"""What was done in the store beside a running gateway, until the audit was told: left in the transaction that does it.

A gateway owns its log, and whoever works beside it (`sallyport token`) may be on another machine. So nothing is done there without
leaving a word of it here; whichever replica looks next writes the entry and takes the word away. INVARIANT: no word is lost: it goes
when its entry is kept, and a crash in between tells it twice. Called by `identity.tokens` and `gateway.app`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from sqlalchemy import Connection, delete, insert, select

from gateway.store.database import Database
from gateway.store.tables import installation

MOST = 1_000
"""Words that one look takes."""
_OURS = "untold:"
"""How the names of words begin, in the table of what replicas share; the rest is when, so that they have an order."""


def leave(connection: Connection, word: str, now: int) -> None:
    """Leave a word (an entry, as JSON) in a transaction that does what it tells. `now` is UTC nanoseconds."""
    name = f"{_OURS}{now:020d}:{secrets.token_hex(8)}"
    connection.execute(insert(installation).values(name=name, value=word.encode()))


def take(database: Database, tell: Callable[[str], None]) -> int:
    """Have every word told, oldest first; how many there were. What `tell` raises leaves its word. Raises StoreUnavailable."""
    with database.read() as connection:
        ours = select(installation.c.name).where(installation.c.name.startswith(_OURS))
        waiting = list(connection.execute(ours.order_by(installation.c.name).limit(MOST)).scalars())
    told = 0
    for name in waiting:
        this = installation.c.name == name
        with database.begin() as connection:
            word = connection.execute(select(installation.c.value).where(this)).scalar_one_or_none()
            # WHY asked how many: of two replicas that look at once, the one whose deletion counts tells it.
            if word is not None and connection.execute(delete(installation).where(this)).rowcount == 1:
                tell(bytes(word).decode())
                told += 1
    return told
