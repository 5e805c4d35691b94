"""Up to which entry a receiver has everything: one small file, replaced whole. Called by `exporter`."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import msgspec

from gateway.errors import AuditUnavailable


class _Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    log: str
    seq: int


class Cursor:
    """One export's place in one log."""

    def __init__(self, path: Path, log: str) -> None:
        """`log` is the log's name. Raises AuditUnavailable for a file that is none, or belongs to another log."""
        self._path = path
        self._log = log
        self.seq = self._read()
        """The last entry that the receiver has; 0 before the first."""

    def _read(self) -> int:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise AuditUnavailable(f"`{self._path}` cannot be read ({error.strerror})") from error
        try:
            place = msgspec.json.decode(data, type=_Place)
        except msgspec.MsgspecError:
            place = None
        if place is None or place.log != self._log or place.seq < 0:
            raise AuditUnavailable(
                f"`{self._path}` is no place in the log `{self._log}`",
                help="remove it, and everything is sent once more",
                code="AUDIT_CURSOR",
            )
        return place.seq

    def move(self, seq: int) -> None:
        """Everything up to this entry was taken. Raises AuditUnavailable when that cannot be kept."""
        unfinished = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
        try:
            fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(msgspec.json.encode(_Place(self._log, seq)))
                file.flush()
                # WHY: without it the name may come to stand for an empty file when the machine dies.
                os.fsync(file.fileno())
            os.replace(unfinished, self._path)
        except OSError as error:
            raise AuditUnavailable(f"`{self._path}` cannot be written ({error.strerror})") from error
        self.seq = seq
