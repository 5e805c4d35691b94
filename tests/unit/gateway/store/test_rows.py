"""Rows go out of a store and come into another as they were, all or none; what is none is refused, whatever it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from gateway.errors import StoreUnavailable
from gateway.store import rows
from gateway.store.database import Database, open_database
from gateway.store.migrations import current, downgrade, latest, upgrade
from gateway.store.rows import RowsUnreadable, carried, export_rows, import_rows, is_empty
from gateway.store.tables import audit_days, audit_logs, audit_terms, installation, metadata, tickets

TICKET = {
    "id": "h-1",
    "state": "requested",
    "version": 1,
    "principal": "ana",
    "resource": "orders",
    "digest": "d" * 64,
    "created_at": 1,
    "expires_at": 2**62,
    "used_at": None,
    "body": '{"a": "\u20ac"}',
    "job": None,
}


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[Database, Database]]:
    one, two = (open_database(f"sqlite:///{tmp_path / name}") for name in ("one.db", "two.db"))
    upgrade(one)
    yield one, two
    one.close()
    two.close()


def fill(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(insert(tickets).values([{**TICKET, "id": f"h-{number}"} for number in range(450)]))
        connection.execute(insert(installation).values(name="secret", value=b"\0\xff" * 16))
        connection.execute(insert(installation).values(name="bundle:x", value=b"7"))
        connection.execute(insert(audit_days).values(log=1, day=1, first=1, last=2))


def everything(database: Database, table: str = "tickets") -> list[tuple[object, ...]]:
    found = metadata.tables[table]
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(select(found).order_by(*found.primary_key))]


def exported(database: Database) -> list[bytes]:
    return list(export_rows(database, lambda table, row: True))


def test_what_goes_out_comes_in(stores: tuple[Database, Database]) -> None:
    one, two = stores
    fill(one)
    lines = exported(one)
    assert import_rows(two, lines) == 452
    assert current(two) == latest()
    for table in ("tickets", "installation"):
        assert everything(two, table) == everything(one, table) != []
    assert everything(two, "audit_days") == [], "the index is made again"
    assert exported(two) == lines


def test_whoever_asks_for_it_says_which_rows_stay(stores: tuple[Database, Database]) -> None:
    one, two = stores
    fill(one)
    asked = list[str]()

    def is_kept(table: str, row: rows.Row) -> bool:
        asked.append(table)
        return row.get("name") != "secret"

    import_rows(two, export_rows(one, is_kept))
    assert everything(two, "installation") == [("bundle:x", b"7")]
    assert (asked.count("tickets"), asked.count("installation")) == (450, 2)


def test_every_table_is_carried_or_made_again() -> None:
    made_again = {audit_logs.name, audit_terms.name, audit_days.name}
    assert {table.name for table in carried()} | made_again == set(metadata.tables)
    # A number that the database counts up by itself would have to be told where to go on.
    assert not [column for table in carried() for column in table.primary_key if column.autoincrement is True]


def test_a_store_with_a_row_takes_none(stores: tuple[Database, Database]) -> None:
    one, two = stores
    fill(one)
    upgrade(two)
    assert is_empty(two)
    with two.begin() as connection:
        connection.execute(insert(audit_days).values(log=1, day=1, first=1, last=2))
    assert not is_empty(two)
    with pytest.raises(StoreUnavailable, match="rows already"):
        import_rows(two, exported(one))
    assert everything(two) == []


def test_who_comes_first_is_not_written_over(
    stores: tuple[Database, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = stores
    fill(one)
    lines, insert_rows = exported(one), rows.upgrade

    def and_somebody_else(database: Database, revision: str = "head") -> None:
        insert_rows(database, revision)
        database.shared_key("decoy")

    monkeypatch.setattr(rows, "upgrade", and_somebody_else)
    with pytest.raises(StoreUnavailable, match="rows already"):
        import_rows(two, lines)
    assert everything(two) == []


def test_rows_of_an_older_step_come_to_this_one(stores: tuple[Database, Database]) -> None:
    one, two = stores
    with one.begin() as connection:
        connection.execute(insert(tickets).values(**TICKET))
    lines = [json.loads(line) for line in exported(one)]
    # At step 0001 there were tickets alone, without some of their columns.
    old = open_database(str(one.engine.url))
    downgrade(old, "0001")
    with old.read() as connection:
        there = {row[1] for row in connection.exec_driver_sql("PRAGMA table_info(tickets)")}
    old.close()
    heading = next(line for line in lines if isinstance(line, dict) and line.get("table") == "tickets")
    kept = [at for at, (name, _) in enumerate(heading["columns"]) if name in there]
    assert len(kept) < len(heading["columns"])
    row = next(line for line in lines if isinstance(line, list))
    made = [
        {"format": 1, "revision": "0001"},
        {"table": "tickets", "columns": [heading["columns"][at] for at in kept]},
        [row[at] for at in kept],
    ]
    upgrade(two)
    assert import_rows(two, [json.dumps(line).encode() for line in made]) == 1
    assert current(two) == latest()
    assert everything(two)[0][0] == "h-1"


def test_a_store_at_another_step_gives_none(stores: tuple[Database, Database]) -> None:
    one, two = stores
    downgrade(one, "0003")
    for database in (one, two):
        with pytest.raises(StoreUnavailable, match="another step"):
            exported(database)


def test_who_writes_keeps_nobody_from_reading(stores: tuple[Database, Database]) -> None:
    one = stores[0]
    fill(one)
    other = open_database(str(one.engine.url))
    with other.begin() as connection:
        connection.execute(insert(installation).values(name="bundle:y", value=b"8"))
        assert len(everything(one, "installation")) == 2
        assert sum(line.startswith(b"[") for line in exported(one)) == 452
    other.close()


HEAD = b'{"format":1,"revision":"0007"}'
TABLE = b'{"table":"installation","columns":[["name","text"],["value","bytes"]]}'


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b"nothing"],
        [b'{"format":2,"revision":"0007"}'],
        [b'{"format":1,"revision":"9999"}'],
        [b'{"format":1,"revision":"0007; DROP TABLE x"}'],
        [HEAD, b'["a","YQ=="]'],
        [HEAD, b'{"table":"sqlite_master","columns":[["name","text"]]}', b'["a"]'],
        [HEAD, b'{"table":"audit_terms","columns":[["log","number"]]}', b"[1]"],
        [HEAD, b'{"table":"installation","columns":[["name","thing"]]}', b'["a"]'],
        [HEAD, b'{"table":"installation","columns":[["none","text"]]}', b'["a"]'],
        [HEAD, TABLE, b'["a"]'],
        [HEAD, TABLE, b'["a","not base64"]'],
        [HEAD, TABLE, b'[1,"YQ=="]'],
        [HEAD, TABLE, b'["a",true]'],
        [HEAD, TABLE, b'["a","YQ=="]', b'["a","YQ=="]'],
        [HEAD, TABLE, b'["a","YQ=="]', b"["],
    ],
)
def test_what_are_no_rows_leave_an_empty_store(stores: tuple[Database, Database], lines: list[bytes]) -> None:
    two = stores[1]
    with pytest.raises(StoreUnavailable):
        import_rows(two, lines)
    assert is_empty(two)


VALUES = st.lists(
    st.tuples(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60), st.binary(max_size=60)),
    unique_by=lambda pair: pair[0],
    max_size=30,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(VALUES)
def test_any_value_comes_through(tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, bytes]]) -> None:
    folder = tmp_path_factory.mktemp("rows")
    one, two = (open_database(f"sqlite:///{folder / name}") for name in ("one.db", "two.db"))
    upgrade(one)
    with one.begin() as connection:
        for name, value in pairs:
            connection.execute(insert(installation).values(name=name, value=value))
    assert import_rows(two, exported(one)) == len(pairs)
    assert everything(two, "installation") == everything(one, "installation")
    one.close()
    two.close()


def test_a_line_that_is_no_row_is_unreadable() -> None:
    with pytest.raises(RowsUnreadable):
        rows._read(b"{", list)
