"""What is read of a real database after each change is what a whole reading gives, and nothing is read when nothing changed."""

from __future__ import annotations

import asyncpg

from adapters.postgres.catalog import snapshot_of
from adapters.postgres.catalog_changes import fetch_changes
from adapters.postgres.catalog_rows import fetch
from tests.interop.postgres.running import Server

BEGINNING = """
CREATE SCHEMA one; CREATE SCHEMA two;
CREATE TYPE one.mood AS ENUM ('ok');
CREATE TABLE one.t (id int PRIMARY KEY, name text, mood one.mood);
CREATE TABLE one.p (id int) PARTITION BY RANGE (id);
CREATE FUNCTION one.f(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT $1';
CREATE VIEW one.v AS SELECT id, name FROM one.t WHERE one.f(id) > 0;
CREATE VIEW one.over AS SELECT name FROM one.v;
CREATE MATERIALIZED VIEW one.m AS SELECT id FROM one.t
"""
CHANGES = (
    "ALTER TABLE one.t ADD COLUMN more int",
    "ALTER TABLE one.t RENAME name TO called",
    "ALTER TABLE one.t DROP COLUMN more",
    "ALTER TABLE one.t ADD COLUMN big bigint",
    "ALTER TABLE one.t ALTER big TYPE text",
    "ALTER TABLE one.t ADD COLUMN made text GENERATED ALWAYS AS (called || big) STORED",
    "ALTER TABLE one.t ALTER made DROP EXPRESSION",
    "ALTER TABLE one.t DROP COLUMN made, ADD COLUMN made int GENERATED ALWAYS AS (id + 1) STORED",
    "ALTER TABLE one.t RENAME TO u",
    "ALTER TABLE one.u SET SCHEMA two",
    "ALTER SCHEMA one RENAME TO uno",
    "ALTER TYPE uno.mood RENAME TO temper",
    "ALTER TYPE uno.temper ADD VALUE 'bad'",
    "ALTER FUNCTION uno.f(int) RENAME TO g",
    "CREATE OR REPLACE FUNCTION uno.g(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT $1 + 1'",
    "CREATE FUNCTION uno.g(text) RETURNS TABLE (a int) LANGUAGE sql AS 'SELECT 1'",
    "CREATE OPERATOR uno.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)",
    "ALTER OPERATOR uno.=== (int, int) SET SCHEMA two",
    "CREATE TABLE uno.p1 PARTITION OF uno.p FOR VALUES FROM (1) TO (2)",
    "ALTER TABLE uno.p DETACH PARTITION uno.p1",
    "CREATE TABLE uno.heir () INHERITS (two.u)",
    "ALTER TABLE uno.heir NO INHERIT two.u",
    "CREATE OR REPLACE VIEW uno.v AS SELECT id, called AS name, mood FROM two.u",
    "ALTER VIEW uno.v RENAME COLUMN name TO title",
    "ALTER VIEW uno.v RENAME TO shown",
    "CREATE RULE r AS ON INSERT TO uno.shown DO INSTEAD NOTHING",
    "BEGIN; DROP VIEW uno.over; CREATE VIEW uno.over AS SELECT 1 AS name; COMMIT",
    "DROP OPERATOR two.=== (int, int)",
    "DROP FUNCTION uno.g(text)",
    "ALTER MATERIALIZED VIEW uno.m RENAME id TO number",
    "DROP SCHEMA uno CASCADE",
    "DROP SCHEMA two CASCADE",
)
THE_SAME = ("ALTER TYPE uno.temper ADD VALUE 'bad'",)
UNSEEN = (
    "INSERT INTO one.t VALUES (1, 'a', 'ok')",
    "CREATE TEMP TABLE t (id int)",
    "BEGIN; CREATE TABLE one.gone (); ROLLBACK",
)
"""What changes no name."""
SEED = 2**61 + 7


async def test_only_changes_are_read_and_all_of_them(server: Server) -> None:
    async def connected(database: str) -> asyncpg.Connection:
        address = {"host": "127.0.0.1", "port": server.cluster.port, "user": "postgres", "ssl": False}
        return await asyncpg.connect(database=database, server_settings={"search_path": ""}, **address)

    maker = await connected("postgres")
    await maker.execute("DROP DATABASE IF EXISTS changing")
    await maker.execute("CREATE DATABASE changing")
    await maker.close()
    reader, other, maker = [await connected("changing") for _ in range(3)]
    try:
        await maker.execute(BEGINNING)
        reading = await fetch_changes(reader, None, SEED)
        for change in UNSEEN:
            await maker.execute(change)
            assert await fetch_changes(reader, reading, SEED) is reading, change
        for change in CHANGES:
            await maker.execute(change)
            before, reading = reading, await fetch_changes(reader, reading, SEED)
            whole = await fetch(other)
            assert reading is not None
            assert whole is not None
            assert reading.found == whole, change
            assert snapshot_of(reading.found).catalog.version == snapshot_of(whole).catalog.version
            assert (reading is before) == (change in THE_SAME), change
            assert await fetch_changes(reader, reading, SEED) is reading, change
    finally:
        for connection in (reader, other, maker):
            await connection.close()
