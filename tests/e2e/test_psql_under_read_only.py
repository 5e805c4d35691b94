"""psql's own questions (\\d and its like, the Tab key) by somebody who may only read: policies/examples/read-only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import ROOT
from tests.e2e.world import USER, World, configuration, world
from tests.interop.postgres.terminal import Terminal

DATABASE = """
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL CHECK (name <> ''), ssn text);
CREATE TABLE orders (id serial PRIMARY KEY, customer int REFERENCES customers, total numeric);
CREATE INDEX ON orders (total);
CREATE VIEW spent AS SELECT customer, sum(total) FROM orders GROUP BY 1;
CREATE FUNCTION doubled(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 2';
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE SCHEMA shop;
INSERT INTO customers VALUES (1, 'ann', 'x')
"""

# Not here: \drds, for settings of people and databases may hold secrets, which this policy keeps.
ASKED = (
    *(
        r"\d",
        r"\d+",
        r"\d customers",
        r"\d+ orders",
        r"\d spent",
        r"\d+ spent",
        r"\dt",
        r"\dt+",
        r"\dt shop.*",
        r"\dv+",
    ),
    *(
        r"\di+",
        r"\ds+",
        r"\df",
        r"\df+",
        r"\df doubled",
        r"\dn+",
        r"\dT+",
        r"\du",
        r"\dp",
        r"\l+",
        r"\dx",
        r"\dD",
        r"\do",
    ),
    *(r"\da", r"\dc", r"\dC", r"\db+", r"\dm", r"\dE", r"\dy", r"\dF", r"\dconfig work_mem", r"\conninfo"),
)


@pytest.fixture(scope="module")
def place() -> Iterator[World]:
    with world((ROOT / "policies/examples/read-only/readers.rego").read_text()) as here:
        here.config.write_text(configuration(here).replace('groups = ["readers"]', 'groups = ["data-readers"]'))
        cluster = here.cluster
        address = f"host=localhost port={cluster.port} user={cluster.user} password={cluster.password} dbname=postgres"
        with psycopg.connect(address, sslmode="require", autocommit=True) as owner:
            owner.execute(DATABASE)
        here.start()
        yield here


def surroundings(place: World) -> dict[str, str]:
    return {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(place.port),
        "PGUSER": USER,
        "PGDATABASE": "world",
        "PGPASSWORD": place.password,
        "PGSSLMODE": "require",
    }


def test_everything_psql_describes_is_described_to_a_reader(place: World) -> None:
    said = subprocess.run(
        ["psql", "-X", "-e", "-v", "ON_ERROR_STOP=0"],
        input="\n".join(ASKED) + "\n",
        env={**os.environ, **surroundings(place)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert [line for line in said.stderr.splitlines() if not line.startswith("Did not find any relation")] == []
    assert '"customers_pkey" PRIMARY KEY' in said.stdout
    assert "doubled" in said.stdout


def test_the_tab_key_completes_for_a_reader(place: World) -> None:
    with Terminal("psql", "-X", env=surroundings(place)) as psql:
        psql.until("=# ")
        psql.type("SELECT name FROM custo\t")
        psql.until("customers")
        psql.type("WHERE ss\t")
        psql.until("ssn")
        psql.type(" = 'x';\n")
        assert "ann" in psql.until("(1 row)")
        psql.type("\\df doub\t")
        psql.until("doubled")
        psql.type("\n")
        assert "integer" in psql.until("(1 row)")


def test_a_reader_still_only_reads(place: World) -> None:
    said = subprocess.run(
        ["psql", "-X", "-c", "delete from customers"],
        env={**os.environ, **surroundings(place)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "ERROR" in said.stderr
    assert "DELETE" not in said.stdout
