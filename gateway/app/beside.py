"""What is done beside a running gateway, with its store, told to its audit: words that the command line leaves, and who takes them.

A word is an entry, left in the transaction that does what it tells (`store.untold`). Called by `minting` and the command line, which
leave them, and by `assembly`, which has them written at the start and every second.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping

import msgspec

from gateway.app.secrets import Secrets
from gateway.audit.entry import Entry, Kind
from gateway.audit.log import AuditLog
from gateway.config import Config
from gateway.errors import AuditUnavailable, StoreUnavailable
from gateway.identity.scoped import Grant
from gateway.store.database import Database, open_database
from gateway.store.migrations import upgrade
from gateway.store.untold import leave, take
from gateway.telemetry import logger


def operator() -> str:
    """Who works here, as the audit calls them. WHY the machine's word: whoever may write the store may do anything."""
    try:
        return f"local:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"local:{os.geteuid()}"


def word_of(entry: Entry) -> str:
    """An entry as a word."""
    return msgspec.json.encode(entry).decode()


def token_word(step: str, grant: Grant, now: int) -> str:
    """The word of a token that was made or taken back here."""
    return word_of(
        Entry(
            kind=Kind.TOKEN,
            time=now,
            step=step,
            person=operator(),
            principal=grant.principal,
            job=grant.job,
            resource=",".join(grant.resources),
            note=grant.id,
        )
    )


def leave_word(config: Config, environment: Mapping[str, str], entry: Entry) -> None:
    """Leave a word of what is about to be done elsewhere than in the store. Raises GatewayError; then do nothing."""
    database = open_database(Secrets(config, environment).store_url())
    try:
        upgrade(database)
        with database.begin() as connection:
            leave(connection, word_of(entry), entry.time)
    finally:
        database.close()


class Teller:
    """Writes what was left to one log."""

    def __init__(self, database: Database, log: AuditLog) -> None:
        self._database, self._log = database, log

    def look(self) -> None:
        """Tell what was left. What cannot be told now stays for the next look. Never raises."""
        try:
            take(self._database, self._tell)
        except (AuditUnavailable, StoreUnavailable) as error:
            logger("app").error("what was done beside us is not recorded yet", code=error.code)

    def _tell(self, word: str) -> None:
        try:
            entry = msgspec.json.decode(word, type=Entry)
        except msgspec.MsgspecError:
            logger("app").error("a word that was left is no entry, and is thrown away")
            entry = Entry(kind=Kind.TOKEN, time=0, step="unreadable")
        self._log.append(msgspec.structs.replace(entry, seq=0), promised=True)
        # WHY: the word goes when this returns, and must not go alone.
        self._log.flush()
