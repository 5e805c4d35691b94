"""Real clients, unchanged: psql, pgbench, pg_dump, psycopg, asyncpg."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import asyncpg
import psycopg
import pytest

from tests.conftest import missing
from tests.interop.postgres.client import Raw
from tests.interop.postgres.running import Gateway, Server
from tests.interop.postgres.terminal import Terminal


def run(gateway: Gateway, *command: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """A command-line client over TLS; the certificate is checked."""
    if shutil.which(command[0]) is None:
        missing(f"the program {command[0]}")
    environment = {
        **os.environ,
        "PGHOST": "localhost",
        "PGPORT": str(gateway.port),
        "PGUSER": "ann",
        "PGDATABASE": "main/postgres",
        "PGPASSWORD": gateway.password,
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": str(gateway.server.ca_file),
    }
    return subprocess.run(command, env=environment, input=text, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def database(server: Server) -> None:
    with Raw(server.cluster.port) as direct:
        direct.ask("create table if not exists cli (a int primary key, c text); truncate cli")
        direct.ask("insert into cli values (1, 'secret'), (2, 'secret')")


def connect(gateway: Gateway, **more: object) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host="127.0.0.1",
        port=gateway.port,
        user="ann",
        dbname="main/postgres",
        password=gateway.password,
        sslmode="require",
        autocommit=True,
        **more,  # type: ignore[arg-type]  # options of libpq
    )


def run_together(client: psycopg.Connection[tuple[object, ...]], *texts: str) -> None:
    """All texts in one pipeline."""
    with client.pipeline():
        for text in texts:
            client.execute(text)


def test_psql_allows_denies_and_masks(gateway: Gateway, database: None) -> None:
    said = run(
        gateway, "psql", "-XAt", "-c", "select 1", "-c", "/*deny*/ select 2", "-c", "select c, a from cli /*mask*/"
    )
    assert said.stdout.splitlines() == ["1", "[redacted]|1", "[redacted]|2"]
    assert "ERROR:  denied by marker" in said.stderr
    assert "HINT:  ask somebody" in said.stderr


def test_psql_describes_tables_and_copies(gateway: Gateway, database: None) -> None:
    said = run(
        gateway,
        "psql",
        "-X",
        text="\\d cli\n\\copy cli to stdout\n\\copy cli from stdin\n9\tx\n\\.\ndelete from cli where a = 9;\n",
    )
    assert "cli_pkey" in said.stdout
    assert "1\tsecret" in said.stdout
    assert "DELETE 1" in said.stdout
    assert said.stderr == ""


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_pgbench_runs_in_each_mode(mode: str, gateway: Gateway, server: Server) -> None:
    made = run(gateway, "pgbench", "-i", "-s", "1", "-q")
    assert made.returncode == 0, made.stderr
    said = run(gateway, "pgbench", "-n", "-M", mode, "-c", "3", "-t", "20")
    assert said.returncode == 0, said.stderr
    assert "number of failed transactions: 0" in said.stdout


def test_pg_dump_dumps_what_psql_restores(gateway: Gateway, database: None) -> None:
    dumped = run(gateway, "pg_dump", "-t", "cli")
    assert dumped.returncode == 0, dumped.stderr
    restored = run(gateway, "psql", "-X", "-v", "ON_ERROR_STOP=1", "-1", text="drop table cli;\n" + dumped.stdout)
    assert restored.returncode == 0, restored.stderr
    assert run(gateway, "psql", "-XAtc", "select count(*) from public.cli").stdout == "2\n"


def test_psycopg_prepares_pipelines_streams_and_copies(gateway: Gateway, database: None) -> None:
    with connect(gateway) as client:
        for number in range(8):
            assert client.execute("select %s::int + 1", (number,), prepare=True).fetchone() == (number + 1,)
        with client.pipeline():
            cursors = [client.execute("select %s::int", (number,)) for number in range(5)]
        assert [cursor.fetchone() for cursor in cursors] == [(number,) for number in range(5)]
        assert client.cursor(binary=True).execute("select 1::int4, '{1,2}'::int[]").fetchone() == (1, [1, 2])
        with client.transaction(), client.cursor("server_side") as cursor:
            cursor.execute("select generate_series(1, 10)")
            assert sum(row[0] for row in cursor) == 55  # type: ignore[misc]  # rows of integers
        with client.cursor().copy("copy cli from stdin") as copy:
            for number in range(100, 1100):
                copy.write_row((number, "x" * 50))
        with client.cursor().copy("copy (select * from cli where a >= 100) to stdout (format binary)") as copy:
            assert sum(len(part) for part in copy) > 50_000
        assert client.execute("delete from cli where a >= 100").rowcount == 1000


def test_psycopg_masks_in_binary_too(gateway: Gateway, database: None) -> None:
    with connect(gateway) as client:
        rows = client.cursor(binary=True).execute("select c, a from cli where a > %s /*mask*/", (0,)).fetchall()
        assert rows == [("[redacted]", 1), ("[redacted]", 2)]


def test_a_denial_in_a_pipeline_rolls_the_pipeline_back(gateway: Gateway, database: None) -> None:
    with connect(gateway) as client:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run_together(
                client, "insert into cli values (50, 'p')", "/*deny*/ select 1", "insert into cli values (51, 'p')"
            )
        assert client.execute("select count(*) from cli where a >= 50").fetchone() == (0,)


def test_a_denial_inside_a_savepoint_leaves_the_transaction(gateway: Gateway, database: None) -> None:
    with connect(gateway) as client, client.transaction():
        with pytest.raises(psycopg.errors.InsufficientPrivilege), client.transaction():
            client.execute("/*deny*/ select 1")
        assert client.execute("select 'goes on'").fetchone() == ("goes on",)


def test_psycopg_cancels(gateway: Gateway, server: Server) -> None:
    # The statement waits in a thread of its own through psycopg's Python loop: a call of libpq that waits inside C would
    # keep the interpreter, in which the gateway runs too.
    with connect(gateway) as client, ThreadPoolExecutor(1) as pool, Raw(server.cluster.port) as direct:
        running = pool.submit(client.execute, "select pg_sleep(120)")
        active = "select count(*) from pg_stat_activity where query like '%pg_sleep(120)%' and pid <> pg_backend_pid()"
        while "D(1)" not in direct.ask(active):
            assert not running.done()
        client.cancel_safe()
        with pytest.raises(psycopg.errors.QueryCanceled, match="canceling statement due to user request"):
            running.result(60)
        assert client.execute("select 7").fetchall() == [(7,)]


async def test_asyncpg_fetches_iterates_copies_and_resets(gateway: Gateway, database: None) -> None:
    client = await asyncpg.connect(
        host="127.0.0.1",
        port=gateway.port,
        user="ann",
        database="main/postgres",
        password=gateway.password,
        ssl="require",
    )
    await client.execute("create temp table q (a int); insert into q values (1), (2)")
    assert [row["a"] for row in await client.fetch("select a from q where a > $1", 0)] == [1, 2]
    await client.executemany("insert into q values ($1)", [(number,) for number in range(10)])
    async with client.transaction():
        rows = [row[0] async for row in client.cursor("select a from q order by a", prefetch=2)]
    assert len(rows) == 12
    await client.copy_records_to_table("q", records=[(number,) for number in range(500)])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await client.fetch("/*deny*/ select $1::int", 1)
    assert await client.fetchval("select 7") == 7
    await client.reset()
    await client.close()


def on_a_terminal(gateway: Gateway) -> Terminal:
    """psql as people have it before them."""
    return Terminal(
        "psql",
        "-X",
        env={
            "PGHOST": "localhost",
            "PGPORT": str(gateway.port),
            "PGUSER": "ann",
            "PGDATABASE": "main/postgres",
            "PGPASSWORD": gateway.password,
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": str(gateway.server.ca_file),
        },
    )


def test_psql_runs_what_a_query_writes(gateway: Gateway, database: None) -> None:
    text = "select format('select %s * 10', a) from cli order by a \\gexec\nselect a from cli limit 1 \\gset\n\\echo got :a\n"
    said = run(gateway, "psql", "-XAt", text=text)
    assert said.stdout.splitlines() == ["10", "20", "got 1"]
    assert said.stderr == ""


def test_ctrl_c_in_psql_ends_the_statement_and_not_the_session(gateway: Gateway, server: Server) -> None:
    with on_a_terminal(gateway) as psql, Raw(server.cluster.port) as direct:
        psql.until("=# ")
        psql.type("select pg_sleep(100) as slept;\n")
        while "D(1)" not in direct.ask("select count(*) from pg_stat_activity where wait_event = 'PgSleep'"):
            pass
        psql.interrupt()
        psql.until("canceling statement due to user request")
        psql.type("select 'still ' || 'here';\n")
        psql.until("still here")


def test_psql_watches_until_ctrl_c(gateway: Gateway) -> None:
    with on_a_terminal(gateway) as psql:
        psql.until("=# ")
        psql.type("select 'seen ' || 'again' \\watch 0.1\n")
        for _ in range(3):
            psql.until("seen again")
        psql.interrupt()
        psql.until("=# ")
        psql.type("select 'still ' || 'here';\n")
        psql.until("still here")
