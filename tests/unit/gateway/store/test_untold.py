"""A word that was left is told once, and goes only when it was told."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import AuditUnavailable, StoreUnavailable
from gateway.store.database import Database, open_database
from gateway.store.migrations import downgrade, upgrade
from gateway.store.untold import leave, take

NOW = itertools.count(1_800_000_000 * 10**9)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path}/store.db")
    upgrade(opened)
    yield opened
    opened.close()


def left(database: Database, *words: str) -> None:
    with database.begin() as connection:
        for word in words:
            leave(connection, word, next(NOW))


def test_words_are_told_in_their_order_and_once(database: Database) -> None:
    left(database, "a", "b")
    told: list[str] = []
    assert take(database, told.append) == 2
    assert take(database, told.append) == 0
    left(database, "c")
    assert take(database, told.append) == 1
    assert told == ["a", "b", "c"]


def test_what_cannot_be_told_stays(database: Database) -> None:
    left(database, "a", "b", "c")
    told: list[str] = []

    def fails_at_b(word: str) -> None:
        if word == "b":
            raise AuditUnavailable("full")
        told.append(word)

    with pytest.raises(AuditUnavailable):
        take(database, fails_at_b)
    assert told == ["a"]
    assert take(database, told.append) == 2
    assert told == ["a", "b", "c"]


def test_nothing_is_left_of_what_did_not_happen(database: Database) -> None:
    def fails() -> None:
        with database.begin() as connection:
            leave(connection, "a", 1)
            raise AuditUnavailable("full")

    with pytest.raises(AuditUnavailable):
        fails()
    assert take(database, lambda word: None) == 0


def test_of_two_that_look_at_once_one_tells(database: Database) -> None:
    left(database, *"abcdefgh")
    told: list[str] = []
    counts = list[int]()
    lookers = [threading.Thread(target=lambda: counts.append(take(database, told.append))) for _ in range(2)]
    for one in lookers:
        one.start()
    for one in lookers:
        one.join()
    assert sum(counts) == 8
    assert sorted(told) == list("abcdefgh")


def test_what_else_replicas_share_is_no_word(database: Database) -> None:
    key = database.shared_key("tokens")
    left(database, "a")
    told: list[str] = []
    assert take(database, told.append) == 1
    assert told == ["a"]
    assert database.shared_key("tokens") == key


def test_a_store_without_the_table_is_said_to_be_away(database: Database) -> None:
    downgrade(database, "base")
    with pytest.raises(StoreUnavailable):
        take(database, lambda word: None)
