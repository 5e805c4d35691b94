"""The key that the keys of recordings are wrapped with: configured, or a file beside the recordings.

A key beside the recordings protects copies of single files, not a stolen disk; configure `[recording] keys`. The first wraps
what is new; the others open what is older. Called by `app` and `cli`.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import ConfigInvalid, RecordingBroken, RecordingUnavailable
from gateway.recording.frames import Head

MIN_SECRET = 32
KEY_FILE = "recording.key"
_NONCE = 12


class WrappingKeys:
    """Wraps and unwraps. Never printed. Safe from any thread."""

    def __init__(self, secret: Sequence[bytes]) -> None:
        """`secret`: the one that wraps, then older ones. Raises ConfigInvalid."""
        if not secret or any(len(one) < MIN_SECRET for one in secret):
            raise ConfigInvalid(f"a key of `[recording] keys` has fewer than {MIN_SECRET} bytes")
        self._keys: dict[str, bytes] = {}
        for one in secret:
            key = hashlib.sha256(b"sallyport recording key\0" + one).digest()
            self._keys.setdefault(hashlib.sha256(b"name\0" + key).hexdigest()[:16], key)

    @property
    def name(self) -> str:
        """Which key wraps; tells nothing about it."""
        return next(iter(self._keys))

    def take_over(self, new: WrappingKeys) -> bool:
        """Go on with other keys; whether what is new is wrapped with another one now.

        Raises ConfigInvalid, with nothing changed, where the one that wraps now is not among them: what is recorded at the moment could never be opened.
        """
        keys, now = new._keys, self.name
        if now not in keys:
            raise ConfigInvalid(
                "the key of recordings that wraps now is not among the new ones",
                help="`[recording] keys` lists the new key and, behind it, the one of before",
            )
        self._keys = keys
        return self.name != now

    def wrap(self, key: bytes, recording: str) -> tuple[str, bytes]:
        """A recording's key for its head, and the name of what it is wrapped with."""
        # WHY read once: other keys may come in between.
        name, wrapping = next(iter(self._keys.items()))
        nonce = secrets.token_bytes(_NONCE)
        return name, nonce + AESGCM(wrapping).encrypt(nonce, key, recording.encode())

    def unwrap(self, head: Head) -> bytes:
        """The key of a recording. Raises RecordingBroken."""
        key = self._keys.get(head.key)
        if key is None:
            raise RecordingBroken(
                f"the key `{head.key}` of the recording is not among `[recording] keys`", code="NO_KEY"
            )
        try:
            return AESGCM(key).decrypt(head.wrapped[:_NONCE], head.wrapped[_NONCE:], head.id.encode())
        except (InvalidTag, ValueError) as error:
            raise RecordingBroken("the key in the head of the recording was altered", code="ALTERED") from error


def own_secret(directory: Path) -> bytes:
    """The secret beside the recordings, made when there is none yet. Raises RecordingUnavailable."""
    path = directory / KEY_FILE
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(fd, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(32))
                file.flush()
                os.fsync(file.fileno())
        return path.read_bytes().strip()
    except OSError as error:
        raise RecordingUnavailable(f"`{path}` cannot be used ({error.strerror})") from error
