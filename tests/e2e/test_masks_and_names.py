"""Who is masked cannot take away the names that masks go by, nor ask the rows by a constraint: on a real PostgreSQL, with every right of its owner."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.e2e.masked import masking, owner
from tests.e2e.world import World

CANARY = "canary-in-a-column"
TABLES = (
    "CREATE TABLE people (id int PRIMARY KEY, ssn text, name text, words tsvector)",
    "CREATE TABLE parted (id int, ssn text) PARTITION BY LIST (id)",
    "CREATE TABLE part PARTITION OF parted FOR VALUES IN (1)",
    "CREATE TABLE child (extra int) INHERITS (people)",
    "CREATE TABLE notes (t text PRIMARY KEY)",
    f"INSERT INTO people VALUES (1, '{CANARY}', 'n')",
    f"INSERT INTO child VALUES (2, '{CANARY}', 'n', NULL, 7)",
    f"INSERT INTO parted VALUES (1, '{CANARY}')",
)
POLICY = """policy world
applies to postgres

allow everything "all that is seen"
  when every operation has effect in {read, session, write, create, delete, grant, execute}

mask numbers
  columns "public.people.ssn", "public.parted.ssn"
  with redact
"""


@pytest.fixture(scope="module")
def gateway() -> Iterator[World]:
    with masking(POLICY, ()) as made:
        yield made


@pytest.fixture
def here(gateway: World) -> World:
    with owner(gateway) as direct:
        for schema in ("public", "elsewhere"):
            direct.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())
        for statement in ("CREATE SCHEMA public", "CREATE SCHEMA elsewhere", *TABLES):
            direct.execute(statement.encode())
    return gateway


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("ALTER TABLE people RENAME TO folk", "SELECT * FROM folk"),
        ("ALTER TABLE ONLY public.people RENAME COLUMN ssn TO n", "SELECT * FROM people"),
        ("ALTER INDEX people RENAME TO folk", "SELECT * FROM folk"),
        ("ALTER TABLE IF EXISTS people SET SCHEMA elsewhere", "SELECT * FROM elsewhere.people"),
        ("ALTER SCHEMA public RENAME TO town", "SELECT * FROM town.people"),
        ("DO $$ BEGIN EXECUTE 'ALTER TABLE people RENAME TO folk'; END $$", "SELECT * FROM folk"),
        ("BEGIN; ALTER TABLE people RENAME TO folk; COMMIT", "SELECT * FROM folk"),
        ("ALTER TABLE parted DETACH PARTITION part", "SELECT * FROM part"),
        ("ALTER TABLE child NO INHERIT people", "SELECT * FROM child"),
        (
            "CREATE TRIGGER t BEFORE UPDATE ON people FOR EACH ROW "
            "EXECUTE FUNCTION tsvector_update_trigger(words, 'pg_catalog.simple', ssn)",
            "WITH one AS (UPDATE people SET id = id RETURNING words) SELECT words FROM one",
        ),
        ("ALTER TABLE people ADD UNIQUE (ssn)", "SELECT 1"),
        ("ALTER TABLE people ADD FOREIGN KEY (ssn) REFERENCES notes", "SELECT 1"),
        ("CREATE TABLE guess (t text REFERENCES people (ssn))", "SELECT 1"),
        ("ALTER TABLE people ADD CHECK (ssn = 'x')", "SELECT 1"),
        ("CREATE TABLE copied AS SELECT ssn FROM people", "SELECT * FROM copied"),
    ],
)
def test_the_names_that_masks_go_by_stay(here: World, text: str, then: str) -> None:
    with psycopg.connect(here.conninfo(), autocommit=True) as client:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="cannot be masked"):
            client.execute(text.encode())
        client.execute(b"ROLLBACK")
        try:
            shown = client.execute(then.encode()).fetchall()
        except psycopg.Error as refused:
            shown = [(str(refused), repr(refused.diag.message_detail))]
        assert CANARY not in repr(shown)


def test_what_no_mask_names_may_be_called_as_you_like(here: World) -> None:
    with psycopg.connect(here.conninfo(), autocommit=True) as client:
        for text in (
            "ALTER TABLE notes RENAME TO remarks",
            "ALTER TABLE people RENAME COLUMN name TO called",
            "ALTER TABLE people RENAME CONSTRAINT people_pkey TO people_key",
            "ALTER TABLE remarks SET SCHEMA elsewhere",
            "CREATE TABLE more (id int REFERENCES people (id))",
            "CREATE TRIGGER t BEFORE UPDATE ON more FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        ):
            client.execute(text.encode())
        assert client.execute("SELECT ssn, called FROM people ORDER BY id").fetchall() == [("[redacted]", "n")] * 2
