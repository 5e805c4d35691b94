"""Sequences of bundles never go back: the highest one that decided is kept in the store, for all replicas and restarts.

Who can serve old bundles (with old, true signatures) could else bring a closed hole back. The same sequence is admitted
again only with the same revision. Called by `current` before policies count.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import insert, select, update

from gateway.policy_store.bundle import BundleRefused, check_revision
from gateway.policy_store.origins import Loaded
from gateway.store import tables
from gateway.store.database import Database


class _Highest(msgspec.Struct):
    sequence: int
    revision: str


class SequenceGuard:
    """The guard of one place policies come to: `scope` tells what decides from candidates."""

    def __init__(self, database: Database, scope: str) -> None:
        self._database = database
        self._name = f"bundle:{scope}"[:64]

    def admit(self, loaded: Loaded, revision: str) -> None:
        """Take note of a bundle. Raises BundleRefused for an older or another one of its number; StoreUnavailable."""
        if loaded.bundle is None:
            return
        check_revision(loaded.bundle, revision)
        sequence, table = loaded.bundle.manifest.sequence, tables.installation
        value = msgspec.json.encode(_Highest(sequence, revision))
        with self._database.begin() as connection:
            wanted = select(table.c.value).where(table.c.name == self._name).with_for_update()
            raw = connection.execute(wanted).scalar()
            if raw is None:
                connection.execute(insert(table).values(name=self._name, value=value))
                return
            highest = msgspec.json.decode(raw, type=_Highest)
            if sequence < highest.sequence or (sequence == highest.sequence and revision != highest.revision):
                raise BundleRefused(
                    f"the bundle has sequence {sequence}, and {highest.sequence} decided already",
                    help="to go back, build the old policies with a higher `--sequence`",
                    code="BUNDLE_ROLLED_BACK",
                )
            connection.execute(update(table).where(table.c.name == self._name).values(value=value))
