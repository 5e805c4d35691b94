"""What names meant when something was decided: catalogs kept beside the log, each once, under the digest of its contents.

An entry names the catalog by that digest and holds the little that one session sees of it. A log can so be decided again
(`sallyport replay`). A catalog that is not kept (too large, too many, a full disk) costs that and nothing else: the
entry says nothing, and a replay says that it does not know. Written by the gate, read by the command line.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from engine._native import Catalog, NativeError
from gateway.audit.redact import redact_sql
from gateway.errors import AuditUnavailable

FOLDER = "catalogs"
SUFFIX = ".msgpack.z"
MAX_KEPT = 4_096
"""Catalogs of one log; callers of the services bring their own, so their number is theirs to choose."""
MAX_KEPT_BYTES = 512 << 20
MAX_CATALOG = 64 << 20
MAX_SESSION = 64 << 10
MAX_SEEN = 8_192
MAX_SEEN_BYTES = 16 << 20
"""Of what sessions saw, in memory."""
MAX_READ_BYTES = 32 << 20
"""Of catalogs that a reader keeps in memory; the one that is wanted is there all the same."""


class NamedCatalog(Protocol):
    """What is needed of a catalog: the core's, whole."""

    @property
    def version(self) -> str: ...
    @property
    def source(self) -> bytes: ...
    @property
    def session(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Reference:
    """How an entry names a catalog. Empty: nobody kept it."""

    digest: str = ""
    session: bytes = b""


NOT_KEPT = Reference()


class CatalogKeeper:
    """The catalogs of one log, for whoever writes it. Safe from any thread; never raises."""

    def __init__(self, directory: Path) -> None:
        self._folder = directory / FOLDER
        self._lock = threading.Lock()
        self._seen: dict[str, Reference] = {}
        self._bytes = 0
        self._kept: dict[str, int] | None = None

    def keep(self, catalog: NamedCatalog) -> Reference:
        """The reference for an entry; the catalog is on the disk when this returns, or it is `NOT_KEPT`."""
        version = catalog.version
        found = self._seen.get(version)
        if found is not None:
            return found
        with self._lock:
            reference = self._keep(catalog)
            self._bytes += len(reference.session)
            if len(self._seen) >= MAX_SEEN or self._bytes > MAX_SEEN_BYTES:
                self._seen.clear()
                self._bytes = len(reference.session)
            self._seen[version] = reference
        return reference

    def _keep(self, catalog: NamedCatalog) -> Reference:
        source, session = catalog.source, catalog.session
        if len(source) > MAX_CATALOG or not _may_be_kept(session):
            return NOT_KEPT
        digest = hashlib.sha256(source).hexdigest()
        try:
            if self._kept is None:
                self._kept = _sizes(self._folder)
            if digest not in self._kept and not self._write(digest, source, self._kept):
                return NOT_KEPT
        except OSError:
            return NOT_KEPT
        return Reference(digest, session)

    def _write(self, digest: str, source: bytes, kept: dict[str, int]) -> bool:
        packed = zlib.compress(source, 6)
        if len(kept) >= MAX_KEPT or sum(kept.values()) + len(packed) > MAX_KEPT_BYTES:
            return False
        self._folder.mkdir(mode=0o700, exist_ok=True)
        unfinished = self._folder / f".{secrets.token_hex(8)}"
        try:
            with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(packed)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._folder / f"{digest}{SUFFIX}")
        finally:
            unfinished.unlink(missing_ok=True)
        kept[digest] = len(packed)
        return True


class KeptCatalogs:
    """The catalogs of one log, for whoever reads it."""

    def __init__(self, directory: Path) -> None:
        self._folder = directory / FOLDER
        self._sources: dict[str, Catalog] = {}
        self._bytes = 0
        self._sessions: dict[tuple[str, bytes], Catalog] = {}

    def find(self, reference: Reference) -> Catalog | None:
        """The catalog as the session saw it; None where it was not kept. Raises AuditUnavailable for an altered one."""
        key = (reference.digest, reference.session)
        found = self._sessions.get(key)
        if found is None:
            source = self._source(reference.digest)
            if source is None:
                return None
            try:
                found = source.for_session(reference.session) if reference.session else source
            except NativeError as error:
                raise _altered(reference.digest) from error
            if len(self._sessions) >= MAX_SEEN:
                self._sessions.clear()
            self._sessions[key] = found
        return found

    def _source(self, digest: str) -> Catalog | None:
        if digest in self._sources:
            return self._sources[digest]
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            return None
        try:
            packed = (self._folder / f"{digest}{SUFFIX}").read_bytes()
        except OSError:
            return None
        unpacking = zlib.decompressobj()
        try:
            raw = unpacking.decompress(packed, MAX_CATALOG + 1)
            if hashlib.sha256(raw).hexdigest() != digest:
                raise _altered(digest)
            found = Catalog(raw)
        except (zlib.error, NativeError) as error:
            raise _altered(digest) from error
        if self._bytes + len(raw) > MAX_READ_BYTES:
            # WHY what sessions saw too: each holds what it was made of.
            self._sources.clear()
            self._sessions.clear()
            self._bytes = 0
        self._sources[digest] = found
        self._bytes += len(raw)
        return found


class _Session(msgspec.Struct):
    prepared: dict[str, str] = {}
    cursors: dict[str, str] = {}


def _may_be_kept(session: bytes) -> bool:
    """Whether what a session saw may stand in the log: texts it prepared could hold what the log hides elsewhere."""
    if len(session) > MAX_SESSION:
        return False
    if not session:
        return True
    try:
        found = msgspec.msgpack.decode(session, type=_Session)
    except msgspec.MsgspecError:
        return False
    return all(redact_sql(text) == text for text in (*found.prepared.values(), *found.cursors.values()))


def _sizes(folder: Path) -> dict[str, int]:
    if not folder.is_dir():
        return {}
    return {file.name.removesuffix(SUFFIX): file.stat().st_size for file in folder.glob(f"*{SUFFIX}")}


def _altered(digest: str) -> AuditUnavailable:
    return AuditUnavailable(
        f"the catalog `{digest[:12]}` beside the log is not what its name says",
        help="the log was altered; keep it as evidence",
        code="AUDIT_ALTERED",
    )
