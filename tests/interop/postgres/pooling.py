"""What tests of pools share: a role that is nobody special with a database of its own, and gateways with pools before it."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from adapters.postgres.pool import Pools
from adapters.postgres.session.pooled import Pooling
from tests.interop.postgres.client import Raw
from tests.interop.postgres.running import Gateway, Server
from tests.wire import message

ROLE, DATABASE = "tenant", "pooled"
GOODBYE = message("X")
MOST_SECONDS = 60.0
CLIENTS_THERE = f"select count(*) from pg_stat_activity where usename = '{ROLE}' and application_name !~ 'sallyport'"
"""How many connections of the role there are, without the one that reads the catalog for the gateway."""


class Pooled:
    """A gateway before a database whose role is nobody special, with pools, and the eyes of a superuser."""

    def __init__(self, server: Server, password: str, pooling: Pooling, user: str = ROLE) -> None:
        self.server = server
        self.counted: list[str] = []
        self.joining: list[threading.Thread] = []
        """Clients that wait for a connection."""
        self.pools = Pools(lambda resource, what: self.counted.append(what))
        target = replace(server.target, user=user, password=password, database=DATABASE, own=pooling)
        self.gateway = Gateway(server, target=target, pools=self.pools)
        self.gateway.start()
        self.port = self.gateway.port

    def client(self) -> Raw:
        return Raw(self.port, "ann", f"main/{DATABASE}", self.gateway.password)

    @contextmanager
    def session(self) -> Iterator[Raw]:
        """A client that says goodbye at its end."""
        with self.client() as client:
            yield client
            client.send(GOODBYE)

    def call(self, work: Callable[[], int]) -> int:
        """A number, looked at in the gateway's own thread."""
        return self.gateway.call(work)

    def join(self) -> None:
        """Until every client that waited in a thread of its own was told something."""
        while self.joining:
            thread = self.joining.pop()
            thread.join(MOST_SECONDS)
            assert not thread.is_alive()

    def until(self, is_so: Callable[[], bool]) -> None:
        """Until the pools stand so."""

        async def look() -> None:
            while not is_so():
                await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(look(), self.gateway._loop).result(MOST_SECONDS)

    def settle(self, but: int = 0) -> None:
        """Until every session but so many is over, and its connection free or ended."""
        self.gateway.wait_for(lambda: len(self.gateway.keeper.closed) + but >= len(self.gateway.keeper.sessions))

        async def washed() -> None:
            while self.pools._washing:
                await asyncio.gather(*self.pools._washing)

        asyncio.run_coroutine_threadsafe(washed(), self.gateway._loop).result(MOST_SECONDS)

    def direct(self) -> Raw:
        return Raw(self.server.cluster.port, self.server.cluster.user, DATABASE)

    def stop(self) -> None:
        self.gateway.stop()


def value(client: Raw, text: str) -> str:
    """The one value of an answer, or what was said instead."""
    answer = client.ask(text)
    return answer.partition("D(")[2].partition(")")[0] if " D(" in answer else answer[answer.find("E[") :]


def backend(client: Raw) -> int:
    return int(value(client, "select pg_backend_pid()"))


def wait_until_asleep(boss: Raw, pid: int) -> None:
    """Until a backend has come to its pg_sleep: before that the server passes over a cancel, whoever sends it."""
    for _ in range(1000):
        if value(boss, f"select wait_event from pg_stat_activity where pid = {pid}") == "PgSleep":
            return
        boss.ask("select pg_sleep(0.02)")
    raise AssertionError(f"backend {pid} does not sleep")


def make_tenant(server: Server) -> str:
    """The password of a new role. It owns a database with a few things in it, and may become another role."""
    password = secrets.token_hex(12)
    with Raw(server.cluster.port, server.cluster.user) as boss:
        for text in (
            f"create role {ROLE} login password '{password}'",
            "create role neighbour",
            f"grant neighbour to {ROLE}",
            f"create database {DATABASE} owner {ROLE}",
        ):
            assert "E[" not in boss.ask(text)
    with Raw(server.cluster.port, server.cluster.user, DATABASE) as boss:
        for text in (
            f"grant create on schema public to {ROLE}",
            f"set role {ROLE}",
            "create sequence numbers",
            "create table things (a int, b text)",
            "create function hides() returns text language plpgsql as "
            "$$ begin perform set_config('my.hidden', 'x', false); return 'x'; end $$",
            "create function plain() returns text language sql as $$ select set_config('my.hidden', 'x', false) $$",
            "create view looks as select hides()",
            "create function compares(int, int) returns bool language plpgsql as "
            "$$ begin perform hides(); return true; end $$",
            "create operator === (leftarg = int, rightarg = int, function = compares)",
        ):
            assert "E[" not in boss.ask(text)
    return password


@contextmanager
def pooled(server: Server, password: str, pooling: Pooling, user: str = ROLE) -> Iterator[Pooled]:
    made = Pooled(server, password, pooling, user)
    try:
        yield made
    finally:
        made.stop()


def cancel(port: int, key: bytes) -> None:
    asyncio.run(_send(port, key))


async def _send(port: int, key: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write((8 + len(key)).to_bytes(4, "big") + (80877102).to_bytes(4, "big") + key)
    assert await reader.read() == b""
    writer.close()
