"""What names mean at the targets, read over the gateway's own connection and kept in memory.

Everything a session is told from here is provable at the time it was read; what cannot be read is unknown, never guessed.
What is read (relations, views, functions, operators) stands in `catalog_rows`; what of it is read again over the same
connection in `catalog_changes`. Materialized views have no definition
here: their rows are of an earlier time, when what they read may have been defined otherwise.

Sessions say when DDL went through them (`changed`): what was read before does not count any more from that moment, for
all sessions. Changes made elsewhere are seen after `FRESH` seconds at the latest; the cross-check against the server's own description
of a result (`session.masking`) holds in between.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import asyncpg
import msgspec
import structlog

from adapters.core.ports import Target
from adapters.postgres.catalog_changes import LEAST_VERSION, Reading, fetch_changes
from adapters.postgres.catalog_rows import MAX_ROWS, Found, checked, facts_of, fetch
from adapters.postgres.own_connection import connect
from adapters.postgres.type_shapes import Shape, TypeRow, shape_of
from engine._native import Catalog, NativeError
from engine.command.sql.parse import build_catalog

FRESH = 30.0
"""Seconds after which what was read is not taken any more: who asks waits until it is read again."""
WARM = 20.0
"""Seconds after which it is still taken, and read again in the background meanwhile: who asks all the time never waits."""
TIMEOUT = 5.0
RETRY = 5.0
"""Seconds after a failed reading before the next: until then nothing is known."""
IDLE = 60.0
"""Seconds after which an unused connection is closed."""
MAX_READINGS = 5
"""How often in a row names are read for one who waits, when others change them meanwhile each time."""
MAX_HANDLES = 256
MAX_HANDLE_BYTES = 16 << 20
"""Of the names and texts that the handles of one database were asked for with; the one that is asked for now is there all the same."""

_ENCODER = msgspec.msgpack.Encoder()
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One reading. `origins`: (relation's OID, column number) to `schema.table.column`; `types`: those that people made;
    `checked`: those whose values are looked at by functions that people made."""

    catalog: Catalog
    origins: Mapping[tuple[int, int], str]
    types: Mapping[int, TypeRow] = field(default_factory=dict)
    checked: frozenset[int] = frozenset()


def snapshot_of(found: Found) -> Snapshot:
    """Build a snapshot from what was read."""
    facts, origins = facts_of(found)
    return Snapshot(build_catalog(facts), origins, found.shapes or {}, checked(found))


@dataclass
class TargetNames:
    """What is known of one database now. Satisfies `session.meanings.Meanings`."""

    current: Snapshot | None = None
    _handles: dict[tuple[tuple[str, ...], tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]], Catalog] = field(
        default_factory=dict
    )

    _bytes: int = 0
    """Of the names and texts in them."""

    def handle(
        self, search_path: tuple[str, ...], prepared: Mapping[str, str], cursors: Mapping[str, str]
    ) -> object | None:
        """The engine's catalog for a session; the same object for the same wishes, as long as nothing is read again."""
        if self.current is None:
            return None
        key = search_path, tuple(sorted(prepared.items())), tuple(sorted(cursors.items()))
        found = self._handles.get(key)
        if found is None:
            size = sum(map(len, (*search_path, *prepared, *prepared.values(), *cursors, *cursors.values())))
            if len(self._handles) >= MAX_HANDLES or self._bytes + size > MAX_HANDLE_BYTES:
                self._handles.clear()
                self._bytes = 0
            self._bytes += size
            wish = {"search_path": search_path, "prepared": prepared, "cursors": cursors}
            found = self._handles[key] = self.current.catalog.for_session(_ENCODER.encode(wish))
        return found

    @property
    def is_known(self) -> bool:
        return self.current is not None

    @property
    def version(self) -> str | None:
        return None if self.current is None else self.current.catalog.version

    def origin_of(self, relation: int, number: int) -> str | None:
        return None if self.current is None else self.current.origins.get((relation, number))

    def shape_of(self, type_oid: int) -> Shape:
        return shape_of({} if self.current is None else self.current.types, type_oid)

    def is_checked(self, type_oid: int) -> bool:
        return self.current is not None and type_oid in self.current.checked

    def show(self, snapshot: Snapshot | None) -> None:
        """Replace what is known."""
        if (
            snapshot is not None
            and self.current is not None
            and snapshot.catalog.version == self.current.catalog.version
        ):
            self.current = replace(snapshot, catalog=self.current.catalog)
            return
        self.current = snapshot
        self._handles.clear()
        self._bytes = 0


class _Reader:
    """One database: its names, the connection they are read over, and when that was last done."""

    def __init__(self, target: Target, clock: Callable[[], float]) -> None:
        self.names = TargetNames()
        self._target = target
        self._clock = clock
        self._lock = asyncio.Lock()
        self._connection: asyncpg.Connection | None = None
        self._seed = 0
        self._last: tuple[Reading, Snapshot] | None = None
        """What was read over this connection last, and what was made of it."""
        self._read_at: float | None = None
        self._changes = 0
        """How often somebody said that the names have changed."""
        self._background: asyncio.Task[None] | None = None
        self._closing: asyncio.TimerHandle | None = None

    async def refresh(self, changed: bool) -> None:
        """Return when what is known is fit to be used, or is known to be unknown."""
        asked_at = self._clock()
        if changed:
            self.names.show(None)
            self._read_at = None
            self._changes += 1
        age = None if self._read_at is None else asked_at - self._read_at
        failed = self.names.current is None
        if age is None:
            # WHY again: somebody else may change something while we read, and then this reading is for nothing.
            for _ in range(MAX_READINGS):
                await self._read()
                if self._read_at is not None:
                    return
        elif failed and age < RETRY:
            return
        elif failed:
            await self._read(asked_at)
        elif age > FRESH:
            # INVARIANT: what is older than `FRESH` is used by nobody, also where nobody has asked for long.
            await self._read(asked_at - FRESH)
        elif age > WARM and (self._background is None or self._background.done()):
            self._background = asyncio.create_task(self._read(asked_at))

    async def _read(self, since: float = 0.0) -> None:
        """Read the names, unless a reading is there that began after `since` and behind the last change.

        A reading that fails leaves nothing known.
        """
        async with self._lock:
            if self._read_at is not None and self._read_at > since:
                return
            began, changes = self._clock(), self._changes
            try:
                async with asyncio.timeout(TIMEOUT):
                    snapshot = await self._fetch()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, NativeError) as error:
                log.warning("the names at a target cannot be read", error=type(error).__name__)
                snapshot = None
                await self.close()
            self._close_when_idle()
            # INVARIANT: what was read before a change is never shown after it; whoever waits reads again.
            if changes == self._changes:
                # WHY the moment before: a change made elsewhere while we read may not be in it.
                self._read_at = began
                self.names.show(snapshot)

    async def _fetch(self) -> Snapshot | None:
        target = self._target
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(target, "sallyport catalog", TIMEOUT)
            # INVARIANT: what is known from before is of the same server, so of the same connection.
            self._last, self._seed = None, secrets.randbits(62)
        before = None if self._last is None else self._last[0]
        reading: Reading | Found | None
        if self._connection.get_server_version().major < LEAST_VERSION:
            reading = await fetch(self._connection)
        else:
            reading = await fetch_changes(self._connection, before, self._seed)
        if reading is None:
            log.warning("a database has too many columns or functions for a catalog", most=MAX_ROWS)
            return None
        if self._last is not None and reading is before:
            return self._last[1]
        if isinstance(reading, Found):
            return await asyncio.to_thread(snapshot_of, reading)
        # WHY another thread: of ten thousand relations it takes a while, and other sessions go on meanwhile.
        snapshot = await asyncio.to_thread(snapshot_of, reading.found)
        self._last = reading, snapshot
        return snapshot

    def _close_when_idle(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
        loop = asyncio.get_running_loop()
        self._closing = loop.call_later(IDLE, lambda: loop.create_task(self.close()))

    async def close(self) -> None:
        """Close the connection; the next reading opens another."""
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        connection, self._connection = self._connection, None
        self._last = None
        if connection is not None and not connection.is_closed():
            connection.terminate()


class CatalogService:
    """The names at all targets of one program, shared by its sessions. `clock` counts seconds and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._readers: dict[Target, _Reader] = {}

    def names(self, target: Target) -> TargetNames:
        """What is known of a target's database (`Target.database` says which)."""
        return self._reader(target).names

    async def refresh(self, target: Target, changed: bool) -> None:
        """Have the names at hand; `changed`: what was read before does not count."""
        # WHY shielded: other sessions wait for the same reading when the one that asked goes away.
        await asyncio.shield(self._reader(target).refresh(changed))

    async def close(self) -> None:
        """Close all connections."""
        for reader in self._readers.values():
            await reader.close()

    def _reader(self, target: Target) -> _Reader:
        reader = self._readers.get(target.place)
        if reader is None:
            reader = self._readers[target.place] = _Reader(target, self._clock)
        return reader
