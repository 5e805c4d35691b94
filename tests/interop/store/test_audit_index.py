"""The index of the audit on a real PostgreSQL: the same answers as a reading of the log, two replicas beside each other, up and down."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.audit.entry import Entry
from gateway.audit.index.sought import Sought
from gateway.store.database import open_database
from gateway.store.migrations import current, downgrade, latest, upgrade
from tests.strategies.searches import ENTRIES, WANTED, Searched, searched


def test_it_finds_what_a_reading_of_the_log_finds_for_each_of_two_logs(url: str, tmp_path: Path) -> None:
    database = open_database(url)
    upgrade(database)
    places = [searched(tmp_path / name, database, name=f"log {name}") for name in ("one", "two")]
    try:
        _compare(places)
        for place in places:
            place.indexer.anew()
            place.index(step=50)
            assert place.by_index(Sought(principal="ana"), 50) == place.plainly(Sought(principal="ana"))
        downgrade(database, "0004")
        assert places[0].by_index(Sought(text="orders"), 50) == places[0].plainly(Sought(text="orders"))
        upgrade(database)
        assert current(database) == latest()
        places[0].index(step=50)
        assert places[0].by_index(Sought(text="orders"), 50) == places[0].plainly(Sought(text="orders"))
    finally:
        for place in places:
            place.log.close()
        database.close()


def _compare(places: list[Searched]) -> None:
    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(which=st.sampled_from(places), entries=ENTRIES, wanted=st.lists(WANTED, min_size=1, max_size=3))
    def compare(which: Searched, entries: list[Entry], wanted: list[Sought]) -> None:
        which.write(entries)
        which.index(3, step=9)
        for sought in wanted:
            assert which.by_index(sought, 20) == which.plainly(sought)

    compare()
