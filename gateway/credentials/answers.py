"""What a helper printed: a secret as it is, or one with an end, as kubectl's and others' helpers give it. Pure. Called by `sources`.

Two forms with more than the secret are known, both JSON objects; everything else, other JSON too, is the secret itself:
- kubectl's: `{"kind": "ExecCredential", "status": {"token", "clientKeyData", "clientCertificateData", "expirationTimestamp"}}`;
- ours: `{"secret", "user", "certificate", "expires_at", "expires_in"}`, of which `secret` has to be there and nothing else may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

_KEYS = frozenset({"secret", "user", "certificate", "expires_at", "expires_in"})


@dataclass(frozen=True, slots=True)
class Fetched:
    """A secret, with what was said of it: `ends_at` is seconds since 1970, None where it has no end."""

    secret: str | None = field(default=None, repr=False)
    user: str | None = None
    certificate: str | None = None
    ends_at: float | None = None


class AnswerUnreadable(ValueError):
    """What a helper printed is one of the known forms, and wrong. Says where, never what."""


def read_answer(printed: str, now: float) -> Fetched:
    """What a helper printed, at a time in seconds since 1970. Raises AnswerUnreadable."""
    if not printed.lstrip().startswith("{"):
        return Fetched(printed)
    try:
        found = msgspec.json.decode(printed)
    except (msgspec.DecodeError, RecursionError):
        return Fetched(printed)
    if not isinstance(found, dict):
        return Fetched(printed)
    if found.get("kind") == "ExecCredential":
        return _of_kubectl(found)
    if "secret" not in found or not found.keys() <= _KEYS:
        return Fetched(printed)
    ends_at, ends_in = found.get("expires_at"), found.get("expires_in")
    if ends_at is not None and ends_in is not None:
        raise AnswerUnreadable("`expires_at` and `expires_in` are both there")
    if ends_in is not None:
        if isinstance(ends_in, bool) or not isinstance(ends_in, int | float) or not 0 < ends_in < 1e9:
            raise AnswerUnreadable("`expires_in` is no number of seconds")
        end: float | None = now + ends_in
    else:
        end = _time(ends_at, "expires_at")
    return Fetched(_text(found, "secret"), _maybe(found, "user"), _maybe(found, "certificate"), end)


def _of_kubectl(found: Mapping[str, object]) -> Fetched:
    status = found.get("status")
    if not isinstance(status, dict):
        raise AnswerUnreadable("an ExecCredential has no `status`")
    end = _time(status.get("expirationTimestamp"), "expirationTimestamp")
    if "clientKeyData" in status:
        return Fetched(_text(status, "clientKeyData"), None, _text(status, "clientCertificateData"), end)
    return Fetched(_text(status, "token"), None, None, end)


def _text(found: Mapping[str, object], key: str) -> str:
    value = found.get(key)
    if not isinstance(value, str) or not value:
        raise AnswerUnreadable(f"`{key}` is no text")
    return value


def _maybe(found: Mapping[str, object], key: str) -> str | None:
    return None if found.get(key) is None else _text(found, key)


def _time(value: object, key: str) -> float | None:
    """Seconds since 1970, or a time as RFC 3339 writes it."""
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e12:
        return float(value)
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        time = None
    if time is None:
        raise AnswerUnreadable(f"`{key}` is no time; expected RFC 3339 or seconds since 1970")
    return (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).timestamp()
