"""What each kind of job did before, so that what it never did is seen. Kept in the store, so replicas and restarts know it too.

Learned only from what was granted. A kind is one of a principal's: nobody borrows what others are known for. What was learned is
kept in memory; what is missing there is looked for in the store each time, because another replica may have learned it.
INVARIANT: what the store does not say, or cannot say, was never done. Safe from any thread. Called by `gateway.counting`.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import bindparam, func, insert, select

from gateway.activity.touched import Use
from gateway.errors import StoreUnavailable
from gateway.store.database import Database
from gateway.store.tables import job_uses

MAX_LEARNED = 5_000
"""Uses that one kind of job is known for; it learns no more, so everything else stays new to it."""
MAX_IN_MEMORY = 200_000
"""Uses of all kinds that are kept in memory: 20 MB."""
MAX_KINDS = 20_000
"""Kinds that are remembered, also those that are known for nothing: 10 MB. Their names may be the word of who asks."""
MAX_WAITING = 10_000
"""Learned uses that wait to be written. Those beyond are learned when they come again."""
MAX_WRITTEN = 500
"""Of them, written at once."""

# WHY made once: a statement takes longer to put together than to run.
_THEIRS = job_uses.c.owner == bindparam("of")
_COUNT = select(func.count()).select_from(job_uses).where(_THEIRS)
_AMONG = select(job_uses.c.use).where(_THEIRS, job_uses.c.use.in_(bindparam("keys", expanding=True)))


class MustWait(Exception):
    """The store has to be asked, by somebody who may not wait for it."""


@dataclass(frozen=True, slots=True)
class Familiar:
    """How well a command is known. `known`: uses that its kind of job is known for. Not `certain`: the store did not answer."""

    unseen: tuple[Use, ...]
    known: int
    certain: bool = True


@dataclass(slots=True)
class _Kind:
    uses: set[bytes] = field(default_factory=set)
    count: int = 0
    is_counted: bool = False


class KnownUses:
    """The memory of one installation."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._kinds: OrderedDict[bytes, _Kind] = OrderedDict()
        self._kept = 0
        self._waiting: dict[tuple[bytes, bytes], dict[str, object]] = {}
        self._waiting_of: Counter[bytes] = Counter()

    def look(self, principal: str, kind: str, uses: Sequence[Use], *, may_wait: bool = True) -> Familiar:
        """Which of these a kind of job never did. Raises MustWait where the store has to be asked and `may_wait` is no."""
        owner = _owner(principal, kind)
        with self._lock:
            found = self._kind(owner)
            missing = [use for use in uses if use.key not in found.uses]
            if not missing and found.is_counted:
                return Familiar((), found.count)
            # WHY not again where it is full: it stays so, and counting that many for each new thing is what takes long.
            is_full = found.is_counted and found.count >= MAX_LEARNED
        if not may_wait:
            raise MustWait
        try:
            stored, count = self._stored(owner, [use.key for use in missing], counts=not is_full)
        except StoreUnavailable:
            return Familiar(tuple(missing), found.count, certain=False)
        with self._lock:
            found = self._kind(owner)
            self._add(found, stored)
            if count is not None:
                found.count = count + self._waiting_of[owner]
            found.is_counted = True
            return Familiar(tuple(use for use in missing if use.key not in found.uses), found.count)

    def learn(self, principal: str, kind: str, uses: Sequence[Use], decision_id: str, now: int) -> None:
        """A kind of job did this, and was let. Written with the next `flush`."""
        owner = _owner(principal, kind)
        with self._lock:
            found = self._kind(owner)
            for use in uses:
                if use.key in found.uses or found.count >= MAX_LEARNED or len(self._waiting) >= MAX_WAITING:
                    continue
                found.count += 1
                self._add(found, {use.key})
                self._waiting_of[owner] += 1
                self._waiting[owner, use.key] = {
                    "owner": owner,
                    "use": use.key,
                    "principal": _text(principal, 255),
                    "kind": _text(kind, 128),
                    "said": _text(f"{use.operation} {use.object}".rstrip(), 300),
                    "decision_id": _text(decision_id, 64),
                    "learned_at": now,
                }

    def flush(self) -> None:
        """Write what was learned. Raises StoreUnavailable; then it waits for the next time."""
        with self._lock:
            waiting = dict(islice(self._waiting.items(), MAX_WRITTEN))
        if not waiting:
            return
        owners, uses = ({key[place] for key in waiting} for place in (0, 1))
        with self._database.begin() as connection:
            known = select(job_uses.c.owner, job_uses.c.use).where(
                job_uses.c.owner.in_(owners), job_uses.c.use.in_(uses)
            )
            stored = {(bytes(owner), bytes(use)) for owner, use in connection.execute(known)}
            rows = [row for key, row in waiting.items() if key not in stored]
            if rows:
                connection.execute(insert(job_uses), rows)
        with self._lock:
            for key in waiting:
                if self._waiting.pop(key, None) is not None:
                    self._waiting_of[key[0]] -= 1
            self._waiting_of = +self._waiting_of

    def _stored(self, owner: bytes, keys: Sequence[bytes], *, counts: bool) -> tuple[set[bytes], int | None]:
        """Which of these are in the store, and, where that is asked, how many there are in all. Raises StoreUnavailable."""
        with self._database.read() as connection:
            count = connection.execute(_COUNT, {"of": owner}).scalar_one() if counts else None
            if not keys:
                return set(), count
            found = connection.execute(_AMONG, {"of": owner, "keys": list(keys)})
            return {bytes(use) for (use,) in found}, count

    def _kind(self, owner: bytes) -> _Kind:
        found = self._kinds.get(owner)
        if found is None:
            self._kinds[owner] = found = _Kind()
            if len(self._kinds) > MAX_KINDS:
                self._forget_oldest()
        self._kinds.move_to_end(owner)
        return found

    def _add(self, kind: _Kind, uses: set[bytes]) -> None:
        new = uses - kind.uses
        kind.uses |= new
        self._kept += len(new)
        while self._kept > MAX_IN_MEMORY and len(self._kinds) > 1:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        _, oldest = self._kinds.popitem(last=False)
        self._kept -= len(oldest.uses)


def _owner(principal: str, kind: str) -> bytes:
    return hashlib.blake2b(f"{principal}\0{kind}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _text(text: str, most: int) -> str:
    """A text as every database takes it."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")[:most]
