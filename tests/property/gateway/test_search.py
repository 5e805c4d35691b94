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
from gateway.audit.entry import Entry
from gateway.audit.index.sought import Sought
from gateway.audit.shredding import shred
from gateway.store.database import Database, open_database
from gateway.store.migrations import upgrade
from tests.strategies.searches import ENTRIES, START, WANTED, searched


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
