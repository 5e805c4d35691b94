"""What a name means at the moment in which a command runs decides about its masks, through a whole gateway with a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.e2e.masked import masking
from tests.e2e.world import World

CANARY = "canary-91c4"
SETUP = [
    "CREATE TABLE people (id int, ssn text)",
    f"INSERT INTO people VALUES (1, '{CANARY}')",
    "CREATE SCHEMA other",
    "CREATE TABLE other.people (id int, ssn text)",
    "INSERT INTO other.people VALUES (1, 'plain')",
]
POLICY = """policy world
applies to postgres

allow all "everything"
  when every operation has kind like "**"

mask ssn
  columns "public.people.ssn", "late.people.ssn"
  with redact
"""
SHOWN = [("[redacted]",)]


@pytest.fixture(scope="module")
def here() -> Iterator[World]:
    with masking(POLICY, SETUP) as made:
        yield made


@pytest.mark.parametrize("ending", [("COMMIT AND CHAIN",), ("ROLLBACK AND CHAIN",), ("COMMIT", "BEGIN")])
@pytest.mark.parametrize("is_piped", [False, True])
def test_a_path_that_was_set_for_one_transaction_decides_nothing_in_the_next(
    here: World, ending: tuple[str, ...], is_piped: bool
) -> None:
    with psycopg.connect(here.conninfo(), autocommit=True) as client:
        client.execute("BEGIN")
        client.execute("SET LOCAL search_path = other")
        assert client.execute("SELECT ssn FROM people").fetchall() == [("plain",)]
        if is_piped:
            with client.pipeline():
                for text in ending:
                    client.execute(text.encode())
        else:
            client.execute("; ".join(ending).encode())
        assert client.execute("SELECT ssn FROM people").fetchall() == SHOWN


@pytest.fixture
def early(here: World) -> Iterator[str]:
    """A schema that is empty, and gone with all that comes into it."""
    with psycopg.connect(here.conninfo(), autocommit=True) as client:
        client.execute("CREATE SCHEMA early")
        try:
            yield "CREATE TABLE early.people (id int, ssn text)"
        finally:
            client.execute("DROP SCHEMA early CASCADE")


@pytest.mark.parametrize("is_sql", [False, True])
def test_a_prepared_statement_is_read_by_the_names_of_now(here: World, early: str, is_sql: bool) -> None:
    with psycopg.connect(here.conninfo(), autocommit=True) as client:
        client.execute("SET search_path = early, public")
        client.pgconn.prepare(b"s", b"SELECT ssn FROM people")

        def run() -> list[bytes | None]:
            result = client.pgconn.exec_(b"EXECUTE s") if is_sql else client.pgconn.exec_prepared(b"s", [])
            assert result.status == psycopg.pq.ExecStatus.TUPLES_OK, result.error_message
            return [result.get_value(row, 0) for row in range(result.ntuples)]

        if not is_sql:
            assert run() == [b"[redacted]"]
        client.execute(early.encode())
        assert run() == []
        client.execute("INSERT INTO early.people VALUES (2, 'of the new one')")
        assert run() == [b"of the new one"]


def test_a_schema_that_comes_to_be_is_on_the_path_of_sessions_that_named_it_before(here: World) -> None:
    with (
        psycopg.connect(here.conninfo(), autocommit=True) as client,
        psycopg.connect(here.conninfo(), autocommit=True) as other,
    ):
        client.execute("SET search_path = late, other")
        assert client.execute("SELECT ssn FROM people").fetchall() == [("plain",)]
        for text in (
            "CREATE SCHEMA late",
            "CREATE TABLE late.people (id int, ssn text)",
            f"INSERT INTO late.people VALUES (1, '{CANARY}')",
        ):
            other.execute(text.encode())
        assert client.execute("SELECT ssn FROM people").fetchall() == SHOWN
