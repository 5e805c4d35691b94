"""How planners are asked; what they say of real statements stands in tests/interop/postgres/test_planner.py."""

from __future__ import annotations

import asyncio
from collections import namedtuple
from collections.abc import Sequence

import asyncpg
import pytest

from adapters.core.ports import Target
from adapters.postgres import planner
from adapters.postgres.planner import MAX_WAITING, NoPlan, Planner, Wish

TARGET = Target("db", 5432, "app", "s3cret")
WISH = Wish("DELETE FROM t WHERE a = 'literal'", ("pg_catalog", "public"), "app", (("public", "t"),))
Type = namedtuple("Type", "schema name")  # as asyncpg's


class Server:
    """A connection that notes what it is asked."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.found: Sequence[object] | None = (1, None)
        self.answer: object = "[]"
        self.types: Sequence[Type] = ()
        self.error: Exception | None = None
        self.gone = False
        self.opened = 0
        self.stuck: asyncio.Event | None = None

    async def connect(self, target: Target, name: str, seconds: float) -> Server:
        assert target.database == "postgres"
        if self.error is not None and not self.said:
            raise self.error
        self.opened += 1
        self.gone = False
        return self

    async def execute(self, text: str) -> None:
        self.said.append(text)

    async def fetchrow(self, text: str, *values: object) -> object:
        self.said.append(text)
        if self.stuck is not None:
            await self.stuck.wait()
        return self.found

    async def prepare(self, text: str) -> Server:
        self.said.append(text)
        if self.error is not None:
            raise self.error
        return self

    def get_parameters(self) -> Sequence[Type]:
        return self.types

    async def fetchval(self, *values: object) -> object:
        return self.answer

    def is_closed(self) -> bool:
        return self.gone

    def terminate(self) -> None:
        self.gone = True


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    monkeypatch.setattr(planner, "connect", made.connect)
    return made


async def refusal(asked: Planner, wish: Wish = WISH) -> str:
    with pytest.raises(NoPlan) as caught:
        await asked.plan(TARGET, wish)
    return str(caught.value)


async def test_it_is_asked_in_a_transaction_that_reads_and_is_rolled_back(server: Server) -> None:
    asked = Planner()
    assert await asked.plan(TARGET, WISH) == "[]"
    assert "READ ONLY" in server.said[0]
    assert "statement_timeout = '1s'" in server.said[0]
    assert server.said[-2:] == [f"EXPLAIN (FORMAT JSON) {WISH.text}", "ROLLBACK"]
    assert not any("ANALYZE" in said for said in server.said)
    await asked.plan(TARGET, WISH)
    assert server.opened == 1
    await asked.close()
    assert server.gone
    assert "literal" not in repr(WISH)


async def test_a_refusal_says_nothing_of_the_statement_and_ends_the_transaction(server: Server) -> None:
    asked = Planner()
    server.error = asyncpg.UndefinedTableError('relation "literal" does not exist')
    server.said.append("")  # the connection is made
    assert await refusal(asked) == "the database refused it with 42P01"
    server.error, server.found = None, (0, None)
    assert await refusal(asked) == "a relation is not there any more"
    server.found = (1, "function f()")
    assert await refusal(asked) == "planning it could run what people made: function f()"
    server.found, server.answer = (1, None), 7
    assert await refusal(asked) == "the database answered with no plan"
    server.answer = "[]"
    assert server.said.count("ROLLBACK") == 4
    assert server.opened == 1
    await asked.close()


async def test_a_server_out_of_reach_has_no_plan(server: Server) -> None:
    asked = Planner()
    server.error = OSError("no route")
    assert await refusal(asked) == "the database cannot be asked at the moment"
    server.error = asyncpg.InvalidPasswordError("no")
    assert await refusal(asked) == "the database refused it with 28P01"


async def test_nobody_waits_for_ever_and_not_many_at_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "TIMEOUT", 0.05)
    asked, server.stuck = Planner(), asyncio.Event()
    said = await asyncio.gather(*(refusal(asked) for _ in range(MAX_WAITING + 1)))
    assert set(said) == {"the database did not answer in time", "too many statements wait for the planner"}
    assert server.gone, "in what state it is nobody knows"
    server.stuck, before = None, server.opened
    monkeypatch.setattr(planner, "TIMEOUT", 60)
    assert await asked.plan(TARGET, WISH) == "[]"
    assert server.opened == before + 1
    await asked.close()


async def test_a_connection_without_use_is_closed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "IDLE", 0.0)
    asked = Planner()
    await asked.plan(TARGET, WISH)
    while not server.gone:
        await asyncio.sleep(0)


async def test_values_of_types_nobody_is_sure_of_are_not_bound(server: Server) -> None:
    asked = Planner()
    for kind, value, said in (
        (Type("pg_catalog", "int4"), "7", None),
        (Type("public", "int4"), "7", "a value of the type int4 is bound to it"),
        (Type("pg_catalog", "numeric"), "7", "a value of the type numeric is bound to it"),
        (Type("pg_catalog", "bool"), "on", None),
        (Type("pg_catalog", "bool"), "\\x00", None),
        (Type("pg_catalog", "float8"), "\\x00", "a value bound to it is no float8"),
        (Type("pg_catalog", "int4"), None, None),
    ):
        server.types = (kind,)
        wish = Wish("SELECT $1", (), "app", (("public", "t"),), (value,))
        if said is None:
            assert await asked.plan(TARGET, wish) == "[]"
        else:
            assert await refusal(asked, wish) == said
    await asked.close()
