"""Pages are bounded and go on where they stopped; an index that does not fit, or cannot be asked, costs time and no answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.audit.entry import Entry, Kind
from gateway.audit.index import finding
from gateway.audit.index.finding import Finder, fits, mark_of
from gateway.audit.index.postings import Reached
from gateway.audit.index.sought import Sought
from gateway.audit.log import AuditLog, segments
from gateway.audit.recent import line_at
from gateway.store.database import Database, open_database
from gateway.store.migrations import upgrade
from tests.strategies.searches import START, Searched, facts, searched

ODD = Sought(principal="odd")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path}/store.db")
    upgrade(opened)
    yield opened
    opened.close()


@pytest.fixture
def place(tmp_path: Path, database: Database) -> Iterator[Searched]:
    made = searched(tmp_path / "audit", database)
    made.write(entry(number) for number in range(1, 31))
    yield made
    made.log.close()


def entry(number: int) -> Entry:
    who = "odd" if number % 2 else "even"
    return Entry(kind=Kind.DECISION, time=START + number, principal=who, text=f"SELECT {number}", protocol="postgres")


def finder(place: Searched) -> Finder:
    return Finder(place.folder, facts(place.folder), place.postings)


@pytest.mark.parametrize("indexed", [0, 15, 30])
def test_a_page_of_long_entries_is_shorter(place: Searched, monkeypatch: pytest.MonkeyPatch, indexed: int) -> None:
    monkeypatch.setattr(finding, "MAX_PAGE_BYTES", 3 * 2_048)
    if indexed:
        place.index(1, step=indexed)
    pages, before = list[list[int]](), None
    while not pages or before is not None:
        found = finder(place).find(ODD, 100, before)
        pages.append([one.seq for one in found.entries])
        before = found.older
    assert [one for page in pages for one in page] == list(range(29, 0, -2))
    assert [len(page) for page in pages if page] == [3] * 5


def test_a_page_says_where_to_go_on_and_how_far_the_index_was_of_use(place: Searched) -> None:
    place.index(2, step=10)
    first = finder(place).find(ODD, 3)
    assert ([one.seq for one in first.entries], first.indexed) == ([29, 27, 25], 20)
    second = finder(place).find(ODD, 4, first.older)
    assert [one.seq for one in second.entries] == [23, 21, 19, 17]
    # Only what the index names was read below 21.
    assert second.looked <= 3 + 3
    rest = finder(place).find(ODD, 100, second.older)
    assert ([one.seq for one in rest.entries], rest.older) == ([15, 13, 11, 9, 7, 5, 3, 1], None)


def test_neither_the_log_nor_the_index_is_looked_through_without_an_end(
    place: Searched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "MAX_LOOKED", 4)
    found = finder(place).find(Sought(principal="nobody"), 3)
    assert (found.entries, found.looked, found.older) == ([], 4, 27)
    place.index()
    monkeypatch.setattr(finding, "MAX_CHECKED", 5)
    monkeypatch.setattr(finding, "PIECE", 2)
    # The index knows days only: it names entries of the right day that are too early.
    found = finder(place).find(Sought(principal="odd", since=START + 30), 3)
    assert (found.entries, found.looked) == ([], 5)
    assert found.older is not None
    assert place.by_index(Sought(principal="odd", since=START + 30)) == []


def test_a_store_that_fails_in_between_leaves_the_log(place: Searched, database: Database) -> None:
    place.index()
    with database.begin() as connection:
        connection.execute(text("DROP TABLE audit_terms"))
    assert place.by_index(ODD) == place.plainly(ODD)
    with database.begin() as connection:
        connection.execute(text("DROP TABLE audit_logs"))
    assert place.by_index(ODD) == place.plainly(ODD)


def test_too_many_keys_for_one_question_leave_the_log(place: Searched, monkeypatch: pytest.MonkeyPatch) -> None:
    place.index()
    monkeypatch.setattr(finding, "MAX_HASHES", 0)
    assert place.by_index(Sought(text="select 7")) == [7]


def test_an_index_of_another_log_is_not_asked(place: Searched, tmp_path: Path) -> None:
    place.index()
    place.log.close()
    for path in segments(place.folder):
        path.unlink()
    other = AuditLog(place.folder, low_water_bytes=0)
    for number in range(2, 40):
        other.append(entry(number))
    other.flush()
    assert finder(place).find(ODD, 1).indexed == 0
    assert place.by_index(ODD) == place.plainly(ODD)
    other.close()


def test_a_place_fits_where_its_line_stands(place: Searched) -> None:
    line = line_at(place.folder, 5)
    assert line is not None
    assert fits(place.folder, Reached(0, b""))
    assert fits(place.folder, Reached(5, mark_of(line)))
    assert not fits(place.folder, Reached(6, mark_of(line)))
    assert not fits(place.folder, Reached(99, mark_of(line)))
    assert not fits(place.folder, Reached(-1, b""))
