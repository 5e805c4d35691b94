"""Logs to search in and things to look for in them, and what a plain reading of the whole log finds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from engine import command_reader
from engine.evaluator.reader import CommandReader
from gateway.audit.catalogs import KeptCatalogs
from gateway.audit.content import DAY
from gateway.audit.entry import Entry, Kind
from gateway.audit.index.finding import Finder
from gateway.audit.index.keeping import Indexer
from gateway.audit.index.postings import Postings
from gateway.audit.index.sought import NOTHING, FactReader, Sought
from gateway.audit.log import AuditLog
from gateway.audit.read import read
from gateway.audit.shielding import ShieldedLog
from gateway.store.database import Database

START = 1_795_000_000 * 10**9
READER: CommandReader = command_reader()
TEXTS = (
    "SELECT id FROM orders WHERE name = 'Ana'",
    "select ID from shop.Orders o join bills b using (id)",
    "DELETE FROM bills",
    "INSERT INTO audit.events VALUES (1)",
    "SELEC oops FROM",
    "SELECT 'ünïcode ﬀ', '\x1b[2J\u202e' FROM orders",
    "",
)
_NAMES = st.sampled_from(["ana", "bo", "Ana"])
ENTRIES = st.lists(
    st.builds(
        Entry,
        kind=st.sampled_from([*[Kind.DECISION] * 3, Kind.OUTCOME, Kind.SESSION, Kind.RECORDING]),
        time=st.integers(0, 4 * 24).map(lambda hours: START + hours * DAY // 24),
        principal=_NAMES,
        resource=st.sampled_from(["orders", "other"]),
        job=st.none() | st.sampled_from(["build-1", "build-2"]),
        session=st.sampled_from(["s-1", "s-2"]),
        protocol=st.just("postgres"),
        text=st.sampled_from(TEXTS),
        verdict=st.sampled_from(["allow", "deny"]),
        rules=st.sampled_from(
            [(), (("policies.a/READ", "allow"),), (("policies.b/Write", "deny"), ("x/READ", "allow"))]
        ),
    ),
    max_size=40,
)


def _often_none(values: Iterable[str]) -> st.SearchStrategy[str | None]:
    return st.sampled_from([None, None, None, *values])


WANTED = st.builds(
    Sought,
    kind=st.sampled_from([Kind.DECISION, Kind.DECISION, Kind.SESSION, Kind.RECORDING]),
    principal=_often_none(["ana", "bo", "nobody"]),
    resource=_often_none(["orders", "other"]),
    job=_often_none(["build-1"]),
    session=_often_none(["s-1"]),
    verdict=_often_none(["allow", "deny"]),
    rule=_often_none(["read", "policies.a/READ", "b/Write", "nothing"]),
    effect=_often_none(["read", "delete", "write"]),
    object=_often_none(["orders", "BILLS", "shop.orders", "events", "audit.events"]),
    text=st.sampled_from(["", "", "orders", "SELECT ana", "ünïcode", "ﬀ", "...", "oops from"]),
    since=st.none() | st.integers(0, 5 * 24).map(lambda hours: START + hours * DAY // 24),
    until=st.none() | st.integers(0, 5 * 24).map(lambda hours: START + hours * DAY // 24),
)


@dataclass
class Searched:
    """One log, its index, and both ways to search it."""

    folder: Path
    log: AuditLog
    postings: Postings
    indexer: Indexer

    def write(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.log.append(entry)
        self.log.flush()

    def index(self, most: int | None = None, step: int = 7) -> None:
        """Index so many steps; without a number all there is."""
        done = 0
        while (most is None or done < most) and self.indexer.step(step):
            done += 1

    def by_index(self, sought: Sought, page: int = 3) -> list[int]:
        """Every page of a search, one after the other."""
        return self._pages(Finder(self.folder, facts(self.folder), self.postings), sought, page)

    def without_index(self, sought: Sought, page: int = 3) -> list[int]:
        return self._pages(Finder(self.folder, facts(self.folder), None), sought, page)

    def _pages(self, finder: Finder, sought: Sought, page: int) -> list[int]:
        found, before = list[int](), None
        while True:
            one = finder.find(sought, page, before)
            assert len(one.entries) <= page
            found += [entry.seq for entry in one.entries]
            if one.older is None:
                return found
            assert before is None or one.older < before
            before = one.older

    def plainly(self, sought: Sought) -> list[int]:
        """Every entry of the log looked at, with no help of what is tested."""
        reader = facts(self.folder)
        found = [
            entry.seq
            for entry in read(self.folder)
            if sought.admits(entry, reader.facts(entry) if sought.asks_facts else NOTHING)
        ]
        return found[::-1]


def facts(folder: Path) -> FactReader:
    return FactReader(READER, KeptCatalogs(folder))


def searched(
    folder: Path, database: Database, rules: Mapping[str, str] | None = None, name: str = "sallyport.audit/t"
) -> Searched:
    """An empty log with an index; with `rules` contents are closed."""
    log: AuditLog = (
        AuditLog(folder, low_water_bytes=0, segment_bytes=4_000)
        if rules is None
        else ShieldedLog(folder, rules, low_water_bytes=0, segment_bytes=4_000)
    )
    postings = Postings(database, name)
    return Searched(folder, log, postings, Indexer(folder, postings, facts(folder)))
