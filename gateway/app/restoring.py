"""Bringing a backup back, so that nothing that ended since it was made is good again. Called by the command line; no gateway runs meanwhile.

A backup knows nothing of what happened after it: tokens that were taken back, tokens that are good once and were used, grants that were
used. INVARIANT: unless somebody says that nothing happened since, all of these end with the restore; and the log that is brought back is
put beside the new one, for a log that went on from an earlier entry would give numbers a second time that were told to others.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.engine import make_url

from gateway.app.backup import (
    AUDIT,
    FORMAT,
    MANIFEST,
    RECORDINGS,
    SHARED_KEYS,
    STORE,
    STORE_OF_BEFORE,
    BackupFailed,
    Manifest,
    copy_file,
    copy_folder,
    digest_of,
    files_in,
)
from gateway.app.retention import open_log
from gateway.app.secrets import Secrets
from gateway.approvals.notify import Bell
from gateway.approvals.states import State, Withdrawn
from gateway.approvals.store import Approvals
from gateway.audit.checkpoint import PublicKey
from gateway.audit.entry import Entry, Kind
from gateway.audit.keys import KEY_FILE
from gateway.audit.verify import verify_log
from gateway.config import Config
from gateway.recording.keys import KEY_FILE as RECORDING_KEY
from gateway.store.database import Database, open_database
from gateway.store.migrations import upgrade
from gateway.store.rows import import_rows, is_empty
from gateway.store.tables import console_sessions, installation, lasting_approvals, tickets, tokens


@dataclass(frozen=True, slots=True)
class Ended:
    """How many of a store's promises were taken back: tokens, open tickets and grants, approvals that were remembered."""

    tokens: int = 0
    tickets: int = 0
    remembered: int = 0


@dataclass(frozen=True, slots=True)
class Restored:
    """What was brought back: where the log is, how many entries it has, how many rows came into the store, what ended with it."""

    log: Path
    entries: int
    rows: int
    ended: Ended


def restore(
    config: Config,
    environment: Mapping[str, str],
    place: Path,
    keys: Path | None,
    *,
    nothing_since: bool = False,
    now: int | None = None,
) -> Restored:
    """Bring a backup back to where a configuration has its parts. Raises GatewayError, with nothing changed where it does not fit.

    `nothing_since`: the gateway was stopped before the backup was made, and nothing happened after it.
    """
    now = time.time_ns() if now is None else now
    manifest = read_manifest(place)
    url = Secrets(config, environment).store_url()
    audit, recordings = config.at(config.audit.dir), config.at(config.recording.dir)
    _check_room(url, manifest, audit, recordings)
    entries = _check(place, manifest)
    log = audit if nothing_since else audit.with_name(f"{audit.name}.restored-{now // 10**9}")
    rows = _bring_store(url, place, manifest)
    try:
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        copy_folder(place / AUDIT, log)
        if (place / RECORDINGS).is_dir():
            if recordings.is_dir():
                recordings.rmdir()
            recordings.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            copy_folder(place / RECORDINGS, recordings)
        if keys is not None:
            _bring_keys(keys, log, recordings)
    except OSError as error:
        raise BackupFailed(f"the backup cannot be brought back ({type(error).__name__}: {error})") from error
    database = open_database(url)
    try:
        upgrade(database)
        if keys is not None and (keys / SHARED_KEYS).is_file():
            _bring_shared(database, keys / SHARED_KEYS)
        ended = Ended() if nothing_since else end_all(database, now)
    finally:
        database.close()
    _tell(config, manifest, ended, nothing_since)
    return Restored(log, entries, rows, ended)


def read_manifest(place: Path) -> Manifest:
    """What a backup says of itself. Raises BackupFailed."""
    try:
        manifest = msgspec.json.decode((place / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise BackupFailed(f"`{place}` is no backup", help=f"expected `{MANIFEST}` in it") from error
    if manifest.format not in (1, FORMAT):
        raise BackupFailed("the backup was made by another version of sallyport")
    return manifest


def _check_room(url: str, manifest: Manifest, audit: Path, recordings: Path) -> None:
    """INVARIANT: nothing is written over."""
    kind = make_url(url).get_backend_name()
    if kind != manifest.store and manifest.format == 1:
        raise BackupFailed(
            f"the backup is of a store in {manifest.store}, and `[store] url` is {kind}",
            help="backups of later versions come back into either",
        )
    there = [path for path in (audit, recordings) if path.is_dir() and any(path.iterdir())]
    if kind == "sqlite" and (file := Path(str(make_url(url).database))).exists():
        there.append(file)
    if there:
        raise BackupFailed(f"`{there[0]}` is there already", help="move it aside; is a gateway running?")
    if kind != "sqlite" and manifest.format != 1:
        database = open_database(url)
        try:
            if not is_empty(database):
                raise BackupFailed(
                    "the store of `[store] url` has rows already",
                    help="name an empty database; is a gateway running on it?",
                )
        finally:
            database.close()


def _check(place: Path, manifest: Manifest) -> int:
    """Whether everything is there as it was written, and the log whole; how many entries that has."""
    found = {str(path.relative_to(place)): digest_of(path) for path in files_in(place)}
    if found != manifest.files:
        differ = sorted(set(found.items()) ^ set(manifest.files.items()))
        raise BackupFailed(f"`{differ[0][0]}` of the backup is not what was written", code="BACKUP_ALTERED")
    report = verify_log(place / AUDIT, [PublicKey.parse(key) for key in manifest.keys or (manifest.key,)])
    if not report.is_whole:
        raise BackupFailed(f"the log of the backup is not whole: {report.findings[0].message}", code="BACKUP_ALTERED")
    return report.entries


def _bring_store(url: str, place: Path, manifest: Manifest) -> int:
    """The rows of the backup, in the store; how many. Of format 1 SQLite's file as it is; PostgreSQL was brought back by somebody."""
    parsed = make_url(url)
    try:
        if parsed.get_backend_name() == "sqlite":
            file = Path(str(parsed.database))
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if manifest.format == 1:
                copy_file(place / STORE_OF_BEFORE, file)
        if manifest.format == 1:
            return 0
        database = open_database(url)
        try:
            with (place / STORE).open("rb") as lines:
                return import_rows(database, lines)
        finally:
            database.close()
    except OSError as error:
        raise BackupFailed(f"the store cannot be brought back ({type(error).__name__}: {error})") from error


def _bring_keys(keys: Path, log: Path, recordings: Path) -> None:
    if (keys / KEY_FILE).is_file():
        copy_file(keys / KEY_FILE, log / KEY_FILE)
    if (keys / "content").is_dir():
        copy_folder(keys / "content", log / "content")
    if (keys / RECORDING_KEY).is_file():
        recordings.mkdir(parents=True, exist_ok=True, mode=0o700)
        copy_file(keys / RECORDING_KEY, recordings / RECORDING_KEY)


def _bring_shared(database: Database, file: Path) -> None:
    shared = msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    with database.begin() as connection:
        known = set(connection.execute(select(installation.c.name)).scalars())
        missing = [{"name": name, "value": bytes.fromhex(value)} for name, value in shared.items() if name not in known]
        if missing:
            connection.execute(installation.insert(), missing)


def end_all(database: Database, now: int) -> Ended:
    """End every token, open ticket, unused grant, remembered approval and console's session of a store. Raises GatewayError."""
    with database.begin() as connection:
        alive = update(tokens).where(tokens.c.revoked_at.is_(None), tokens.c.expires_at > now)
        ended = connection.execute(alive.values(revoked_at=now)).rowcount
        lasting = update(lasting_approvals).where(
            lasting_approvals.c.revoked_at.is_(None), lasting_approvals.c.expires_at > now
        )
        remembered = connection.execute(lasting.values(revoked_at=now)).rowcount
        connection.execute(delete(console_sessions))
        states = (State.REQUESTED.value, State.GRANTED.value)
        # WHY `used_at`: a grant that was used stays a grant, and nothing can be withdrawn of it.
        is_open = (tickets.c.state.in_(states), tickets.c.used_at.is_(None))
        open_ones = list(connection.execute(select(tickets.c.id).where(*is_open)).scalars())
    approvals = Approvals(database, Bell())
    for ticket in open_ones:
        approvals.advance(ticket, Withdrawn("the store was restored from a backup"), now)
    return Ended(ended, len(open_ones), remembered)


def _tell(config: Config, manifest: Manifest, ended: Ended, nothing_since: bool) -> None:
    """An entry of the log that goes on, or of the new one."""
    log = open_log(config)
    try:
        what = f"{ended.tokens} tokens, {ended.tickets} tickets, {ended.remembered} remembered approvals"
        note = f"{manifest.log} of {manifest.made_at}; ended {what}"
        step = "restored, nothing happened since" if nothing_since else "restored"
        log.append(Entry(kind=Kind.STARTED, time=time.time_ns(), step=step, note=note))
    finally:
        log.close()
