"""Cursors over masked columns, through a whole gateway with a real PostgreSQL: what FETCH shows is masked, and nothing else shows a cursor's rows."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.e2e.masked import masking, rows
from tests.e2e.world import World

CANARY = "canary-2f81"
SETUP = [
    "CREATE TABLE people (id int, ssn text, name text)",
    f"INSERT INTO people SELECT n, '{CANARY}-' || n, 'name ' || n FROM generate_series(1, 25) n",
    "CREATE SCHEMA other",
    "CREATE TABLE other.people (id int, ssn text, name text)",
    "INSERT INTO other.people VALUES (1, 'plain', 'plain')",
    "CREATE VIEW seen AS SELECT id, upper(ssn) AS code FROM people",
    "CREATE FUNCTION opens() RETURNS refcursor LANGUAGE plpgsql AS "
    "$$ DECLARE c refcursor := 'c'; BEGIN OPEN c FOR SELECT ssn FROM people; RETURN c; END $$",
    "CREATE FUNCTION closes() RETURNS int LANGUAGE plpgsql AS $$ DECLARE c refcursor := 'c'; BEGIN CLOSE c; RETURN 1; END $$",
    "ANALYZE",
]
POLICY = """policy world
applies to postgres

allow read "reading"
  when every operation has effect in {read, session}

allow execute "what was prepared"
  when every operation has kind in {execute_prepared, select}

mask ssn
  columns "public.people.ssn"
  with redact
"""


@pytest.fixture(scope="module")
def here() -> Iterator[World]:
    with masking(POLICY, SETUP) as made:
        yield made


def connected(here: World) -> psycopg.Connection[Any]:
    return psycopg.connect(here.conninfo())


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("options", ["", "NO SCROLL", "SCROLL", "BINARY"])
def test_what_is_fetched_is_masked(here: World, options: str, binary: bool) -> None:
    with connected(here) as client, client.cursor(binary=binary) as cursor:
        cursor.execute(f"DECLARE c {options} CURSOR FOR SELECT id, ssn, name FROM people ORDER BY id".encode())
        shown = cursor.execute("FETCH 2 FROM c").fetchall()
        assert [(ssn, name) for _, ssn, name in shown] == [("[redacted]", "name 1"), ("[redacted]", "name 2")]
        cursor.execute("MOVE 20 FROM c")
        assert cursor.execute("FETCH ALL FROM c").fetchall()[-1][1:] == ("[redacted]", "name 25")
        cursor.execute("CLOSE c")


def test_drivers_cursors_work(here: World) -> None:
    with connected(here) as client, client.cursor("named") as cursor:
        cursor.itersize = 10
        cursor.execute("SELECT ssn, name FROM people WHERE id > %s ORDER BY id", (5,))
        assert list(cursor) == [("[redacted]", f"name {number}") for number in range(6, 26)]
    with connected(here) as client, client.cursor("held", withhold=True) as cursor:
        cursor.execute("SELECT ssn FROM people LIMIT 1")
        client.commit()
        assert cursor.fetchall() == [("[redacted]",)]


def test_psql_fetches_in_parts(here: World) -> None:
    command = ["psql", here.conninfo(), "-XAt", "-v", "FETCH_COUNT=10", "-c", "SELECT ssn, id FROM people ORDER BY id"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (shown.returncode, shown.stdout.split()) == (0, [f"[redacted]|{number}" for number in range(1, 26)]), (
        shown.stderr
    )


def test_two_cursors_and_tables_that_nobody_masks(here: World) -> None:
    with connected(here) as client:
        client.execute("DECLARE a CURSOR FOR SELECT ssn FROM people")
        client.execute("DECLARE b CURSOR FOR SELECT ssn FROM other.people")
        client.execute("DECLARE d CURSOR FOR SELECT code FROM seen")
        assert client.execute("FETCH a").fetchall() == [("[redacted]",)]
        assert client.execute("FETCH b").fetchall() == [("plain",)]
        assert client.execute("FETCH d").fetchall() == [("[redacted]",)]


@pytest.mark.parametrize(
    "texts",
    [
        ("DECLARE c CURSOR FOR SELECT id FROM people ORDER BY ssn",),
        ("DECLARE c CURSOR FOR SELECT id FROM people WHERE ssn LIKE 'c%'",),
        ("DECLARE c CURSOR FOR SELECT people FROM people",),
        ("DECLARE c CURSOR FOR SELECT ssn FROM people", "SELECT cursor_to_xml('c', 5, true, true, '')"),
        (
            "DECLARE c CURSOR FOR SELECT ssn FROM people",
            "DO $$ DECLARE r record; c refcursor := 'c'; BEGIN FETCH c INTO r; RAISE NOTICE '%', r; END $$",
        ),
        ("DECLARE c CURSOR FOR SELECT ssn FROM people; FETCH c",),
        ("DECLARE c CURSOR FOR SELECT name FROM people; FETCH c",),
        ("DECLARE c CURSOR FOR SELECT name FROM people", "SELECT closes()", "SELECT opens()", "FETCH c"),
        ("SELECT opens()", "FETCH c"),
        ("DECLARE c CURSOR FOR SELECT ssn FROM people", "CREATE TABLE t AS FETCH c"),
        ("/* a */ FETCH c",),
    ],
)
def test_nothing_else_shows_its_rows(here: World, texts: tuple[str, ...]) -> None:
    told: list[str] = []
    with connected(here) as client:
        client.add_notice_handler(lambda notice: told.append(f"{notice.message_primary} {notice.message_detail}"))
        client.execute("BEGIN")
        last: psycopg.Error | None = None
        for text in texts:
            try:
                cursor = client.execute(text.encode())
                told += [str(row) for row in cursor.fetchall()] if cursor.description else []
            except psycopg.Error as error:
                last = error
                told.append(str(error))
                break
        client.rollback()
    assert last is not None
    assert CANARY not in " ".join(told).lower()


@pytest.mark.parametrize(("before", "after"), [("public", "other"), ("other", "public")])
def test_what_it_was_declared_over_is_what_counts(here: World, before: str, after: str) -> None:
    with connected(here) as client:
        client.execute(f"SET search_path = {before}".encode())
        client.execute("DECLARE c CURSOR FOR SELECT upper(ssn) FROM people")
        client.execute(f"SET search_path = {after}".encode())
        assert client.execute("FETCH c").fetchone() == ("[redacted]" if before == "public" else "PLAIN",)


def in_a_pipeline(client: psycopg.Connection[Any], *texts: str, shown: list[Any]) -> None:
    with client.pipeline(), client.cursor() as cursor:
        for text in texts:
            cursor.execute(text.encode())
        shown += cursor.fetchall()


def test_in_one_pipeline_the_cursor_of_before_decides_nothing(here: World) -> None:
    with connected(here) as client:
        client.execute("DECLARE c CURSOR WITH HOLD FOR SELECT name FROM people")
        client.commit()
        assert client.execute("FETCH c").fetchone() is not None
        client.commit()
        shown: list[Any] = []
        with pytest.raises(psycopg.Error):
            in_a_pipeline(
                client, "CLOSE c", "DECLARE c CURSOR FOR SELECT upper(ssn) FROM people", "FETCH c", shown=shown
            )
        assert CANARY not in str(shown).lower()


def test_an_execute_in_a_pipeline_runs_what_it_was_decided_by_or_nothing(here: World) -> None:
    with connected(here) as client:
        wire = client.pgconn
        wire.prepare(b"s", b"SELECT name FROM people")
        wire.enter_pipeline_mode()
        wire.send_query_params(b"DEALLOCATE s", None)
        wire.send_prepare(b"s", b"SELECT ssn FROM people")
        wire.send_query_params(b"EXECUTE s", None)
        wire.pipeline_sync()
        wire.flush()
        shown, is_over = b"", False
        while not is_over:
            result = wire.get_result()
            if result is None:
                continue
            is_over = result.status == psycopg.pq.ExecStatus.PIPELINE_SYNC
            shown += b"".join(result.get_value(row, 0) or b"" for row in range(result.ntuples)) + result.error_message
        assert CANARY.encode() not in shown
        assert b"means another one by now" in shown


def test_a_query_still_runs_beside(here: World) -> None:
    assert len(rows(here, "SELECT id FROM people ORDER BY id FETCH FIRST 3 ROWS ONLY")) == 3
