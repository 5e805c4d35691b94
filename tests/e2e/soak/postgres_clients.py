"""What clients of PostgreSQL do for half an hour: each thing with the answer it must get, under a mark that the audit and the server's log have too."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import psycopg
from psycopg import errors

from tests.e2e.soak.harness import SUPERSEDED, Client, Ended, Gone, Left, Tally, was_ended

Connection = psycopg.AsyncConnection[tuple[object, ...]]
PEOPLE = 50
LEDGER = 200
TABLES = f"""
CREATE TABLE people (id int PRIMARY KEY, name text, email text);
INSERT INTO people SELECT n, 'name ' || n, 'person' || n || '@example.org' FROM generate_series(1, {PEOPLE}) n;
CREATE TABLE ledger (client int, n int);
INSERT INTO ledger SELECT n % 50, n FROM generate_series(1, {LEDGER}) n;
CREATE TABLE work (id int PRIMARY KEY, n int);
INSERT INTO work SELECT n, 0 FROM generate_series(0, 99) n;
"""


class PostgresClient(Client[Connection]):
    """One of them."""

    wrong = (psycopg.Error, AssertionError)

    def __init__(self, number: int, conninfo: str, tally: Tally, chance: random.Random, pause: float) -> None:
        super().__init__(number, tally, chance, pause)
        self._conninfo = conninfo

    def acts(self) -> Sequence[tuple[int, str, Callable[[Connection], Awaitable[None]]]]:
        return [
            (300, "allowed", self._read),
            (150, "allowed with parameters", self._parameters),
            (100, "allowed, prepared", self._prepared),
            (60, "allowed, in a transaction", self._transaction),
            (20, "COPY out", self._copy_out),
            (20, "COPY in", self._copy_in),
            (1, "DDL", self._ddl),
            (120, "masked", self._masked),
            (120, "denied", self._denied),
            (40, "held, approved", self._approved),
            (20, "held, refused", self._refused),
            (6, "held, expired", self._expired),
            (15, "held, cancelled", self._held_and_cancelled),
            (30, "cancelled", self._cancelled),
            (8, "client gone while it runs", self._gone),
            (4, "client gone while held", self._gone_held),
        ]

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[Connection]:
        async with await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True) as connection:
            yield connection

    def over(self, error: Exception) -> Exception | None:
        if not isinstance(error, psycopg.OperationalError) or isinstance(error, errors.QueryCanceled):
            return super().over(error)
        if was_ended(str(error)):
            return Ended()
        return Gone(str(error)) if "connection" in str(error).lower() else None

    async def _rows(self, connection: Connection, text: str, mark: str) -> list[tuple[object, ...]]:
        cursor = await connection.execute(text.encode())
        rows = await cursor.fetchall() if cursor.description else []
        self._tally.answered.add(mark)
        return rows

    # --- what is allowed

    async def _read(self, connection: Connection) -> None:
        mark, number = self._mark(), self._chance.randrange(50)
        rows = await self._rows(
            connection, f"SELECT n FROM ledger WHERE client = {number} AND n <= {LEDGER} /* {mark} */", mark
        )
        assert len(rows) == LEDGER // 50, rows

    async def _parameters(self, connection: Connection) -> None:
        mark, number = self._mark(), self._chance.randrange(10**6)
        cursor = await connection.execute(f"SELECT %s::int + 1 /* {mark} */".encode(), [number])
        assert await cursor.fetchone() == (number + 1,)
        self._tally.answered.add(mark)

    async def _prepared(self, connection: Connection) -> None:
        mark = f"m{self._number}x0p"
        cursor = await connection.execute(
            f"SELECT name FROM people WHERE id = %s /* {mark} */".encode(),
            [self._chance.randint(1, PEOPLE)],
            prepare=True,
        )
        assert len(await cursor.fetchall()) == 1
        self._tally.answered.add(mark)

    async def _transaction(self, connection: Connection) -> None:
        try:
            for text in (
                "BEGIN",
                f"INSERT INTO ledger VALUES ({self._number}, {LEDGER + 1})",
                "SELECT count(*) FROM work",
            ):
                mark = self._mark()
                await self._rows(connection, f"{text} /* {mark} */", mark)
        finally:
            if not connection.closed:
                mark = self._mark()
                await self._rows(connection, f"{self._chance.choice(['COMMIT', 'ROLLBACK'])} /* {mark} */", mark)

    async def _copy_out(self, connection: Connection) -> None:
        mark = self._mark()
        size = 0
        async with connection.cursor() as cursor:
            text = f"COPY (SELECT g FROM generate_series(1, 500) g) TO STDOUT /* {mark} */"
            async with cursor.copy(text.encode()) as copy:
                async for piece in copy:
                    size += bytes(piece).count(b"\n")
        assert size == 500, size
        self._tally.answered.add(mark)

    async def _copy_in(self, connection: Connection) -> None:
        mark = self._mark()
        async with connection.cursor() as cursor:
            text = f"COPY ledger (client, n) FROM STDIN /* {mark} */"
            async with cursor.copy(text.encode()) as copy:
                for number in range(20):
                    await copy.write(f"{self._number}\t{LEDGER + 1 + number}\n".encode())
            assert cursor.rowcount == 20
        self._tally.answered.add(mark)

    async def _ddl(self, connection: Connection) -> None:
        for text in ("CREATE TABLE IF NOT EXISTS t{0} (a int)", "DROP TABLE IF EXISTS t{0}"):
            mark = self._mark()
            await self._rows(connection, f"{text.format(self._number)} /* {mark} */", mark)

    # --- what is not, or not as it is

    async def _masked(self, connection: Connection) -> None:
        mark, number = self._mark(), self._chance.randint(1, PEOPLE)
        ((name, email),) = await self._rows(
            connection, f"SELECT name, email FROM people WHERE id = {number} /* {mark} */", mark
        )
        assert name == f"name {number}"
        assert "@" not in str(email), email

    async def _denied(self, connection: Connection) -> None:
        await self._must_be_refused(connection, "DELETE FROM people /* do-deny {} */")

    async def _refused(self, connection: Connection) -> None:
        await self._must_be_refused(connection, "UPDATE work SET n = -1 /* do-refuse {} */")

    async def _expired(self, connection: Connection) -> None:
        await self._must_be_refused(connection, "UPDATE work SET n = -2 /* do-leave {} */")

    async def _must_be_refused(self, connection: Connection, text: str) -> None:
        mark = self._mark(never=True)
        try:
            await connection.execute(text.format(mark).encode())
        except errors.InsufficientPrivilege:
            self._tally.answered.add(mark)
            return
        raise AssertionError(f"{text} ran")

    async def _approved(self, connection: Connection) -> None:
        mark, number = self._mark(), self._chance.randrange(100)
        try:
            await self._rows(connection, f"UPDATE work SET n = n + 1 WHERE id = {number} /* do-approve {mark} */", mark)
        except errors.InsufficientPrivilege as error:
            if SUPERSEDED not in str(error):
                raise
            self._superseded()

    # --- what does not go to its end

    async def _cancelled(self, connection: Connection) -> None:
        await self._must_be_cancelled(connection, f"SELECT pg_sleep(20) /* {self._mark()} */")

    async def _held_and_cancelled(self, connection: Connection) -> None:
        mark = self._mark(never=True)
        await self._must_be_cancelled(connection, f"UPDATE work SET n = -3 /* do-leave {mark} */")

    async def _must_be_cancelled(self, connection: Connection, text: str) -> None:
        running = asyncio.create_task(self._run(connection, text))
        done, _ = await asyncio.wait([running], timeout=self._chance.uniform(0.02, 0.3))
        while not done:
            # WHY again: a cancel that comes before its command is for nothing, as with any PostgreSQL.
            with contextlib.suppress(psycopg.OperationalError):
                await connection.cancel_safe(timeout=20)
            done, _ = await asyncio.wait([running], timeout=2.0)
        try:
            await running
        except errors.QueryCanceled:
            return
        except errors.InsufficientPrivilege:
            return  # it expired before it was cancelled
        raise AssertionError(f"{text} ran to its end")

    async def _gone(self, connection: Connection) -> None:
        await self._leave_during(connection, f"SELECT pg_sleep(1) /* {self._mark()} */")

    async def _gone_held(self, connection: Connection) -> None:
        mark = self._mark(never=True)
        await self._leave_during(connection, f"UPDATE work SET n = -4 /* do-leave {mark} */")

    async def _leave_during(self, connection: Connection, text: str) -> None:
        running = asyncio.create_task(self._run(connection, text))
        await asyncio.wait([running], timeout=self._chance.uniform(0.02, 0.3))
        with contextlib.suppress(psycopg.Error, OSError):  # WHY: it may have been killed by now
            wire = socket.socket(fileno=socket.dup(connection.fileno()))
            with wire:
                wire.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(psycopg.Error):
            await running
        raise Left

    @staticmethod
    async def _run(connection: Connection, text: str) -> None:
        await connection.execute(text.encode())
