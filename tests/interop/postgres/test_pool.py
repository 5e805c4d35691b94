"""Connections that serve one session after the other: the same backend where nothing can be left in it, another one where something can.

Each thing that a session may leave is left by one client and looked for by the next, on a pool of one connection. Which connection served
is asked of the server (`pg_backend_pid`). docs/decisions/0059.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator

import asyncpg
import psycopg
import pytest

from adapters.core.ports import Cause, Ending
from adapters.postgres import pool
from adapters.postgres.session.pooled import Pooling
from tests.interop.postgres.client import Raw, show
from tests.interop.postgres.pooling import (
    DATABASE,
    GOODBYE,
    MOST_SECONDS,
    ROLE,
    Pooled,
    backend,
    cancel,
    pooled,
    value,
    wait_until_asleep,
)
from tests.interop.postgres.running import Server
from tests.wire import bind, execute, message, parse, query, startup

SYNC = message("S")


@pytest.fixture(scope="module")
def shared(server: Server, password: str) -> Iterator[Pooled]:
    """One connection, for tests that leave everything as it was."""
    made = Pooled(server, password, Pooling(1, wait_seconds=40.0))
    yield made
    made.stop()


# --- one after the other


def test_one_connection_serves_one_client_after_the_other_and_the_audit_is_told_which(shared: Pooled) -> None:
    seen = []
    for _ in range(3):
        with shared.session() as client:
            seen.append(backend(client))
            assert client.key[:4] != seen[-1].to_bytes(4, "big")
    assert len(set(seen)) == 1
    said = [gate.connections for gate in shared.gateway.keeper.sessions[-2:]]
    assert said == [[f"a connection of the pool, backend {seen[0]}"]] * 2


def test_a_client_that_just_closes_its_socket_leaves_the_connection_too(shared: Pooled) -> None:
    with shared.client() as client:
        first = backend(client)
    with shared.session() as client:
        assert backend(client) == first


def test_real_clients_share_a_connection_each_with_its_like(shared: Pooled) -> None:
    where = f"host=127.0.0.1 port={shared.port} user=ann dbname=main/{DATABASE} sslmode=disable"
    environment = {**os.environ, "PGPASSWORD": shared.gateway.password}
    command = ["psql", "-XAtq", where, "-c", "select pg_backend_pid()"]
    of_psql = {subprocess.run(command, env=environment, check=True, capture_output=True).stdout for _ in range(3)}
    assert len(of_psql) == 1

    of_psycopg = set()
    for _ in range(3):
        with psycopg.connect(where, password=shared.gateway.password, autocommit=True) as connection:
            found = connection.execute("select pg_backend_pid(), current_setting('TimeZone')").fetchone()
            of_psycopg.add(found)
    assert len(of_psycopg) == 1

    async def by_asyncpg() -> int:
        connection = await asyncpg.connect(
            host="127.0.0.1",
            port=shared.port,
            user="ann",
            password=shared.gateway.password,
            database=f"main/{DATABASE}",
            ssl=False,
        )
        try:
            assert await connection.fetchval("select $1::int + 1", 41) == 42
            return int(await connection.fetchval("select pg_backend_pid()"))
        finally:
            await connection.close()

    assert len({asyncio.run(by_asyncpg()) for _ in range(3)}) == 1


# --- what is left

UNDONE: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("a setting", ("set work_mem = '17MB'",), "select current_setting('work_mem')", "4MB"),
    ("a path", ("set search_path = pg_catalog",), "select current_setting('search_path')", '"$user", public'),
    (
        "read only",
        ("set default_transaction_read_only = on",),
        "select current_setting('transaction_read_only')",
        "off",
    ),
    ("a timeout", ("set statement_timeout = '1h'",), "select current_setting('statement_timeout')", "0"),
    ("a time zone", ("set timezone = 'Asia/Tokyo'",), "select current_setting('timezone') = 'Asia/Tokyo'", "f"),
    ("characteristics", ("set session characteristics as transaction read only",), "show transaction_read_only", "off"),
    ("a role", ("set role neighbour",), "select current_user", ROLE),
    ("an authorization", (f"set session authorization {ROLE}", "set role neighbour"), "select current_user", ROLE),
    ("a prepared statement", ("prepare p as select 1",), "select count(*) from pg_prepared_statements", "0"),
    (
        "a held cursor",
        ("declare c cursor with hold for select 1",),
        "select count(*) from pg_cursors where name = 'c'",
        "0",
    ),
    ("a lock", ("select pg_advisory_lock(7)",), "select count(*) from pg_locks where locktype = 'advisory'", "0"),
    ("a channel", ("listen news",), "select count(*) from pg_listening_channels()", "0"),
    (
        "a number",
        ("select nextval('numbers')",),
        "select lastval()",
        "E[55000 lastval is not yet defined in this session] Z:I",
    ),
    (
        "a transaction's own",
        ("begin; set local work_mem = '9MB'; commit",),
        "select current_setting('work_mem')",
        "4MB",
    ),
    ("what RESET goes back to", ("reset all",), "select current_setting('application_name')", ""),
)


@pytest.mark.parametrize(("leave", "look", "found"), [one[1:] for one in UNDONE], ids=[one[0] for one in UNDONE])
def test_what_a_session_left_is_undone_and_the_connection_serves_on(
    shared: Pooled, leave: tuple[str, ...], look: str, found: str
) -> None:
    with shared.session() as client:
        first = backend(client)
        for text in leave:
            assert "E[" not in client.ask(text)
    with shared.session() as client:
        assert value(client, look) == found
        assert backend(client) == first


IN_DOUBT: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    (
        "a table",
        ("create temp table left_over (a int)",),
        "select count(*) from pg_class where relname = 'left_over'",
        "0",
    ),
    (
        "a function",
        ("create function pg_temp.left_over() returns int language sql as 'select 1'",),
        "select pg_my_temp_schema()",
        "0",
    ),
    ("a made-up setting", ("set my.name = 'x'",), "select current_setting('my.name', true) is null", "t"),
    (
        "by function",
        ("select set_config('my.name', 'x', false)",),
        "select current_setting('my.name', true) is null",
        "t",
    ),
    ("unseen", ("select hides()",), "select current_setting('my.hidden', true) is null", "t"),
    ("in SQL", ("select plain()",), "select current_setting('my.hidden', true) is null", "t"),
    ("in a view", ("select * from looks",), "select current_setting('my.hidden', true) is null", "t"),
    ("in an operator", ("select 1 === 2",), "select current_setting('my.hidden', true) is null", "t"),
    ("in a block", ("do $$ begin perform hides(); end $$",), "select current_setting('my.hidden', true) is null", "t"),
    (
        "prepared",
        ("prepare p as select hides()", "execute p"),
        "select current_setting('my.hidden', true) is null",
        "t",
    ),
    ("a library", ("load 'plpgsql'",), "select 1", "1"),
)


@pytest.mark.parametrize(("leave", "look", "found"), [one[1:] for one in IN_DOUBT], ids=[one[0] for one in IN_DOUBT])
def test_behind_what_cannot_be_undone_the_next_has_another_connection(
    shared: Pooled, leave: tuple[str, ...], look: str, found: str
) -> None:
    with shared.session() as client:
        first = backend(client)
        for text in leave:
            client.ask(text)
    with shared.session() as client:
        assert value(client, look) == found
        assert backend(client) != first


def test_statements_and_portals_of_the_protocol_are_gone(shared: Pooled) -> None:
    with shared.session() as client:
        first = backend(client)
        client.send(parse("select 'mine'", "named"), parse("select 'unnamed'"), SYNC)
        assert "E[" not in show(client.until_ready())
    with shared.session() as client:
        for name in ("named", ""):
            client.send(bind(name), execute(), SYNC)
            assert "E[26000" in show(client.until_ready())
        assert backend(client) == first


def test_nobody_can_foresee_the_next_ones_chance(shared: Pooled) -> None:
    drawn = "select random()"
    with shared.session() as client:
        client.ask("select setseed(0.5)")
        foreseen = [value(client, drawn) for _ in range(3)]
        client.ask("select setseed(0.5)")
        assert value(client, drawn) == foreseen[0]
        first = backend(client)
    with shared.session() as client:
        assert value(client, drawn) not in foreseen
        assert backend(client) == first


def test_a_notification_for_the_last_one_is_not_heard_by_the_next(shared: Pooled) -> None:
    with shared.session() as client, shared.direct() as other:
        client.ask("listen news")
        other.ask("notify news, 'for the last one'")
    with shared.session() as client, shared.direct() as other:
        other.ask("notify news, 'for nobody'")
        assert "A" not in {kind for kind, _ in _answers(client, "select 1")}


def _answers(client: Raw, text: str) -> list[tuple[str, bytes]]:
    client.send(query(text))
    return client.until_ready()


def test_the_greeting_is_what_the_server_said_last(shared: Pooled) -> None:
    with shared.session() as client:
        client.ask("set timezone = 'Asia/Tokyo'; set intervalstyle = iso_8601")
    said = _greeting(shared)
    assert said["IntervalStyle"] == "postgres"
    assert said["TimeZone"] != "Asia/Tokyo"
    assert said["standard_conforming_strings"] == "on"


def _greeting(where: Pooled) -> dict[str, str]:
    found: dict[str, str] = {}

    class Greeted(Raw):
        def next(self) -> tuple[str, bytes]:
            kind, body = super().next()
            if kind == "S":
                name, _, rest = body.partition(b"\0")
                found[name.decode()] = rest[:-1].decode()
            return kind, body

    with Greeted(where.port, "ann", f"main/{DATABASE}", where.gateway.password) as client:
        client.send(GOODBYE)
    return found


# --- clients that leave in the middle

MIDDLES: tuple[tuple[str, Callable[[Raw], object]], ...] = (
    ("a transaction", lambda client: client.ask("begin; insert into things values (1, 'half')")),
    ("a failed one", lambda client: client.ask("begin") + client.ask("select 1/0")),
    ("a query", lambda client: client.send(query("select pg_sleep(0.2), 'late'"))),
    (
        "a COPY",
        lambda client: (
            client.send(query("copy things from stdin")),
            client.next(),
            client.send(message("d", b"1\tx\n")),
        ),
    ),
    (
        "a result",
        lambda client: (client.send(query("select repeat('x', 1000) from generate_series(1, 50000)")), client.next()),
    ),
    (
        "an unsynced pipeline",
        lambda client: (client.send(parse("select 1"), bind(), execute(), message("H")), client.next()),
    ),
)


@pytest.mark.parametrize("begin", [one[1] for one in MIDDLES], ids=[one[0] for one in MIDDLES])
def test_who_leaves_in_the_middle_leaves_no_connection(shared: Pooled, begin: Callable[[Raw], object]) -> None:
    with shared.client() as client:
        first = backend(client)
        begin(client)
    with shared.session() as client:
        assert backend(client) != first
        assert value(client, "select count(*) from things") == "0"


# --- cancels


def test_a_cancel_reaches_its_own_session_and_never_the_next_on_that_connection(shared: Pooled) -> None:
    with shared.session() as client:
        old, first = client.key, backend(client)
    with shared.session() as client, shared.direct() as boss:
        assert backend(client) == first
        client.send(query("select pg_sleep(0.3), 'whole'"))
        cancel(shared.port, old)
        cancel(shared.port, first.to_bytes(4, "big") + old[4:])
        assert "whole" in show(client.until_ready())
        client.send(query("select pg_sleep(20)"))
        wait_until_asleep(boss, first)
        cancel(shared.port, client.key)
        assert "E[57014" in show(client.until_ready())
    with shared.session() as client:
        assert backend(client) != first


# --- backends that die, roles that change


def test_a_backend_that_was_ended_while_it_was_free_is_replaced_unseen(shared: Pooled) -> None:
    with shared.session() as client:
        first = backend(client)
    shared.settle()
    with shared.direct() as boss:
        boss.ask(f"select pg_terminate_backend({first}, 5000)")
    with shared.session() as client:
        assert backend(client) != first


def test_a_backend_that_does_not_answer_is_replaced_unseen(shared: Pooled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "ASK_SECONDS", 1.0)
    with shared.session() as client:
        first = backend(client)
    shared.settle()
    os.kill(first, signal.SIGSTOP)
    try:
        with shared.session() as client:
            assert backend(client) != first
    finally:
        os.kill(first, signal.SIGCONT)


def test_a_backend_that_is_ended_under_its_client_ends_the_session_alone(shared: Pooled) -> None:
    with shared.client() as client, shared.direct() as boss:
        first = backend(client)
        boss.ask(f"select pg_terminate_backend({first}, 5000)")
        assert "57P01" in show([client.next()])
    with shared.session() as client:
        assert backend(client) != first


def test_settings_of_the_role_that_changed_meanwhile_count(shared: Pooled) -> None:
    with shared.session() as client:
        first = backend(client)
    shared.settle()
    with shared.direct() as boss:
        boss.ask(f"alter role {ROLE} set work_mem = '9MB'")
    try:
        with shared.session() as client:
            assert (value(client, "show work_mem"), backend(client) != first) == ("9MB", True)
    finally:
        with shared.direct() as boss:
            boss.ask(f"alter role {ROLE} reset work_mem")


def test_a_role_that_it_begins_as_is_not_lost(shared: Pooled) -> None:
    with shared.direct() as boss:
        boss.ask(f"alter role {ROLE} set role = neighbour")
    try:
        for _ in range(2):
            # WHY not which backend: older servers lose that role with DISCARD ALL, and then it has to be another one.
            with shared.session() as client:
                assert value(client, "select current_user") == "neighbour"
                client.ask("reset role; set role none")
    finally:
        with shared.direct() as boss:
            boss.ask(f"alter role {ROLE} reset role")


def test_a_role_that_may_not_log_in_any_more_gets_no_connection(shared: Pooled) -> None:
    with shared.session() as client:
        client.ask("select 1")
    shared.settle()
    with shared.direct() as boss:
        boss.ask(f"alter role {ROLE} nologin")
    try:
        with pytest.raises(ConnectionError, match="28000"):
            shared.client()
    finally:
        with shared.direct() as boss:
            boss.ask(f"alter role {ROLE} login")


def test_a_right_to_connect_that_was_taken_back_counts(shared: Pooled) -> None:
    with shared.session() as client:
        client.ask("select 1")
    shared.settle()
    with shared.direct() as boss:
        boss.ask(f"alter database {DATABASE} owner to postgres; revoke connect on database {DATABASE} from public")
    try:
        with pytest.raises(ConnectionError, match="42501"):
            shared.client()
    finally:
        with shared.direct() as boss:
            boss.ask(f"grant connect on database {DATABASE} to public; alter database {DATABASE} owner to {ROLE}")


def test_where_a_trigger_runs_at_login_nobody_shares(server: Server, shared: Pooled) -> None:
    with shared.direct() as boss:
        boss.ask("create function greets() returns event_trigger language plpgsql as $$ begin end $$")
        if "E[" in boss.ask("create event trigger greeting on login execute function greets()"):
            # Servers before 17 know none.
            assert int(value(boss, "show server_version_num")) < 170000
            return
    try:
        seen = []
        for _ in range(2):
            with shared.session() as client:
                seen.append(backend(client))
        assert seen[0] != seen[1]
    finally:
        with shared.direct() as boss:
            boss.ask("drop event trigger greeting")


def test_a_library_that_keeps_something_ends_connections(shared: Pooled) -> None:
    with shared.direct() as boss:
        assert "E[" not in boss.ask("create extension dblink")
        assert "E[" not in boss.ask("create table links (a text[] default dblink_get_connections())")
        boss.ask(f"grant all on links to {ROLE}")
    try:
        with shared.session() as client:
            first = backend(client)
            # A default is code that nobody sees run.
            assert "E[" not in client.ask("insert into links default values")
        with shared.session() as client:
            assert backend(client) != first
    finally:
        with shared.direct() as boss:
            boss.ask("drop table links; drop extension dblink")


def test_a_superusers_connection_is_never_shared(server: Server, password: str) -> None:
    boss = server.target
    with pooled(server, boss.password or "", Pooling(1, wait_seconds=10.0), boss.user) as made:
        seen = []
        for _ in range(2):
            with made.session() as client:
                seen.append(backend(client))
        assert seen[0] != seen[1]


# --- how many, how long


def test_who_finds_no_connection_in_time_is_told_so(server: Server, password: str) -> None:
    with pooled(server, password, Pooling(1, wait_seconds=0.2)) as made:
        with made.session() as client:
            client.ask("select 1")
            with pytest.raises(ConnectionError, match=r"53300 all 1 connections of this resource's pool are in use"):
                made.client()
        made.settle()
        with made.session() as client:
            assert value(client, "select 1") == "1"
        assert made.counted.count("refused") == 1


def test_who_waits_gets_the_connection_that_comes_free(server: Server, password: str) -> None:
    with pooled(server, password, Pooling(1, wait_seconds=15.0)) as made:
        found: list[int] = []

        def wait() -> None:
            with made.session() as client:
                found.append(backend(client))

        with made.session() as client:
            first = backend(client)
            waiting = threading.Thread(target=wait)
            waiting.start()
            made.gateway.wait_for(lambda: len(made.gateway.keeper.sessions) == 2)
        waiting.join(MOST_SECONDS)
        assert found == [first]


def test_who_goes_while_waiting_takes_nothing_along(server: Server, password: str) -> None:
    with pooled(server, password, Pooling(1, wait_seconds=15.0)) as made:
        with made.session() as client:
            first = backend(client)
            with pytest.raises(AssertionError):
                Impatient(made.port, "ann", f"main/{DATABASE}", made.gateway.password)
            made.gateway.wait_for(lambda: len(made.gateway.keeper.closed) == 1)
        with made.session() as client:
            assert backend(client) == first


class Impatient(Raw):
    """Leaves as soon as it has proven who it is."""

    def next(self) -> tuple[str, bytes]:
        kind, body = super().next()
        assert (kind, body[:4]) != ("R", (12).to_bytes(4, "big"))
        return kind, body


def test_others_parameters_are_not_inherited_and_make_room(server: Server, password: str) -> None:
    class Named(Raw):
        def _sign_in(self) -> None:
            sent = self._socket.sendall
            first = [True]

            def send(data: bytes) -> None:
                sent(startup(user=self.user, database=self.database, application_name="theirs") if first else data)
                first.clear()

            self._socket = _Sending(self._socket, send)  # type: ignore[assignment]  # as much of a socket as is used
            super()._sign_in()

    with pooled(server, password, Pooling(1, wait_seconds=10.0)) as made:
        with Named(made.port, "ann", f"main/{DATABASE}", made.gateway.password) as named:
            first = backend(named)
            named.ask("set application_name = 'another'; reset application_name")
            assert value(named, "show application_name") == "theirs"
            named.send(GOODBYE)
        with made.session() as client:
            assert (value(client, "show application_name"), backend(client) != first) == ("", True)
        assert made.pools.standing()["main"].open == 1


class _Sending:
    """A socket that says something else at first."""

    def __init__(self, socket: object, send: Callable[[bytes], None]) -> None:
        self._socket, self.sendall = socket, send

    def __getattr__(self, name: str) -> object:
        return getattr(self._socket, name)


def test_idle_connections_end_and_so_do_all_when_the_gateway_stops(server: Server, password: str) -> None:
    with pooled(server, password, Pooling(3, idle_seconds=0.3)) as made:
        with made.session() as client, made.session() as other:
            assert backend(client) != backend(other)
        made.settle()

        async def gone() -> None:
            while made.pools.standing():
                await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(gone(), made.gateway._loop).result(MOST_SECONDS)
    with pooled(server, password, Pooling(3)) as made:
        with made.session() as client:
            last = backend(client)
        made.settle()
        assert made.pools.standing()["main"].free == 1
    with Raw(server.cluster.port, server.cluster.user) as boss:
        while int(value(boss, f"select count(*) from pg_stat_activity where pid = {last}")):
            boss.ask("select pg_sleep(0.01)")


def test_a_session_that_is_killed_ends_its_connection(shared: Pooled) -> None:
    with shared.client() as client:
        first = backend(client)
        connection = shared.gateway.keeper.sessions[-1].connection
        connection.end(Ending(Cause.KILLED, "somebody wants it to end"))
        assert "57P01" in show(client.until_ready())
    with shared.session() as client:
        assert backend(client) != first


def test_fifty_clients_share_five_connections(server: Server, password: str) -> None:
    environment = {**os.environ, "PGPASSWORD": "", "PGSSLMODE": "disable"}
    with pooled(server, password, Pooling(5, wait_seconds=60.0)) as made:
        environment["PGPASSWORD"] = made.gateway.password
        where = ["-h", "127.0.0.1", "-p", str(made.port), "-U", "ann"]
        script = server.folder / "pool.sql"
        script.write_text("select count(*) from things;\n")
        done = subprocess.run(
            ["pgbench", "-n", "-C", "-c", "50", "-j", "50", "-t", "4", "-f", str(script), *where, f"main/{DATABASE}"],
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stderr
        assert "200/200" in done.stdout
        made.settle()
        # A busy machine may find one dead that is only late; it is replaced then.
        assert made.counted.count("new") + made.counted.count("reused") >= 200
        assert made.counted.count("reused") >= 150
        assert made.pools.standing()["main"].open <= 5
