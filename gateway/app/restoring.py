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
from gateway.store.tables import console_sessions, installation, tickets, tokens


@dataclass(frozen=True, slots=True)
class Restored:
    """What was brought back: where the log is, how many entries it has, what ended with it."""

    log: Path
    entries: int
    tokens: int
    tickets: int


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
    try:
        parsed = make_url(url)
        if manifest.store == "sqlite":
            file = Path(str(parsed.database))
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            copy_file(place / STORE, file)
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
        ended = (0, 0) if nothing_since else end_all(database, now)
    finally:
        database.close()
    _tell(config, manifest, ended, nothing_since)
    return Restored(log, entries, *ended)


def read_manifest(place: Path) -> Manifest:
    """What a backup says of itself. Raises BackupFailed."""
    try:
        manifest = msgspec.json.decode((place / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise BackupFailed(f"`{place}` is no backup", help=f"expected `{MANIFEST}` in it") from error
    if manifest.format != FORMAT:
        raise BackupFailed("the backup was made by another version of sallyport")
    return manifest


def _check_room(url: str, manifest: Manifest, audit: Path, recordings: Path) -> None:
    """INVARIANT: nothing is written over."""
    kind = make_url(url).get_backend_name()
    if kind != manifest.store:
        raise BackupFailed(f"the backup is of a store in {manifest.store}, and `[store] url` is {kind}")
    there = [path for path in (audit, recordings) if path.is_dir() and any(path.iterdir())]
    if kind == "sqlite" and (file := Path(str(make_url(url).database))).exists():
        there.append(file)
    if there:
        raise BackupFailed(f"`{there[0]}` is there already", help="move it aside; is a gateway running?")


def _check(place: Path, manifest: Manifest) -> int:
    """Whether everything is there as it was written, and the log whole; how many entries that has."""
    found = {str(path.relative_to(place)): digest_of(path) for path in files_in(place)}
    if found != manifest.files:
        differ = sorted(set(found.items()) ^ set(manifest.files.items()))
        raise BackupFailed(f"`{differ[0][0]}` of the backup is not what was written", code="BACKUP_ALTERED")
    report = verify_log(place / AUDIT, [PublicKey.parse(manifest.key)])
    if not report.is_whole:
        raise BackupFailed(f"the log of the backup is not whole: {report.findings[0].message}", code="BACKUP_ALTERED")
    return report.entries


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


def end_all(database: Database, now: int) -> tuple[int, int]:
    """End every token, open ticket, unused grant and console's session of a store; how many tokens and tickets. Raises GatewayError."""
    with database.begin() as connection:
        alive = update(tokens).where(tokens.c.revoked_at.is_(None), tokens.c.expires_at > now)
        ended = connection.execute(alive.values(revoked_at=now)).rowcount
        connection.execute(delete(console_sessions))
        states = (State.REQUESTED.value, State.GRANTED.value)
        open_ones = list(connection.execute(select(tickets.c.id).where(tickets.c.state.in_(states))).scalars())
    approvals = Approvals(database, Bell())
    for ticket in open_ones:
        approvals.advance(ticket, Withdrawn("the store was restored from a backup"), now)
    return ended, len(open_ones)


def _tell(config: Config, manifest: Manifest, ended: tuple[int, int], nothing_since: bool) -> None:
    """An entry of the log that goes on, or of the new one."""
    log = open_log(config)
    try:
        note = f"{manifest.log} of {manifest.made_at}; ended {ended[0]} tokens, {ended[1]} tickets"
        step = "restored, nothing happened since" if nothing_since else "restored"
        log.append(Entry(kind=Kind.STARTED, time=time.time_ns(), step=step, note=note))
    finally:
        log.close()
