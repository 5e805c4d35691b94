"""What a statement would touch, asked of a real planner: the statement does not run, nor does anything that people made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg
import pytest

from adapters.postgres import planner
from adapters.postgres.planner import NoPlan, Planner, Wish
from gateway.approvals.estimate import Estimate, read_plan
from tests.interop.postgres.running import Server

MADE = """
CREATE SCHEMA shop; CREATE SCHEMA other;
CREATE TYPE shop.mood AS ENUM ('ok', 'bad');
CREATE TABLE shop.orders (id int PRIMARY KEY, status text, mood shop.mood DEFAULT 'ok', moods shop.mood[]);
INSERT INTO shop.orders SELECT n, CASE WHEN n <= 900 THEN 'open' ELSE 'paid' END FROM generate_series(1, 1000) n;
ANALYZE shop.orders;
CREATE TABLE shop.numbered (id int GENERATED ALWAYS AS IDENTITY, at timestamptz DEFAULT now(), CHECK (id > 0));
CREATE VIEW shop.open AS SELECT id, upper(status) AS said FROM shop.orders WHERE status = 'open';
CREATE FUNCTION shop.told() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER t BEFORE INSERT ON shop.numbered FOR EACH ROW EXECUTE FUNCTION shop.told();
CREATE FUNCTION shop.evil(int) RETURNS bool IMMUTABLE LANGUAGE plpgsql
  AS $$BEGIN RAISE EXCEPTION 'it ran' USING ERRCODE = 'RAN00'; END$$;
CREATE FUNCTION shop.calm(int) RETURNS int VOLATILE LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
CREATE FUNCTION shop.plain(int) RETURNS int VOLATILE LANGUAGE sql AS 'SELECT $1';
CREATE TABLE shop.calm (id int DEFAULT shop.calm(1));
CREATE TABLE shop.inlined (id int DEFAULT shop.plain(1));
CREATE VIEW shop.v AS SELECT id FROM shop.orders WHERE shop.evil(1);
CREATE VIEW shop.over AS SELECT id FROM shop.v;
CREATE TABLE shop.checked (id int, CHECK (shop.evil(id)));
CREATE TABLE shop.indexed (id int);
CREATE INDEX ON shop.indexed (shop.evil(id));
CREATE TABLE shop.guarded (id int);
CREATE POLICY p ON shop.guarded USING (shop.evil(1));
CREATE TABLE shop.ruled (id int);
CREATE RULE r AS ON INSERT TO shop.ruled DO ALSO SELECT shop.evil(1);
CREATE TABLE shop.parent (id int) PARTITION BY RANGE (id);
CREATE TABLE shop.child PARTITION OF shop.parent (CHECK (shop.evil(id))) FOR VALUES FROM (1) TO (9);
CREATE TABLE shop.made (id int, twice bool GENERATED ALWAYS AS (shop.evil(id)) STORED);
CREATE TABLE shop.counted (id int);
CREATE STATISTICS shop.counted_stats ON (shop.evil(id)) FROM shop.counted;
CREATE DOMAIN shop.small AS int CHECK (shop.evil(VALUE));
CREATE TABLE shop.limited (id shop.small);
CREATE TABLE shop.lists (id shop.small[]);
CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER far FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE shop.far (id int) SERVER far;
CREATE ROLE planner_reader; GRANT USAGE ON SCHEMA shop TO planner_reader;
"""
GONE = "DROP ROLE IF EXISTS planner_reader"
PEOPLES = {
    "SELECT * FROM shop.v": [("shop", "v")],
    "SELECT * FROM shop.over": [("shop", "over")],
    "SELECT * FROM shop.checked": [("shop", "checked")],
    "SELECT * FROM shop.indexed": [("shop", "indexed")],
    "SELECT * FROM shop.guarded": [("shop", "guarded")],
    "INSERT INTO shop.ruled VALUES (1)": [("shop", "ruled")],
    "SELECT * FROM shop.parent": [("shop", "parent")],
    "SELECT * FROM shop.child": [("shop", "child")],
    "INSERT INTO shop.made VALUES (1)": [("shop", "made")],
    "SELECT * FROM shop.counted": [("shop", "counted")],
    "INSERT INTO shop.limited VALUES (1)": [("shop", "limited")],
    "SELECT * FROM shop.lists": [("shop", "lists")],
    "INSERT INTO shop.inlined VALUES (DEFAULT)": [("shop", "inlined")],
    "SELECT * FROM shop.far": [("shop", "far")],
}


@asynccontextmanager
async def connected(server: Server, database: str = "planning") -> AsyncIterator[asyncpg.Connection]:
    made = await asyncpg.connect(
        host="127.0.0.1", port=server.cluster.port, user="postgres", ssl=False, database=database
    )
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
async def there(server: Server) -> None:
    """A database of its own, made once."""
    async with connected(server, "postgres") as maker:
        if await maker.fetchval("SELECT 1 FROM pg_database WHERE datname = 'planning'"):
            return
        await maker.execute(GONE)
        await maker.execute("CREATE DATABASE planning")
    async with connected(server) as maker:
        await maker.execute(MADE)


@pytest.fixture
def asking(server: Server, there: None, monkeypatch: pytest.MonkeyPatch) -> Asking:
    # What is asked here is whether there is a plan, not how soon.
    monkeypatch.setattr(planner, "TIMEOUT", 60.0)
    begins = planner._BEGIN.replace(f"'{planner.STATEMENT_TIMEOUT}'", "'60s'").replace("'5s'", "'60s'")
    monkeypatch.setattr(planner, "_BEGIN", begins)
    return Asking(server)


class Asking:
    """Asks as `gateway.estimating` does."""

    def __init__(self, server: Server) -> None:
        self.target = replace(server.target, database="planning")
        self.planner = Planner()

    async def plan(self, text: str, *relations: tuple[str, str], **more: object) -> Estimate:
        wish = Wish(text, ("pg_catalog", "shop"), "postgres", tuple(relations), **more)  # type: ignore[arg-type]  # fields of a test
        return read_plan(await self.planner.plan(self.target, wish))

    async def code(self, text: str, *relations: tuple[str, str], **more: object) -> str:
        with pytest.raises(NoPlan) as caught:
            await self.plan(text, *relations, **more)
        return str(caught.value)


ORDERS = ("shop", "orders")


async def test_a_planner_says_what_would_be_touched_and_nothing_is(server: Server, asking: Asking) -> None:
    found = await asking.plan("UPDATE orders SET status = 'secret-word' WHERE id <= 100 -- with a word", ORDERS)
    assert (found.changes, 90 <= found.rows <= 110) == (True, True)
    assert (found.steps[0].node, found.steps[0].relation, found.steps[1].relation) == ("Update", "orders", "orders")
    assert found.cost > 0
    assert "secret-word" not in repr(found)
    read = await asking.plan("SELECT * FROM orders WHERE status = 'open'", ORDERS)
    assert (read.changes, 880 <= read.rows <= 920) == (False, True)
    both = await asking.plan(
        "WITH gone AS (DELETE FROM orders WHERE status = 'paid' RETURNING id) SELECT count(*) FROM gone", ORDERS
    )
    assert (both.changes, 80 <= both.rows <= 120) == (True, True)
    assert (await asking.plan("INSERT INTO numbered DEFAULT VALUES", ("shop", "numbered"))).rows == 1
    assert (await asking.plan("SELECT said FROM open", ("shop", "open"), ORDERS)).rows > 800
    assert (await asking.plan("SELECT 1")).steps[0].node == "Result"
    async with connected(server) as looker:
        assert await looker.fetchval("SELECT count(*) FROM shop.orders WHERE status = 'secret-word'") == 0
        assert await looker.fetchval("SELECT count(*) FROM shop.orders") == 1000
        ours = "SELECT state FROM pg_stat_activity WHERE application_name = 'sallyport estimate'"
        assert [row[0] for row in await looker.fetch(ours)] == ["idle"], "one connection, and no transaction stays open"
        assert await looker.fetchval("SELECT count(*) FROM pg_locks WHERE relation = 'shop.orders'::regclass") == 0
    await asking.planner.close()


@pytest.mark.parametrize("text", PEOPLES)
async def test_planning_runs_nothing_that_people_made(asking: Asking, text: str) -> None:
    said = await asking.code(text, *PEOPLES[text])
    assert said.startswith("planning it could run what people made: "), said
    # A volatile function is none that planning computes, and a trigger's neither.
    assert (await asking.plan("INSERT INTO calm DEFAULT VALUES", ("shop", "calm"))).rows == 1
    await asking.planner.close()


async def test_without_that_look_planning_does_run_it(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        planner, "_STRANGERS", "SELECT pg_catalog.cardinality($1::text[]), CASE WHEN $2::text[] IS NULL THEN 'x' END"
    )
    assert await asking.code("SELECT * FROM shop.v", ("shop", "v")) == "the database refused it with RAN00"
    await asking.planner.close()


async def test_a_cast_between_the_servers_own_types_that_people_made_counts_for_every_statement(
    server: Server, asking: Asking
) -> None:
    async with connected(server) as maker:
        await maker.execute(
            "CREATE FUNCTION shop.turned(point) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'"
        )
        await maker.execute("CREATE CAST (point AS text) WITH FUNCTION shop.turned(point) AS ASSIGNMENT")
        try:
            assert "cast from point to text" in await asking.code("SELECT 1")
        finally:
            await maker.execute("DROP FUNCTION shop.turned(point) CASCADE")
    await asking.planner.close()


async def test_names_and_rights_are_those_of_the_session(server: Server, asking: Asking) -> None:
    async with connected(server) as maker:
        await maker.execute("CREATE TABLE IF NOT EXISTS other.orders (id int)")
    there = await asking.plan("SELECT * FROM orders", ORDERS)
    assert there.rows == 1000
    wish = Wish("SELECT * FROM orders", ("pg_catalog", "other", "shop"), "postgres", (("other", "orders"),))
    assert read_plan(await asking.planner.plan(asking.target, wish)).rows != 1000
    odd = Wish("SELECT * FROM orders", ("pg_catalog", 'no"such', "shop"), "postgres", (ORDERS,))
    assert read_plan(await asking.planner.plan(asking.target, odd)).rows == 1000
    mine = Wish("SELECT * FROM orders", ("pg_catalog", "shop"), "planner_reader", (ORDERS,))
    with pytest.raises(NoPlan, match="42501"):
        await asking.planner.plan(asking.target, mine)
    assert await asking.code("SELECT * FROM gone", ("shop", "gone")) == "a relation is not there any more"
    # What the refused ones set is forgotten.
    assert (await asking.plan("SELECT * FROM orders", ORDERS)).rows == 1000
    await asking.planner.close()


async def test_a_second_statement_is_refused_by_the_server_itself(server: Server, asking: Asking) -> None:
    for text in (
        "SELECT 1; DELETE FROM orders",
        "ANALYZE DELETE FROM orders",
        "(ANALYZE) DELETE FROM orders",
        "VACUUM",
        "",
    ):
        assert "42601" in await asking.code(text)
    async with connected(server) as looker:
        assert await looker.fetchval("SELECT count(*) FROM shop.orders") == 1000
    await asking.planner.close()


async def test_bound_values_count_as_they_were_bound(asking: Asking) -> None:
    text = "SELECT * FROM orders WHERE id <= $1 AND status = $2"
    for first in ("100", "\\x00000064"):
        assert 80 <= (await asking.plan(text, ORDERS, parameters=(first, "open"))).rows <= 100
    assert (await asking.plan(text, ORDERS, parameters=(None, "open"))).rows <= 1
    for parameters, said in (
        (("100",), "its values were bound otherwise than it asks for"),
        (("x", "open"), "a value bound to it is no int4"),
        (("\\x64", "open"), "a value bound to it is no int4"),
        (("1", "\\x6f70656e"), "a value bound to it is no text"),
    ):
        assert await asking.code(text, ORDERS, parameters=parameters) == said
    assert "type numeric" in await asking.code("SELECT $1::numeric", parameters=("1",))
    assert "type mood" in await asking.code("SELECT * FROM orders WHERE mood = $1", ORDERS, parameters=("ok",))
    more = "SELECT 1 WHERE $1::int2 = 1 AND $2::int8 = 1 AND $3::float4 = 1 AND $4::float8 = 1 AND $5::bool AND $6::bool AND $7::uuid IS NULL"
    values = ("\\x0001", "1", "\\x3f800000", "1.5", "\\x01", "f", None)
    assert (await asking.plan(more, parameters=values)).steps
    assert await asking.code("SELECT 1 WHERE $1::bool", parameters=("maybe",)) == "a value bound to it is no bool"
    await asking.planner.close()


async def test_nobody_waits_long_for_a_lock(server: Server, asking: Asking) -> None:
    async with connected(server) as blocker, blocker.transaction():
        await blocker.execute("LOCK TABLE shop.orders IN ACCESS EXCLUSIVE MODE")
        assert await asking.code("SELECT * FROM orders", ORDERS) == "the database refused it with 55P03"
    assert (await asking.plan("SELECT * FROM orders", ORDERS)).rows == 1000
    await asking.planner.close()


async def test_a_server_that_is_not_there_has_no_plan(asking: Asking) -> None:
    nowhere = replace(asking.target, port=1)
    with pytest.raises(NoPlan, match="cannot be asked"):
        await asking.planner.plan(nowhere, Wish("SELECT 1", (), "postgres"))
