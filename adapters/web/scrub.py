"""Takes the target's credential out of what the target answers, wherever a piece ends: stars in its place, as many.

Only what could be the beginning of a secret is kept back, so that a stream is not held up. Called by sessions.
"""

from __future__ import annotations

from collections.abc import Iterable

MIN_SECRET = 8
"""Shorter secrets are not looked for: they would stand in many texts by chance."""


class Scrubber:
    """Looks for some secrets in one stream of bytes."""

    __slots__ = ("_kept", "_secrets")

    def __init__(self, secrets: Iterable[bytes]) -> None:
        longest_first = sorted({secret for secret in secrets if len(secret) >= MIN_SECRET}, key=len, reverse=True)
        self._secrets = tuple(longest_first)
        self._kept = b""

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """Those that are looked for, in this order."""
        return self._secrets

    def feed(self, data: bytes) -> bytes:
        """Take bytes in; those that may go on."""
        if not self._secrets:
            return data
        data = self.whole(self._kept + data)
        keep = max(_overlap(data, secret) for secret in self._secrets)
        self._kept = data[len(data) - keep :]
        return data[: len(data) - keep]

    def end(self) -> bytes:
        """What was kept back, at the end."""
        kept, self._kept = self._kept, b""
        return kept

    def whole(self, data: bytes) -> bytes:
        """The same for bytes that are all there is (a header's value)."""
        for secret in self._secrets:
            if secret in data:
                data = data.replace(secret, b"*" * len(secret))
        return data


def _overlap(data: bytes, secret: bytes) -> int:
    """How many of the last bytes are the first ones of the secret."""
    tail = data[-(len(secret) - 1) :]
    at = tail.find(secret[0:1])
    while at >= 0:
        if secret.startswith(tail[at:]):
            return len(tail) - at
        at = tail.find(secret[0:1], at + 1)
    return 0
