"""Real logs with checkpoints, for tests of what proves them."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.checkpoint import SigningKey
from gateway.audit.entry import Entry, Kind
from gateway.audit.log import AuditLog
from gateway.audit.sealing import Sealer

ORIGIN = "sallyport.audit/test"


def signing_key(seed: int = 1) -> SigningKey:
    return SigningKey.of(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def entry(number: int) -> Entry:
    return Entry(kind=Kind.DECISION, time=number, principal="ana", text=f"SELECT {number}", verdict="allow")


def open_log(directory: Path, segment_bytes: int = 64 << 20) -> AuditLog:
    return AuditLog(directory, segment_bytes=segment_bytes, low_water_bytes=0)


def stolen_log(directory: Path, stolen: int) -> None:
    """A log that key 1 handed over to key 2, and then 2 to 3; behind that somebody went on with one of them."""
    log = open_log(directory)
    try:
        sealer = Sealer(log, directory, ORIGIN, [signing_key(1)], lambda: 1)
        for number, new in enumerate((2, 3), 1):
            log.append(entry(number))
            sealer.seal()
            sealer.use_keys([signing_key(new), signing_key(new - 1)])
        log.append(entry(3))
        sealer.seal()
        sealer._keys = [signing_key(stolen)]
        log.append(entry(4))
        sealer.seal()
    finally:
        log.close()


def sealed_log(
    directory: Path, entries: int, *, every: int = 10, unsealed: int = 0, segment_bytes: int = 700, seed: int = 1
) -> None:
    """A log of so many sealed entries, a checkpoint after `every`, and some entries behind the last one."""
    with_log = open_log(directory, segment_bytes)
    try:
        sealer = Sealer(with_log, directory, ORIGIN, [signing_key(seed)], lambda: 1)
        for number in range(1, entries + 1):
            with_log.append(entry(number))
            if not number % every:
                sealer.seal()
        sealer.seal()
        for number in range(unsealed):
            with_log.append(entry(entries + 1 + number))
    finally:
        with_log.close()
