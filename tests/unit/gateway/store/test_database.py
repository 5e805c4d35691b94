"""Opening databases: what is refused, what every connection follows, what replicas share."""

from __future__ import annotations

import ssl
import threading
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.engine import make_url

from gateway.errors import StoreUnavailable
from gateway.store import tables
from gateway.store.database import BUSY_TIMEOUT_MS, Server, open_database, server_of
from gateway.store.migrations import upgrade


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://h/d?sslmode=prefer",
        "postgresql://h/d?sslrootcert=/no/such/file",
        "postgresql://h/d?options=-c",
        "postgresql://h/d?sslmode=require&sslmode=disable",
    ],
)
def test_a_way_to_postgresql_that_is_not_understood_is_refused(url: str) -> None:
    with pytest.raises(StoreUnavailable):
        open_database(url)


def test_the_way_to_postgresql_is_verified_unless_it_says_otherwise() -> None:
    def place(url: str) -> Server:
        return server_of(make_url(url))

    assert (tls := place("postgresql://h/d").tls) is not None
    assert tls.check_hostname
    assert (tls := place("postgresql://h/d?sslmode=require").tls) is not None
    assert tls.verify_mode is ssl.CERT_NONE
    assert place("postgresql://h/d?sslmode=disable") == Server(None, None)
    assert place("postgresql://u@:6000/d?host=/run/pg") == Server("/run/pg/.s.PGSQL.6000", None)


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


def test_who_looks_waits_for_no_writer_and_no_writer_for_them(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/store.db")
    upgrade(database)
    looking = select(tables.installation.c.name)
    with database.begin() as writing:
        writing.execute(insert(tables.installation).values(name="a", value=b"1"))
        with database.read() as reading:
            assert reading.execute(looking).all() == [], "what is not committed is not seen"
    with database.read() as reading:
        assert len(reading.execute(looking).all()) == 1
        with database.begin() as writing:
            writing.execute(insert(tables.installation).values(name="b", value=b"1"))
        assert len(reading.execute(looking).all()) == 1, "one look is of one moment"
    database.close()


def test_a_store_that_refuses_a_look_says_so(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/store.db")
    with pytest.raises(StoreUnavailable), database.read() as connection:
        connection.execute(select(tables.installation.c.name))
    database.close()
