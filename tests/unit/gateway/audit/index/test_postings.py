"""The index in the store: one winner for each place, nothing of other logs, forgotten whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.audit.index import postings as module
from gateway.audit.index.postings import START, Postings, Reached, Span
from gateway.errors import StoreUnavailable
from gateway.store.database import Database, open_database
from gateway.store.migrations import upgrade

FIRST = Reached(3, b"m")
TERMS = [(10, 1), (11, 1), (10, 2), (10, 3), (12, 3)]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path}/store.db")
    upgrade(opened)
    yield opened
    opened.close()


def test_entries_are_found_by_their_terms_the_newest_first(database: Database) -> None:
    index = Postings(database, "a")
    assert index.reached() == START
    assert index.add(START, FIRST, TERMS, {5: Span(1, 2), 6: Span(3, 3)})
    assert index.reached() == FIRST
    every = Span(0, 99)
    assert index.find([10], [], every, 9) == [3, 2, 1]
    assert index.find([10], [], every, 2) == [3, 2]
    assert index.find([10], [], Span(2, 2), 9) == [2]
    assert index.find([10], [[11, 12]], every, 9) == [3, 1]
    assert index.find([10, 11], [], every, 9) == [1]
    assert index.find([10], [[11], [12]], every, 9) == []
    assert index.between(None, None) == Span(1, 3)
    assert index.between(6, 6) == Span(3, 3)
    assert index.between(7, None) is None


def test_days_grow(database: Database) -> None:
    index = Postings(database, "a")
    index.add(START, FIRST, TERMS, {5: Span(2, 3)})
    index.add(FIRST, Reached(4, b"n"), [], {5: Span(1, 4)})
    assert index.between(5, 5) == Span(1, 4)


def test_who_is_late_changes_nothing(database: Database) -> None:
    one, other = Postings(database, "a"), Postings(database, "a")
    assert one.add(START, FIRST, TERMS, {})
    assert not other.add(START, FIRST, TERMS, {})
    assert other.reached() == FIRST
    assert other.find([10], [], Span(0, 99), 9) == [3, 2, 1]


def test_logs_do_not_see_each_other(database: Database) -> None:
    one, other = Postings(database, "a"), Postings(database, "b")
    one.add(START, FIRST, TERMS, {5: Span(1, 3)})
    other.add(START, Reached(1, b""), [(10, 1)], {5: Span(1, 1)})
    assert other.find([10], [], Span(0, 99), 9) == [1]
    one.forget()
    assert one.reached() == START
    assert one.find([10], [], Span(0, 99), 9) == []
    assert other.find([10], [], Span(0, 99), 9) == [1]


def test_a_large_index_is_forgotten_piece_by_piece(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FORGOTTEN", 3)
    index = Postings(database, "a")
    index.forget()
    index.add(START, FIRST, [(term, seq) for term in range(5) for seq in range(4)], {})
    index.forget()
    assert index.reached() == START
    assert all(index.find([term], [], Span(0, 99), 9) == [] for term in range(5))


def test_where_there_is_no_index_it_says_so(database: Database, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        Postings(database, "a").find([1], [], Span(0, 9), 9)
    empty = open_database(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(StoreUnavailable):
        Postings(empty, "a").reached()
    empty.close()
