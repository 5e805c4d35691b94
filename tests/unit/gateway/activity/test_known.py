"""What kinds of jobs did before, in a real store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

import gateway.activity.known as module
from gateway.activity.known import KnownUses, MustWait
from gateway.activity.touched import Use
from gateway.errors import StoreUnavailable
from gateway.store.database import Database, open_database
from gateway.store.migrations import upgrade
from gateway.store.tables import job_uses

READ, DROP = Use(b"r" * 16, "select", "read", "table a.b"), Use(b"d" * 16, "drop_table", "delete", "table a.b")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path}/store.db")
    upgrade(opened)
    yield opened
    opened.close()


def rows(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(job_uses)).scalar_one()


def test_what_was_learned_is_known_and_nothing_else(database: Database) -> None:
    known = KnownUses(database)
    assert known.look("ci", "build", [READ, DROP]).unseen == (READ, DROP)
    known.learn("ci", "build", [READ], "d-1", 5)
    found = known.look("ci", "build", [READ, DROP])
    assert (found.unseen, found.known, found.certain) == ((DROP,), 1, True)


def test_a_kind_of_another_principal_knows_nothing_of_it(database: Database) -> None:
    known = KnownUses(database)
    known.learn("ci", "build", [READ], "d-1", 5)
    assert known.look("eve", "build", [READ]).unseen == (READ,)
    assert known.look("ci", "report", [READ]).unseen == (READ,)


def test_what_was_learned_outlives_a_restart_once_it_is_written(database: Database) -> None:
    known = KnownUses(database)
    known.learn("ci", "build", [READ, DROP], "d-1", 5)
    assert KnownUses(database).look("ci", "build", [READ]).unseen == (READ,)
    known.flush()
    again = KnownUses(database).look("ci", "build", [READ])
    assert (again.unseen, again.known) == ((), 2)
    known.flush()
    assert rows(database) == 2


def test_two_replicas_learn_the_same_once_and_from_each_other(database: Database) -> None:
    one, other = KnownUses(database), KnownUses(database)
    assert other.look("ci", "build", [READ]).unseen == (READ,)
    for replica in (one, other):
        replica.learn("ci", "build", [READ], "d-1", 5)
    one.flush()
    other.flush()
    assert rows(database) == 1
    one.learn("ci", "build", [DROP], "d-2", 6)
    one.flush()
    assert other.look("ci", "build", [READ, DROP]).unseen == ()


def test_a_store_that_does_not_answer_knows_nothing_and_is_not_certain(tmp_path: Path) -> None:
    empty = open_database(f"sqlite:///{tmp_path}/empty.db")
    known = KnownUses(empty)
    found = known.look("ci", "build", [READ])
    assert (found.unseen, found.certain) == ((READ,), False)
    known.learn("ci", "build", [READ], "d-1", 5)
    with pytest.raises(StoreUnavailable):
        known.flush()
    upgrade(empty)
    known.flush()
    assert rows(empty) == 1
    empty.close()


def test_a_kind_learns_only_so_much(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LEARNED", 3)
    known = KnownUses(database)
    uses = [Use(bytes([number]) * 16, "get", "read", f"route /{number}") for number in range(9)]
    known.look("ci", "crawl", uses)
    known.learn("ci", "crawl", uses, "d-1", 5)
    assert known.look("ci", "crawl", uses).unseen == tuple(uses[3:])


def test_a_full_kind_is_not_counted_again_and_others_are(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LEARNED", 2)
    known = KnownUses(database)
    known.learn("ci", "other", [READ], "d-1", 5)
    known.learn("ci", "crawl", [READ, DROP], "d-1", 5)
    new = Use(b"n" * 16, "get", "read", "route /n")
    assert known.look("ci", "crawl", [new]).known == 2
    known.flush()
    assert [known.look("ci", kind, [new]).known for kind in ("crawl", "other")] == [2, 1]
    monkeypatch.setattr(module, "_COUNT", None)
    found = known.look("ci", "crawl", [new, READ])
    assert (found.unseen, found.known, found.certain) == ((new,), 2, True)
    with pytest.raises(StoreUnavailable):
        known._stored(b"o" * 16, [], counts=True)


def test_memory_is_bounded_and_the_store_still_knows(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_IN_MEMORY", 4)
    known = KnownUses(database)
    for number in range(10):
        known.learn("ci", f"kind{number}", [READ, DROP], "d", 5)
        known.flush()
    assert known._kept <= 4
    for number in range(10):
        assert known.look("ci", f"kind{number}", [READ, DROP]).unseen == ()


def test_kinds_that_are_known_for_nothing_are_forgotten(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KINDS", 4)
    known = KnownUses(database)
    known.learn("ci", "crawl", [READ], "d", 5)
    known.flush()
    for number in range(10):
        assert known.look("eve", f"kind{number}", [READ]).unseen == (READ,)
    assert (len(known._kinds), known._kept) == (4, 0)
    assert known.look("ci", "crawl", [READ]).unseen == ()


def test_names_that_a_database_cannot_hold_are_written_all_the_same(database: Database) -> None:
    known = KnownUses(database)
    known.learn("c\0i" * 200, "k", [Use(b"x" * 16, "select", "read", "table \0\ud800")], "d" * 100, 5)
    known.flush()
    assert rows(database) == 1


def test_who_may_not_wait_is_told_where_the_store_has_to_be_asked(database: Database) -> None:
    known = KnownUses(database)
    with pytest.raises(MustWait):
        known.look("ci", "build", [READ], may_wait=False)
    known.learn("ci", "build", [READ], "d-1", 5)
    known.look("ci", "build", [READ])
    assert known.look("ci", "build", [READ], may_wait=False).unseen == ()
    with pytest.raises(MustWait):
        known.look("ci", "build", [READ, DROP], may_wait=False)
