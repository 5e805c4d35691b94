"""Whatever is looked for, the index finds what reading the whole log finds: while it is behind, after it was made anew, after shredding."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.audit.content_keys import ContentKeys
from gateway.audit.entry import Entry, decode
from gateway.audit.index.finding import Finder
from gateway.audit.index.sought import Sought, words_of
from gateway.audit.recent import entry_at, line_at
from gateway.audit.shredding import shred
from gateway.rpc.audit_service import AuditService
from gateway.rpc.codec.entries import SearchPage, read_found, write_search_request
from gateway.rpc.gate_ports import LogAudit
from gateway.rpc.refusals import CallRefused
from gateway.store.database import Database, open_database
from gateway.store.migrations import upgrade
from tests.rpc_stand_ins import AUDITOR
from tests.strategies.searches import ENTRIES, START, WANTED, Searched, facts, searched


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path_factory.mktemp('store')}/store.db")
    upgrade(opened)
    yield opened
    opened.close()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    entries=ENTRIES,
    more=ENTRIES,
    wanted=st.lists(WANTED, min_size=1, max_size=5),
    is_closed=st.booleans(),
    steps=st.integers(0, 5),
    shredded=st.integers(0, 3),
    is_anew=st.booleans(),
)
def test_the_index_finds_what_a_reading_of_the_whole_log_finds(
    database: Database,
    entries: list[Entry],
    more: list[Entry],
    wanted: list[Sought],
    is_closed: bool,
    steps: int,
    shredded: int,
    is_anew: bool,
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="sallyport-search-"))
    place = searched(folder / "audit", database, {"orders": "short"} if is_closed else None, name=folder.name)
    try:
        place.write(entries)
        place.index(steps)
        place.write(more)
        for sought in wanted:
            assert place.by_index(sought) == place.without_index(sought) == place.plainly(sought)
        keys = list(ContentKeys(place.folder).all())[:shredded]
        shred(place.log, place.folder, keys, START)
        if is_anew:
            place.indexer.anew()
        place.index()
        for sought in wanted:
            assert place.by_index(sought) == place.plainly(sought)
    finally:
        place.log.close()
        shutil.rmtree(folder)


def over_grpc(place: Searched, sought: Sought, most: int) -> list[int]:
    """Every page of a search as a caller of the service gets them; each entry is the log's own, and readable where it can be."""
    finder = Finder(place.folder, facts(place.folder), place.postings)
    service = AuditService(LogAudit(place.log, place.folder, finder))
    found, before = list[int](), None
    while True:
        page = read_found(service.search(write_search_request(SearchPage(sought, most, before)), AUDITOR))
        assert len(page.entries) <= most
        for one in page.entries:
            assert one.body + b"\n" == line_at(place.folder, one.index)
            assert decode((one.readable or one.body) + b"\n") == entry_at(place.folder, one.index)
            found.append(one.index)
        if page.older is None:
            return found
        assert before is None or page.older < before
        before = page.older


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    entries=ENTRIES,
    wanted=st.lists(WANTED, min_size=1, max_size=4),
    is_closed=st.booleans(),
    steps=st.integers(0, 5),
    most=st.integers(1, 4),
)
def test_the_service_finds_each_entry_once_whatever_the_page(
    database: Database, entries: list[Entry], wanted: list[Sought], is_closed: bool, steps: int, most: int
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="sallyport-search-"))
    place = searched(folder / "audit", database, {"orders": "short"} if is_closed else None, name=folder.name)
    try:
        place.write(entries)
        place.index(steps)
        for sought in wanted:
            is_empty = None not in (sought.since, sought.until) and sought.until <= sought.since  # type: ignore[operator]  # numbers
            if is_empty or (sought.text and not words_of(sought.text)):
                with pytest.raises(CallRefused):
                    over_grpc(place, sought, most)
            else:
                assert over_grpc(place, sought, most) == place.plainly(sought)
    finally:
        place.log.close()
        shutil.rmtree(folder)
