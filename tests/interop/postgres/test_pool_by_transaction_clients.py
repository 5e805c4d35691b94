"""Real clients on connections that serve somebody else after each transaction: psql, pgbench, psycopg, asyncpg; counted by the server itself."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Iterator

import asyncpg
import psycopg
import pytest

from adapters.postgres.session.pooled import Pooling
from tests.interop.postgres.client import Raw
from tests.interop.postgres.pooling import CLIENTS_THERE, DATABASE, ROLE, Pooled, pooled, value
from tests.interop.postgres.running import Server

CLIENTS, CONNECTIONS, TRANSACTIONS = 20, 4, 5
LIMIT = 240


@pytest.fixture(scope="module")
def four(server: Server, password: str) -> Iterator[Pooled]:
    pooling = Pooling(CONNECTIONS, wait_seconds=60.0, by_transaction=True)
    with pooled(server, password, pooling) as made:
        with made.direct() as boss:
            boss.ask(f"set role {ROLE}; create table accounts (id int primary key, held int not null)")
            boss.ask(f"set role {ROLE}; insert into accounts select i, 0 from generate_series(1, 100) as i")
        yield made


class Counting:
    """How many connections of the role's clients there were at most, as the server counts them."""

    def __init__(self, where: Pooled) -> None:
        self._where = where
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._count)
        self.most = 0

    def __enter__(self) -> Counting:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _count(self) -> None:
        with self._where.direct() as boss:
            while not self._ended.wait(0.02):
                self.most = max(self.most, int(value(boss, CLIENTS_THERE)))


def environment(where: Pooled) -> dict[str, str]:
    found = {"PGPASSWORD": where.gateway.password, "PGHOST": "127.0.0.1", "PGPORT": str(where.port), "PGUSER": "ann"}
    return {**os.environ, **found, "PGSSLMODE": "disable", "PGDATABASE": f"main/{DATABASE}"}


MOVE = """\\set from random(1, 100)
\\set to random(1, 100)
begin;
update accounts set held = held - 1 where id = least(:from::int, :to::int);
update accounts set held = held + 1 where id = greatest(:from::int, :to::int);
select held from accounts where id = :from;
commit;
select count(*) from accounts;
"""


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_twenty_of_pgbench_share_four_connections(four: Pooled, mode: str) -> None:
    script = four.server.folder / "moves.sql"
    script.write_text(MOVE)
    # WHY a thread for each: pgbench prepares in one go, and would not end the transactions of others in the same thread meanwhile.
    command = [
        "pgbench",
        "-n",
        "-M",
        mode,
        "-c",
        str(CLIENTS),
        "-j",
        str(CLIENTS),
        "-t",
        str(TRANSACTIONS),
        "-f",
        str(script),
    ]
    with Counting(four) as counting:
        done = subprocess.run(
            command, env=environment(four), check=False, capture_output=True, text=True, timeout=LIMIT
        )
    assert done.returncode == 0, done.stderr
    assert f"{CLIENTS * TRANSACTIONS}/{CLIENTS * TRANSACTIONS}" in done.stdout
    assert counting.most == CONNECTIONS
    with four.direct() as boss:
        assert value(boss, "select sum(held) from accounts") == "0"
    four.settle()


def test_psql_goes_on_where_it_was(four: Pooled) -> None:
    words = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1"]
    text = (
        "begin;\nselect 1;\ncommit;\nselect 2 \\bind \\g\n"
        if _psql_binds()
        else "begin;\nselect 1;\ncommit;\nselect 2;\n"
    )
    running = [
        subprocess.Popen(words, env=environment(four), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    for one in running:
        assert one.stdin is not None
        one.stdin.write(text * 5)
        one.stdin.flush()
    assert [one.communicate(timeout=LIMIT)[0].split() for one in running] == [["1", "2"] * 5] * 8
    assert all(one.returncode == 0 for one in running)


def _psql_binds() -> bool:
    said = subprocess.run(["psql", "--version"], check=True, capture_output=True, text=True).stdout
    return int(said.split()[2].partition(".")[0]) >= 16


def test_statements_that_psycopg_prepared_go_with_it(four: Pooled) -> None:
    where = f"host=127.0.0.1 port={four.port} user=ann dbname=main/{DATABASE} sslmode=disable"
    links = [psycopg.connect(where, password=four.gateway.password, autocommit=True) for _ in range(8)]
    try:
        for link in links:
            link.prepare_threshold = 0
        with Counting(four) as counting:
            for number in range(5):
                for at, link in enumerate(links):
                    found = link.execute("select %s::int + 1, %s::text", (number, f"of {at}")).fetchone()
                    assert found == (number + 1, f"of {at}")
                    with link.transaction():
                        link.execute("update accounts set held = held where id = %s", (number,))
        assert counting.most <= CONNECTIONS
    finally:
        for link in links:
            link.close()


def test_statements_that_psycopg_gives_up_are_given_up_wherever_they_are(four: Pooled) -> None:
    where = f"host=127.0.0.1 port={four.port} user=ann dbname=main/{DATABASE} sslmode=disable"
    links = [psycopg.connect(where, password=four.gateway.password, autocommit=True) for _ in range(5)]
    try:
        # WHY one: it gives them up by DEALLOCATE or Close, and by SQL it keeps its connection from there on.
        links[0].prepare_threshold, links[0].prepared_max = 0, 2
        for number in range(4):
            for link in links:
                assert link.execute(f"select {number} + %s", (1,)).fetchone() == (number + 1,)
    finally:
        for link in links:
            link.close()


def test_statements_that_asyncpg_prepared_go_with_it(four: Pooled) -> None:
    async def work() -> None:
        links = [
            await asyncpg.connect(
                host="127.0.0.1",
                port=four.port,
                user="ann",
                password=four.gateway.password,
                database=f"main/{DATABASE}",
                ssl=False,
            )
            for _ in range(10)
        ]
        try:
            statements = [await link.prepare("select $1::int + $2::int8, $3::text[]") for link in links]

            async def use(at: int) -> None:
                link, statement = links[at], statements[at]
                for number in range(5):
                    assert tuple(await statement.fetchrow(number, at, ["a", "b"])) == (number + at, ["a", "b"])
                    assert await link.fetchval("select held >= $1 from accounts where id = 1", -10_000)
                    async with link.transaction():
                        await link.execute("update accounts set held = held where id = $1", at)
                        assert [row[0] async for row in link.cursor("select generate_series(1, 120)")][-1] == 120

            await asyncio.gather(*map(use, range(len(links))))
        finally:
            for link in links:
                await link.close()

    with Counting(four) as counting:
        asyncio.run(work())
    assert counting.most <= CONNECTIONS


def test_pgbench_without_rivals_moves_nowhere(four: Pooled) -> None:
    """One client among idle connections keeps its own."""
    four.settle()
    before = len(four.counted)
    command = ["pgbench", "-n", "-c", "1", "-t", "50", "-f", str(four.server.folder / "moves.sql")]
    subprocess.run(command, env=environment(four), check=True, capture_output=True, text=True, timeout=LIMIT)
    four.settle()
    assert len(four.counted) - before < 10


def test_the_server_has_no_more_connections_than_the_pool_is_large(four: Pooled) -> None:
    four.settle()
    with four.direct() as boss:
        assert int(value(boss, CLIENTS_THERE)) <= CONNECTIONS
    assert four.pools.standing()["main"].open <= CONNECTIONS


def test_raw_clients_by_the_dozen_are_served_in_turn(four: Pooled) -> None:
    clients: list[Raw] = []
    try:
        for _ in range(24):
            clients.append(four.client())
        with Counting(four) as counting:
            for client in (*clients, *reversed(clients)):
                assert value(client, "select 1") == "1"
        assert counting.most <= CONNECTIONS
    finally:
        for client in clients:
            client.close()
    four.settle()
