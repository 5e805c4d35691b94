"""Backups of a running gateway: its store, its audit and its recordings in a folder; its keys in another, or not at all.

In this order, so that what is copied later knows at least as much: the store, the audit's checkpoints, its segments (which only grow), the
recordings. The folder says what is in it (`manifest.json`, with digests). Brought back by `restoring`. Called by the command line.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec
from sqlalchemy.engine import make_url

from gateway.app.secrets import Secrets
from gateway.app.signing import signers_of
from gateway.audit.keys import KEY_FILE, log_name
from gateway.config import Config
from gateway.errors import GatewayError
from gateway.recording.keys import KEY_FILE as RECORDING_KEY
from gateway.store.database import open_database
from gateway.store.rows import Row, export_rows
from gateway.store.tables import installation

MANIFEST = "manifest.json"
STORE, AUDIT, RECORDINGS = "store.jsonl", "audit", "recordings"
STORE_OF_BEFORE = "store.db"
"""What format 1 had of SQLite; of PostgreSQL it had nothing."""
SHARED_KEYS = "installation.json"
"""Among the keys: what replicas share in the store (`tables.installation`), by name, in hexadecimal."""
FORMAT = 2
_NOT_COPIED = frozenset({KEY_FILE, "export", "tree", "content", "lock"})
"""Of the audit: keys (apart), and what is made again: how far exports have come, the tree, the lock."""
_NO_KEYS = ("bundle:", "untold:")
"""How names in `tables.installation` begin that are no keys: which bundles came last (`policy_store.rollback`), and what the audit is yet
to be told (`store.untold`)."""
_BLOCK = 1 << 20


class BackupFailed(GatewayError):
    """A backup cannot be made or brought back. `help` says what to do."""

    code = "BACKUP_FAILED"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds. `files`: SHA-256 by path. `store`: the kind of database it was. `log`: the audit's name, `key` the public key of
    who signs it, `keys` of all who did. Times are UTC nanoseconds."""

    format: int
    made_at: int
    store: str
    log: str
    key: str
    keys: Sequence[str] = ()
    files: Mapping[str, str]


def make_backup(config: Config, environment: Mapping[str, str], place: Path, keys: Path | None, now: int) -> Manifest:
    """Write a backup into a folder that is not there yet, and keys into another. Raises GatewayError."""
    audit, recordings = config.at(config.audit.dir), config.at(config.recording.dir)
    if not audit.is_dir():
        raise BackupFailed(f"`{audit}` is no folder", help="is this the configuration of the gateway?")
    secrets = Secrets(config, environment)
    signers = signers_of(config, secrets)
    try:
        _make_folder(place)
        if keys is not None:
            _make_folder(keys)
        store = _copy_store(secrets.store_url(), place, keys)
        _copy_audit(audit, place / AUDIT)
        if recordings.is_dir():
            copy_folder(recordings, place / RECORDINGS, frozenset({RECORDING_KEY}))
        if keys is not None:
            _copy_keys(audit, recordings, keys)
        manifest = Manifest(
            format=FORMAT,
            made_at=now,
            store=store,
            log=log_name(audit),
            key=signers.public[0].print(),
            keys=[key.print() for key in signers.public],
            files={str(path.relative_to(place)): digest_of(path) for path in files_in(place)},
        )
        write_file(place / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    except OSError as error:
        raise BackupFailed(f"the backup cannot be written ({type(error).__name__}: {error})") from error
    return manifest


def _make_folder(place: Path) -> None:
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise BackupFailed(f"`{place}` is there already", help="name a new folder for each backup")
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    place.chmod(0o700)


def _copy_store(url: str, place: Path, keys: Path | None) -> str:
    """The rows of the store as they are at one moment, but for what signs tokens. Gives the kind of database."""
    parsed = make_url(url)
    kind = parsed.get_backend_name()
    if kind == "sqlite" and not Path(str(parsed.database)).is_file():
        raise BackupFailed(
            "`[store] url` names no file that is there", help="is this the configuration of the gateway?"
        )
    shared: dict[str, str] = {}

    def is_kept(table: str, row: Row) -> bool:
        name, value = str(row.get("name", "")), row.get("value")
        if table != installation.name or name.startswith(_NO_KEYS):
            return True
        if isinstance(value, bytes):
            shared[name] = value.hex()
        return False

    database = open_database(url)
    try:
        with _new_file(place / STORE) as file:
            file.writelines(export_rows(database, is_kept))
    finally:
        database.close()
    if keys is not None:
        write_file(keys / SHARED_KEYS, msgspec.json.encode(shared))
    return kind


def _copy_audit(audit: Path, place: Path) -> None:
    place.mkdir(mode=0o700)
    entries = [path for path in sorted(audit.iterdir()) if path.name not in _NOT_COPIED]
    segments = [path for path in entries if path.suffix == ".jsonl" and path.stem.isdigit()]
    # INVARIANT: no checkpoint is copied that covers more than the segments that are copied behind it.
    for path in entries:
        if path in segments:
            continue
        if path.is_dir():
            copy_folder(path, place / path.name)
        else:
            copy_file(path, place / path.name)
    # WHY looked at again: one may have been begun meanwhile.
    for path in sorted(path for path in audit.glob("*.jsonl") if path.stem.isdigit()):
        copy_file(path, place / path.name, whole_lines=True)


def _copy_keys(audit: Path, recordings: Path, keys: Path) -> None:
    for path in (audit / KEY_FILE, recordings / RECORDING_KEY):
        if path.is_file():
            copy_file(path, keys / path.name)
    if (audit / "content").is_dir():
        copy_folder(audit / "content", keys / "content")


def copy_folder(source: Path, place: Path, but: frozenset[str] = frozenset()) -> None:
    place.mkdir(mode=0o700)
    for path in sorted(source.iterdir()):
        if path.name in but:
            continue
        if path.is_dir():
            copy_folder(path, place / path.name)
        elif path.is_file():
            copy_file(path, place / path.name)


def copy_file(source: Path, place: Path, *, whole_lines: bool = False) -> None:
    """A file as far as it goes now, for us alone."""
    left = source.stat().st_size
    fd = os.open(place, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with source.open("rb") as old, os.fdopen(fd, "w+b") as new:
        while left > 0 and (block := old.read(min(left, _BLOCK))):
            new.write(block)
            left -= len(block)
        new.flush()
        if whole_lines:
            _cut_to_lines(new.fileno(), new.tell())
        os.fsync(new.fileno())


def _cut_to_lines(fd: int, size: int) -> None:
    """Leave away a last line that was being written."""
    at = size
    while at > 0:
        begin = max(0, at - _BLOCK)
        found = os.pread(fd, at - begin, begin).rfind(b"\n")
        if found >= 0:
            os.ftruncate(fd, begin + found + 1)
            return
        at = begin
    os.ftruncate(fd, 0)


def write_file(path: Path, data: bytes) -> None:
    with _new_file(path) as file:
        file.write(data)


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """A file for us alone, on the disk when the block ends."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def files_in(place: Path) -> Iterator[Path]:
    """Every file of a backup but its manifest, in order."""
    yield from sorted(path for path in place.rglob("*") if path.is_file() and path != place / MANIFEST)


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
