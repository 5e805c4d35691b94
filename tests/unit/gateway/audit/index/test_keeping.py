"""The index follows the log, begins anew where it does not fit, and keeps no word of a content that was shredded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text

from gateway.audit.content_keys import ContentKeys
from gateway.audit.entry import Entry, Kind
from gateway.audit.index.keeping import LONGEST_WAIT, LOOK_SECONDS, Indexer, Indexing
from gateway.audit.index.postings import Reached
from gateway.audit.index.sought import Sought
from gateway.audit.log import AuditLog, segments
from gateway.audit.shredding import shred
from gateway.errors import AuditUnavailable
from gateway.store.database import Database, open_database
from gateway.store.migrations import upgrade
from gateway.store.tables import audit_terms
from tests.strategies.searches import START, Searched, facts, searched


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path}/store.db")
    upgrade(opened)
    yield opened
    opened.close()


@pytest.fixture
def place(tmp_path: Path, database: Database) -> Iterator[Searched]:
    made = searched(tmp_path / "audit", database, rules={})
    yield made
    made.log.close()


def entry(number: int, words: str = "SELECT") -> Entry:
    return Entry(
        kind=Kind.DECISION, time=START + number, principal="ana", text=f"{words} {number}", protocol="postgres"
    )


def test_it_goes_on_where_it_was_whoever_does_it(place: Searched) -> None:
    place.write(entry(number) for number in range(1, 21))
    assert place.indexer.step(8) == 8
    other = Indexer(place.folder, place.postings, facts(place.folder))
    assert other.step(8) == 8
    # The first one stands elsewhere than the index, and sees it.
    assert place.indexer.step(8) == 4
    assert place.indexer.step(8) == 0
    place.write([entry(21)])
    assert other.step(8) == 1
    assert place.by_index(Sought(text="select")) == list(range(21, 0, -1))


def test_an_index_nobody_finished_forgetting_is_made_anew(place: Searched, database: Database) -> None:
    place.write(entry(number) for number in range(1, 6))
    place.index()
    with database.begin() as connection:
        connection.execute(text("UPDATE audit_logs SET upto = -1"))
    assert place.by_index(Sought()) == [5, 4, 3, 2, 1]
    place.index()
    assert place.postings.reached().upto == 5
    assert place.by_index(Sought()) == [5, 4, 3, 2, 1]


def test_a_log_that_was_replaced_is_indexed_anew(tmp_path: Path, place: Searched) -> None:
    place.write(entry(number) for number in range(1, 10))
    place.index()
    place.log.close()
    for path in segments(place.folder):
        path.unlink()
    again = AuditLog(place.folder, low_water_bytes=0)
    for number in range(1, 4):
        again.append(entry(number, "DELETE"))
    again.flush()
    place.indexer = Indexer(place.folder, place.postings, facts(place.folder))
    place.index()
    assert place.postings.reached().upto == 3
    assert place.by_index(Sought(text="delete")) == [3, 2, 1]
    assert place.by_index(Sought(text="select")) == []
    again.close()


def test_no_word_of_what_was_shredded_is_found_nor_can_be_guessed(place: Searched, database: Database) -> None:
    from gateway.audit.index.terms import content_terms

    place.write([entry(1, "c4nary81")])
    place.index()
    assert place.by_index(Sought(text="C4nary81")) == [1]
    shred(place.log, place.folder, list(ContentKeys(place.folder).all()), START)
    assert place.by_index(Sought(text="c4nary81")) == []
    with database.read() as connection:
        kept = set(connection.execute(select(audit_terms.c.term)).scalars())
    # Whoever has the store alone cannot ask whether a word was there.
    assert kept.isdisjoint(content_terms(Sought(text="c4nary81"), b""))
    place.indexer.anew()
    place.index()
    assert place.by_index(Sought(principal="ana")) == [1]


def test_a_key_that_goes_while_its_entry_is_taken_in_leaves_no_word(
    place: Searched, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write([entry(1, "c4nary82")])
    monkeypatch.setattr(place.indexer._opener, "key", lambda key_id: None)
    place.index()
    with database.read() as connection:
        kept = set(connection.execute(select(audit_terms.c.term)).scalars())
    from gateway.audit.index.terms import content_terms

    assert kept.isdisjoint(content_terms(Sought(text="c4nary82"), b""))


def test_a_turn_rests_longer_than_it_worked_and_waits_for_a_store_that_is_away(
    place: Searched, database: Database, tmp_path: Path
) -> None:
    place.write(entry(number) for number in range(1, 4))
    thread = Indexing(place.indexer)
    assert 0 < thread.turn(0.0) < 60
    assert thread.turn(0.0) == LOOK_SECONDS
    with database.begin() as connection:
        connection.execute(text("DROP TABLE audit_logs"))
    assert thread.turn(0.0) == LOOK_SECONDS
    assert thread.trouble
    assert thread.turn(LONGEST_WAIT) == LONGEST_WAIT
    thread.close()


def test_a_thread_takes_in_what_is_written(place: Searched) -> None:
    thread = Indexing(place.indexer)
    place.write([entry(1)])
    thread.start()
    try:
        while place.postings.reached().upto < 1:
            assert not thread.trouble
    finally:
        thread.close()


def test_a_line_that_is_no_entry_stops_it(place: Searched) -> None:
    place.write([entry(1)])
    (path,) = segments(place.folder)
    path.write_bytes(path.read_bytes() + b'{"seq":2,"kind":"nothing"}\n')
    with pytest.raises(AuditUnavailable):
        place.indexer.step(5)
    assert place.postings.reached() == Reached(0, b"")
