"""What a log is called and, where nobody configured a key, the key that signs its checkpoints: two files beside it.

A key beside the log it signs shows accidents and edits by others; whoever can write both can sign a new log. Configure
`[audit] keys` from a place the log's writer cannot read back, or note checkpoints down elsewhere. Called by `app` and `cli`.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.audit.checkpoint import PublicKey, SigningKey, is_name
from gateway.errors import AuditUnavailable, ConfigInvalid

NAME_FILE = "name"
KEY_FILE = "checkpoint.pem"
NAMESPACE = "sallyport.audit/"


def log_name(directory: Path) -> str:
    """The log's name, drawn by chance when it has none yet. Raises AuditUnavailable."""
    path = directory / NAME_FILE
    made = _kept(path, f"{NAMESPACE}{secrets.token_hex(8)}\n".encode())
    try:
        name = made.decode().removesuffix("\n")
    except UnicodeDecodeError:
        name = ""
    if not is_name(name):
        raise AuditUnavailable(f"`{path}` holds no name of a log", code="AUDIT_ALTERED")
    return name


def own_key(directory: Path, origin: str) -> SigningKey:
    """The key beside the log, made when there is none yet. Raises AuditUnavailable, ConfigInvalid."""
    return SigningKey.from_pem(origin, _kept(directory / KEY_FILE, make_pem()))


def former_keys(lines: Sequence[str]) -> list[PublicKey]:
    """The keys of `[audit] former_keys`. Raises ConfigInvalid."""
    try:
        return [PublicKey.parse(line) for line in lines]
    except ValueError as error:
        raise ConfigInvalid(
            "a key of `[audit] former_keys` is no public key of a log", help="`sallyport audit key` prints it"
        ) from error


def make_pem() -> bytes:
    """A new private key."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def write_new(path: Path, data: bytes) -> None:
    """Write a file that does not exist yet, for us alone. Raises OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _kept(path: Path, otherwise: bytes) -> bytes:
    try:
        if not path.exists():
            write_new(path, otherwise)
        return path.read_bytes()
    except OSError as error:
        raise AuditUnavailable(
            f"`{path}` cannot be used ({error.strerror})", help="see who may read and write it"
        ) from error
