"""Opening databases: what is refused, what every connection follows, what replicas share."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.errors import StoreUnavailable
from gateway.store.database import BUSY_TIMEOUT_MS, open_database
from gateway.store.migrations import upgrade


@pytest.mark.parametrize("url", ["", "no url", "mysql://h/d", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_is_no_store_is_refused_with_help(url: str) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        open_database(url)
    assert caught.value.help


def test_sqlite_writes_ahead_and_waits_for_others(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/deep/store.db")
    with database.begin() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == BUSY_TIMEOUT_MS
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    assert (tmp_path / "deep").stat().st_mode & 0o077 == 0
    database.close()


def test_a_failed_transaction_leaves_nothing_and_tells_no_values(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/store.db")
    upgrade(database)

    def two_steps() -> None:
        with database.begin() as connection:
            connection.execute(text("INSERT INTO installation VALUES ('a', x'00')"))
            connection.execute(text("INSERT INTO nowhere VALUES ('hunter2')"))

    with pytest.raises(StoreUnavailable) as caught:
        two_steps()
    assert "hunter2" not in str(caught.value)
    with database.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM installation")).scalar() == 0
    database.close()


def test_all_who_ask_for_a_shared_key_get_the_same(tmp_path: Path) -> None:
    databases = [open_database(f"sqlite:///{tmp_path}/store.db") for _ in range(4)]
    upgrade(databases[0])
    keys = list[bytes]()
    start = threading.Barrier(len(databases))

    def ask(index: int) -> None:
        start.wait()
        keys.append(databases[index].shared_key("decoy"))

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(len(databases))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys)) == 1
    assert len(keys) == 4
    assert len(keys[0]) == 32
    assert databases[1].shared_key("other") != keys[0]
    for database in databases:
        database.close()


def test_a_password_in_the_url_is_never_shown() -> None:
    database = open_database("postgresql://u:hunter2@127.0.0.1:1/db")
    with pytest.raises(StoreUnavailable) as caught, database.begin():
        pass
    assert "hunter2" not in str(caught.value)
    database.close()
