"""The keys of contents: a folder `content` in the log's own, a file for each rule of retention and day.

A key is on the disk before anything is closed under it. Destroying one overwrites its file, then removes it. Who copies the
log's folder without `content` copies entries that cannot be read. Called by `shielding`, `shredding` and the readers of entries.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gateway.audit.content import DAY, KEY_ID, SECRET_BYTES, ContentKey, open_entry, print_of, without_content
from gateway.audit.entry import Entry, decode, encode
from gateway.audit.keys import write_new
from gateway.errors import AuditUnavailable

FOLDER = "content"
SUFFIX = ".key"
MAX_CACHED = 1_024
"""Keys a reader remembers at once."""


class ContentKeys:
    """The keys of one log. Safe from any thread."""

    def __init__(self, directory: Path) -> None:
        """`directory` is the log's."""
        self._folder = directory / FOLDER
        self._lock = threading.Lock()
        self._current: dict[tuple[str, int], tuple[ContentKey, str]] = {}

    def current(self, rule: str, now: int) -> ContentKey:
        """The key for what is written now (UTC nanoseconds), made when there is none yet. Raises AuditUnavailable."""
        wanted = (rule, now // DAY)
        with self._lock:
            found = self._current.get(wanted)
            # WHY looked for each time: nothing may be closed under a key that somebody destroyed meanwhile.
            if found is None or not os.path.exists(found[1]):
                if len(self._current) > MAX_CACHED:
                    self._current.clear()
                key = self._kept(rule, _day(now))
                found = self._current[wanted] = (key, str(self._path(key.id)))
            return found[0]

    def find(self, key_id: str) -> ContentKey | None:
        """The key of a name; None when it is not here (any more). Raises AuditUnavailable for one that cannot be read."""
        named = KEY_ID.fullmatch(key_id)
        if named is None:
            return None
        try:
            secret = self._path(key_id).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error
        # WHY no complaint: a crash while a key was made, or while one was destroyed, leaves such a file. No entry needs it.
        if len(secret) != SECRET_BYTES or print_of(secret) != named["print"]:
            return None
        return ContentKey(named["rule"], named["day"], secret)

    def all(self) -> Iterator[str]:
        """The names of the keys that are here, rule by rule, the oldest first."""
        for path in sorted(self._folder.glob(f"*/*{SUFFIX}")):
            key_id = f"{path.parent.name}/{path.name.removesuffix(SUFFIX)}"
            if KEY_ID.fullmatch(key_id):
                yield key_id

    def destroy(self, key_id: str) -> None:
        """Make a key unreadable for ever; one that is gone already is gone. Raises AuditUnavailable."""
        path = self._path(key_id)
        if KEY_ID.fullmatch(key_id) is None:
            return
        with self._lock:
            self._current = {wanted: found for wanted, found in self._current.items() if found[0].id != key_id}
        try:
            with contextlib.suppress(FileNotFoundError):
                # WHY first: what a disk or a copy of its blocks still has of the file is no key then.
                with path.open("r+b") as file:
                    file.write(bytes(max(SECRET_BYTES, os.fstat(file.fileno()).st_size)))
                    file.flush()
                    os.fsync(file.fileno())
                path.unlink()
                _sync(path.parent)
        except OSError as error:
            raise self._unusable(error) from error

    def _kept(self, rule: str, day: str) -> ContentKey:
        for key_id in self.all():
            if key_id.startswith(f"{rule}/{day}."):
                found = self.find(key_id)
                if found is not None:
                    return found
        made = ContentKey(rule, day, secrets.token_bytes(SECRET_BYTES))
        path = self._path(made.id)
        try:
            for folder in (self._folder, path.parent):
                if not folder.is_dir():
                    folder.mkdir(mode=0o700)
                    _sync(folder.parent)
            write_new(path, made.secret)
            _sync(path.parent)
        except OSError as error:
            raise self._unusable(error) from error
        return made

    def _path(self, key_id: str) -> Path:
        return self._folder / f"{key_id}{SUFFIX}"

    def _unusable(self, error: OSError) -> AuditUnavailable:
        return AuditUnavailable(
            f"the keys in {self._folder} cannot be used ({error.strerror})", help="see who may read and write there"
        )


class Opener:
    """Opens entries of one log, one after the other."""

    def __init__(self, directory: Path) -> None:
        self._keys = ContentKeys(directory)
        self._folder = str(directory / FOLDER)
        self._known: dict[str, ContentKey] = {}

    def open(self, entry: Entry) -> Entry:
        """The entry with its content; `unreadable` where the key is gone. Raises AuditUnavailable for an altered content."""
        if not entry.content_key:
            return entry
        key = self.key(entry.content_key)
        if key is None:
            return without_content(entry)
        try:
            return open_entry(entry, key)
        except ValueError as error:
            raise AuditUnavailable(
                f"the content of entry {entry.seq} is not what was written", code="AUDIT_ALTERED"
            ) from error

    def open_line(self, line: bytes) -> bytes:
        """A line with its entry's content, as the log would have it without keys. What is no entry stays as it is."""
        if b'"content_key":' not in line:
            return line
        try:
            entry = decode(line)
        except ValueError:
            return line  # WHY: whoever reads lines says so
        return encode(msgspec.structs.replace(self.open(entry), seq=0), entry.seq)

    def key(self, key_id: str) -> ContentKey | None:
        """The key of a name, as long as it is there."""
        found = self._known.get(key_id)
        # INVARIANT: a key that was destroyed opens nothing, remembered or not.
        if found is not None and os.path.exists(f"{self._folder}/{key_id}{SUFFIX}"):
            return found
        found = self._keys.find(key_id)
        if found is None:
            self._known.pop(key_id, None)
        else:
            if len(self._known) >= MAX_CACHED:
                self._known.clear()
            self._known[key_id] = found
        return found


def _day(now: int) -> str:
    return datetime.fromtimestamp(now // DAY * 86_400, UTC).strftime("%Y-%m-%d")


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
