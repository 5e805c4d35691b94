"""Destroying the keys of contents whose time is over, or that somebody wants gone. The log's lines stay as they are.

An entry says first which key goes; the key goes last, behind everything else that knew the contents (`also`). So a crash at any
moment leaves either a key that is still to be destroyed, and is at the next look, or one that is gone and told.
A gateway looks by itself; beside a running one the command line leaves a request in the keys' folder. Called by `app` and `cli`.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gateway.audit.content import DAY, KEY_ID
from gateway.audit.content_keys import FOLDER, ContentKeys
from gateway.audit.entry import Entry, Kind
from gateway.audit.log import AuditLog
from gateway.audit.recent import entry_at
from gateway.audit.shielding import DEFAULT_RULE
from gateway.errors import AuditUnavailable

REQUESTS = "requests"
MAX_REQUESTS = 1_000
REFUSED = ".refused"
BEGUN = "destroyed"


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody wants the contents under these keys gone."""

    keys: tuple[str, ...]
    person: str


@dataclass(frozen=True, slots=True)
class Span:
    """What one key covers: the entries of a rule on a day. Times are UTC nanoseconds, `until` not included."""

    rule: str
    since: int
    until: int


def span_of(key_id: str) -> Span | None:
    """What the key of a name covers; None for what is no name."""
    named = KEY_ID.fullmatch(key_id)
    if named is None:
        return None
    try:
        day = datetime.strptime(named["day"], "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    since = int(day.timestamp()) * 10**9
    return Span(named["rule"], since, since + DAY)


def overdue(directory: Path, keep_days: Mapping[str, int], now: int) -> list[str]:
    """The keys of a log whose time is over. `keep_days` by rule, 0 is for ever; a rule nobody knows is kept as `default`."""
    found = []
    for key_id in ContentKeys(directory).all():
        span = span_of(key_id)
        days = 0 if span is None else keep_days.get(span.rule, keep_days.get(DEFAULT_RULE, 0))
        if span is not None and days and span.until + days * DAY <= now:
            found.append(key_id)
    return found


def shred(
    log: AuditLog,
    directory: Path,
    key_ids: Collection[str],
    now: int,
    *,
    person: str = "",
    also: Callable[[Span], None] = lambda span: None,
) -> int:
    """Destroy keys, each told in the log first; how many there were. `also` forgets what else knew a span's contents.

    Raises AuditUnavailable, and whatever `also` raises; a key is then still there.
    """
    keys, done = ContentKeys(directory), 0
    for key_id in key_ids:
        span = span_of(key_id)
        if span is None or keys.find(key_id) is None:
            # A file that is no key (any more): what a crash left while one was made or destroyed.
            keys.destroy(key_id)
            continue
        log.append(Entry(kind=Kind.SHREDDED, time=now, step=BEGUN, note=key_id, person=person), promised=True)
        # WHY: what is told must not be lost to a power cut behind what was done.
        log.flush()
        also(span)
        _forget_refused(directory, key_id)
        keys.destroy(key_id)
        done += 1
    return done


def ask(directory: Path, request: Request) -> None:
    """Leave a request for the gateway that writes this log. Raises AuditUnavailable."""
    folder = directory / FOLDER / REQUESTS
    unfinished = folder / f".{secrets.token_hex(8)}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished.write_bytes(msgspec.json.encode(request))
        unfinished.rename(folder / f"{secrets.token_hex(8)}.json")
    except OSError as error:
        raise AuditUnavailable(f"`{folder}` cannot be written ({error.strerror})") from error


def answer_requests(directory: Path, answer: Callable[[Request], None]) -> None:
    """Answer what was asked, one after the other; a request is gone when it was answered. Raises what `answer` raises."""
    for path in sorted((directory / FOLDER / REQUESTS).glob("*.json"))[:MAX_REQUESTS]:
        try:
            request = msgspec.json.decode(path.read_bytes(), type=Request)
        except (OSError, msgspec.MsgspecError):
            request = None
        if request is not None:
            answer(request)
        with contextlib.suppress(OSError):
            path.unlink()


def has_requests(directory: Path) -> bool:
    """Whether anything was asked for."""
    return next((directory / FOLDER / REQUESTS).glob("*.json"), None) is not None


def _forget_refused(directory: Path, key_id: str) -> None:
    """Take events out of what receivers refused, where they are of entries under this key, or of nobody knows which."""
    for path in sorted((directory / "export").glob(f"*{REFUSED}")):
        try:
            lines = path.read_bytes().splitlines(keepends=True)
            kept = [line for line in lines if _is_of_another(directory, line, key_id)]
            if len(kept) < len(lines):
                _rewrite(path, kept)
        except OSError as error:
            raise AuditUnavailable(f"`{path}` cannot be written ({error.strerror})") from error


def _is_of_another(directory: Path, line: bytes, key_id: str) -> bool:
    found = _UID.search(line)
    entry = None if found is None else entry_at(directory, int(found[1]))
    return entry is not None and entry.content_key != key_id


def _rewrite(path: Path, lines: Sequence[bytes]) -> None:
    fresh = b"".join(lines)
    with path.open("r+b") as file:
        size = os.fstat(file.fileno()).st_size
        file.write(fresh)
        # WHY zeros first: what is cut off would stay on the disk as it was.
        file.write(bytes(max(0, size - len(fresh))))
        file.flush()
        os.fsync(file.fileno())
        file.truncate(len(fresh))


_UID = re.compile(rb"sallyport\.audit/[0-9a-f]+/([1-9][0-9]{0,17})\b")
