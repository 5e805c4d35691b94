"""Connections that serve somebody else after each transaction: clients take turns, none finds what another left, none loses what it has.

Nearly all of it on a pool of one connection, so that whoever says something takes the connection from whoever had it. Which connection served
is asked of the server (`pg_backend_pid`). docs/decisions/0061.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from adapters.core.ports import Cause, Ending
from adapters.postgres.session.pooled import Pooling
from tests.interop.postgres.client import Raw, show
from tests.interop.postgres.pooling import (
    CLIENTS_THERE,
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
from tests.wire import bind, describe, execute, message, parse, query

SYNC = message("S")
IMPATIENT = 1.5
INT4 = 23


@pytest.fixture(scope="module")
def one(server: Server, password: str) -> Iterator[Pooled]:
    """One connection, and everybody waits for it."""
    with pooled(server, password, Pooling(1, wait_seconds=40.0, by_transaction=True)) as made:
        yield made


@pytest.fixture(scope="module")
def hurried(server: Server, password: str) -> Iterator[Pooled]:
    """One connection, and nobody waits for long."""
    with pooled(server, password, Pooling(1, wait_seconds=IMPATIENT, by_transaction=True)) as made:
        yield made


def extended(client: Raw, *messages: bytes) -> str:
    client.send(*messages, SYNC)
    return show(client.until_ready())


# --- taking turns


def test_two_clients_take_turns_on_one_connection_and_the_audit_is_told_each_time(one: Pooled) -> None:
    with one.session() as ann, one.session() as bob:
        seen = [backend(client) for client in (ann, bob, ann, ann, bob, ann)]
        assert len(set(seen)) == 1
        ours, theirs = one.gateway.keeper.sessions[-2:]
        assert ours.connections[1:] == [f"a connection of the pool, backend {seen[0]}"] * 3
        assert theirs.connections[1:] == [f"a connection of the pool, backend {seen[0]}"] * 2
        with one.direct() as boss:
            assert value(boss, CLIENTS_THERE) == "1"
        assert one.pools.standing()["main"].open == 1


def test_who_has_no_rival_keeps_the_connection(one: Pooled) -> None:
    with one.session() as ann:
        first = backend(ann)
        before = list(one.counted)
        assert [backend(ann) for _ in range(3)] == [first] * 3
        assert one.counted == before


def test_a_transaction_keeps_the_connection_to_its_end(one: Pooled) -> None:
    with one.session() as bob, one.session() as ann:
        assert "E[" not in ann.ask("begin")
        found: list[int] = []
        waiting = threading.Thread(target=lambda: found.append(backend(bob)))
        waiting.start()
        one.until(lambda: one.pools.standing()["main"].waiting == 1)
        mine = backend(ann)
        assert not found
        assert "C:COMMIT" in ann.ask("commit")
        waiting.join(MOST_SECONDS)
        assert found == [mine]


def test_who_waits_too_long_in_the_middle_is_told_so_and_ends(hurried: Pooled) -> None:
    with hurried.session() as bob, hurried.session() as ann:
        ann.ask("begin")
        assert "E[53300 all 1 connections" in bob.ask("select 1")
        assert bob.unread == b""
        ann.ask("commit")
        with hurried.session() as carl:
            assert value(carl, "select 1") == "1"


# --- what keeps a session where it is

KEEPS: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("set", ("set work_mem = '17MB'",), "show work_mem", "17MB"),
    ("set in a transaction", ("begin; set work_mem = '17MB'; commit",), "show work_mem", "17MB"),
    ("set_config", ("select set_config('work_mem', '17MB', false)",), "show work_mem", "17MB"),
    ("a path", ("set search_path = pg_catalog",), "show search_path", "pg_catalog"),
    ("a time zone", ("set timezone = 'Asia/Tokyo'",), "show timezone", "Asia/Tokyo"),
    ("a made-up setting", ("set my.name = 'x'",), "select current_setting('my.name', true)", "x"),
    ("characteristics", ("set session characteristics as transaction read only",), "show transaction_read_only", "on"),
    ("a role", ("set role neighbour",), "select current_user", "neighbour"),
    ("an authorization", (f"set session authorization {ROLE}",), "select session_user", ROLE),
    ("a prepared statement", ("prepare p as select 7",), "execute p", "7"),
    ("a held cursor", ("declare c cursor with hold for select 8",), "fetch c", "8"),
    ("a lock", ("select pg_advisory_lock(7)",), "select pg_advisory_unlock(7)", "t"),
    ("a channel", ("listen news",), "select pg_listening_channels()", "news"),
    ("a number", ("select nextval('numbers') is null",), "select lastval() is null", "f"),
    ("a table", ("create temp table mine as select 9 as a",), "select a from mine", "9"),
    ("a made-up seed", ("select setseed(0.5)",), "select 1", "1"),
    ("discard", ("discard all",), "select 1", "1"),
    ("a block", ("do $$ begin perform hides(); end $$",), "select current_setting('my.hidden', true)", "x"),
    ("a function", ("select hides()",), "select current_setting('my.hidden', true)", "x"),
    ("a view", ("select * from looks",), "select current_setting('my.hidden', true)", "x"),
    ("a load", ("load 'plpgsql'",), "select 1", "1"),
    ("a mask", ("/*mask*/ select 'x'",), "select 1", "1"),
    ("a table for all", ("create table if not exists of_all (a int)",), "select count(*) from of_all", "0"),
    ("unseen", ("insert into sets_zone values (1)",), "show timezone", "Asia/Tokyo"),
)


@pytest.fixture(scope="module", autouse=True)
def traps(one: Pooled) -> None:
    """Things that do more than can be seen, as triggers."""
    with one.direct() as boss:
        for name, body in TRAPS.items():
            for text in (
                f"set role {ROLE}",
                f"create table {name} (a int)",
                f"create function does_{name}() returns trigger language plpgsql as $$ begin {body} return new; end $$",
                f"create trigger acts before insert on {name} for each row execute function does_{name}()",
            ):
                assert "E[" not in boss.ask(text), text


TRAPS = {
    "sets_zone": "perform set_config('TimeZone', 'Asia/Tokyo', false);",
    "sets_memory": "perform set_config('work_mem', '17MB', false);",
    "sets_path": "perform set_config('search_path', 'pg_catalog', false);",
    "sets_read_only": "perform set_config('default_transaction_read_only', 'on', false);",
    "sets_role": "perform set_config('role', 'neighbour', false);",
    "makes_table": "create temp table if not exists things (a int, b text);",
    "locks": "perform pg_advisory_lock(7);",
    "listens": "listen news;",
    "prepares": "execute 'prepare p as select 1';",
    "makes_up": "perform set_config('my.hidden', 'x', false);",
    "seeds": "perform setseed(0.5);",
    "counts": "perform nextval('numbers');",
}


@contextmanager
def rival(where: Pooled, client: Raw) -> Iterator[list[str]]:
    """Another client that wants the connection meanwhile; what it was told afterwards. At the end it waits still."""
    found: list[str] = []
    waiting = threading.Thread(target=lambda: found.append(client.ask("select 'served'")))
    waiting.start()
    where.until(lambda: where.pools.standing()["main"].waiting == 1)
    try:
        yield found
        assert where.call(lambda: where.pools.standing()["main"].waiting) == 1
    finally:
        where.joining.append(waiting)


@pytest.mark.parametrize(("leave", "look", "found"), [one[1:] for one in KEEPS], ids=[one[0] for one in KEEPS])
def test_who_has_something_of_their_own_keeps_the_connection_until_they_leave(
    one: Pooled, leave: tuple[str, ...], look: str, found: str
) -> None:
    with one.session() as bob:
        with one.session() as ann:
            first = backend(ann)
            for text in leave:
                assert "FATAL" not in ann.ask(text)
            with rival(one, bob) as served:
                assert value(ann, look) == found
                assert backend(ann) == first
        one.join()
        assert "D(served)" in served[0]


KEEPS_NOTHING: tuple[tuple[str, ...], ...] = (
    ("begin", "insert into things values (1, 'x')", "savepoint a", "rollback to a", "release a", "rollback"),
    ("begin isolation level serializable; set transaction read only; select 1; commit",),
    ("begin", "select 1/0", "rollback"),
    ("select pg_advisory_xact_lock(7)",),
    ("lock table things", "begin; lock table things; commit"),
    ("notify news, 'x'", "select pg_notify('news', 'x')"),
    ("unlisten *; reset all; close all",),
    ("select pg_advisory_unlock_all()",),
    ("explain select 1", "show all", "analyze things"),
    ("select * from things where a = 1", "delete from things", "copy things to stdout", "select 1 as a; select 2"),
    ("/*deny*/ set work_mem = '17MB'",),
    ("/*rows 1*/ select a from things", "/*statement_timeout 9000*/ select 1", "/*read_only true*/ select 1"),
    ("not even sql",),
)


@pytest.mark.parametrize("texts", KEEPS_NOTHING, ids=[texts[0] for texts in KEEPS_NOTHING])
def test_what_lasts_no_longer_than_its_transaction_keeps_nobody(one: Pooled, texts: tuple[str, ...]) -> None:
    with one.session() as bob, one.session() as ann:
        first = backend(ann)
        for text in texts:
            assert "FATAL" not in ann.ask(text)
        assert backend(bob) == first
        assert backend(ann) == first


def test_what_waits_for_people_keeps_its_session_and_shows_it_the_same(one: Pooled) -> None:
    with one.session() as bob:
        with one.session() as ann:
            ann.send(query("/*hold*/ select 'granted'"))
            one.gateway.wait_for(lambda: bool(one.gateway.keeper.waiting))
            with rival(one, bob) as served:
                one.gateway.decide_holds(True)
                assert "granted" in show(ann.until_ready())
                assert value(ann, "select 1") == "1"
        one.join()
        assert "D(served)" in served[0]


# --- what the next one finds

LEAVES: tuple[tuple[str, str, str], ...] = (
    ("sets_zone", "select current_setting('TimeZone') = 'Asia/Tokyo'", "f"),
    ("sets_memory", "show work_mem", "4MB"),
    ("sets_path", "show search_path", '"$user", public'),
    ("sets_read_only", "show transaction_read_only", "off"),
    ("sets_role", "select current_user", ROLE),
    ("makes_table", "select pg_my_temp_schema() = 0 and to_regclass('things')::text = 'things'", "t"),
    ("locks", "select count(*) from pg_locks where locktype = 'advisory'", "0"),
    ("listens", "select count(*) from pg_listening_channels()", "0"),
    ("prepares", "select count(*) from pg_prepared_statements", "0"),
    ("makes_up", "select coalesce(current_setting('my.hidden', true), '')", ""),
    ("counts", "select lastval()", "E[55000 lastval is not yet defined in this session] Z:I"),
)


REPORTED = ("sets_zone", "sets_read_only")
"""Those that the server reports: they keep their session where it is, until it leaves."""


@pytest.mark.parametrize(("trap", "look", "found"), LEAVES, ids=[one[0] for one in LEAVES])
def test_what_nobody_saw_a_client_leave_is_not_found_by_the_next_while_it_is_still_there(
    one: Pooled, trap: str, look: str, found: str
) -> None:
    with one.session() as bob, one.client() as ann:
        assert "E[" not in ann.ask(f"insert into {trap} values (1)")
        if trap in REPORTED or (trap == "sets_path" and int(value(ann, "show server_version_num")) >= 180000):
            ann.close()
        assert value(bob, look) == found


def test_a_path_that_nobody_saw_set_is_not_believed_on_another_connection(one: Pooled) -> None:
    """What is judged under a path runs under that path."""
    with one.session() as bob, one.session() as ann:
        if int(value(ann, "show server_version_num")) >= 180000:
            # The server reports the path, and that keeps the session.
            return
        assert "E[" not in ann.ask("insert into sets_path values (1)")
        assert "E[" not in ann.ask("reset work_mem")
        assert value(ann, "show search_path") == "pg_catalog"
        gate = one.gateway.keeper.sessions[-1]
        assert gate.asked[-1].state["search_path"] == ["pg_catalog"]
        assert value(bob, "select 1") == "1"
        assert value(ann, "show search_path") == '"$user", public'
        assert gate.asked[-1].state["search_path"] == ["pg_catalog", "public"]


def test_the_chance_of_the_next_cannot_be_foreseen(one: Pooled) -> None:
    with one.session() as bob, one.session() as ann:
        ann.ask("insert into seeds values (1)")
        foreseen = value(ann, "select random()")
        ann.ask("insert into seeds values (1)")
        assert value(bob, "select random()") != foreseen


def test_statements_of_one_are_unknown_to_the_other(one: Pooled) -> None:
    with one.session() as bob, one.session() as ann:
        assert "E[" not in extended(ann, parse("select 'mine'", "named"), parse("select 'unnamed'"))
        for name in ("named", ""):
            assert "E[26000" in extended(bob, bind(name), execute())
        assert value(bob, "select count(*) from pg_prepared_statements") == "0"
        assert "E[26000" in bob.ask("execute named")


# --- prepared statements


def typed(text: str, name: str, *types: int) -> bytes:
    """A Parse that says of what types its parameters are."""
    packed = struct.pack(f"!h{len(types)}I", len(types), *types)
    return message("P", name.encode() + b"\0" + text.encode() + b"\0" + packed)


def bound(value: bytes, name: str) -> bytes:
    """A Bind with one parameter as text."""
    return message("B", b"\0" + name.encode() + b"\0" + struct.pack("!hhi", 0, 1, len(value)) + value + bytes(2))


def test_a_prepared_statement_goes_with_its_client_and_its_types(one: Pooled) -> None:
    with one.session() as bob, one.session() as ann:
        text = "select pg_typeof($1)::text, $1::text"
        for name in ("named", ""):
            assert "E[" not in extended(ann, typed(text, name, INT4))
            assert value(bob, "select 1") == "1"
            assert "D(integer,41)" in extended(ann, bound(b"41", name), execute())
            assert value(bob, "select 1") == "1"
            assert "t T(" in extended(ann, describe("S", name))
            assert value(bob, "select 1") == "1"
            both = extended(ann, bound(b"41", name), execute(), bound(b"42", name), execute())
            assert "D(integer,41)" in both
            assert "D(integer,42)" in both


def test_a_statement_made_the_short_way_is_made_again_with_its_types(one: Pooled) -> None:
    with one.session() as bob, one.session() as ann:
        for name in ("short", ""):
            once = extended(ann, typed("select pg_typeof($1)::text", name, INT4), bound(b"1", name), execute())
            assert "D(integer)" in once
            assert value(bob, "select 1") == "1"
            assert "D(integer)" in extended(ann, bound(b"2", name), execute())


def test_a_name_that_is_taken_stays_taken_and_a_closed_one_is_free(one: Pooled) -> None:
    with one.session() as bob, one.session() as ann:
        assert "E[" not in extended(ann, parse("select 'old'", "named"))
        value(bob, "select 1")
        assert "E[42P05" in extended(ann, parse("select 'new'", "named"))
        value(bob, "select 1")
        assert "D(old)" in extended(ann, bind("named"), execute())
        value(bob, "select 1")
        closed = message("C", b"Snamed\0")
        assert "E[" not in extended(ann, closed, parse("select 'new'", "named"))
        value(bob, "select 1")
        assert "D(new)" in extended(ann, bind("named"), execute())
        value(bob, "select 1")
        assert "E[" not in extended(ann, closed)
        assert "E[26000" in extended(ann, bind("named"), execute())


def test_statements_are_made_again_in_the_middle_of_a_transaction_too(one: Pooled) -> None:
    with one.session() as bob, one.session() as ann:
        for name in ("a", "b"):
            assert "E[" not in extended(ann, parse(f"select '{name}'", name))
        value(bob, "select 1")
        ann.ask("begin")
        assert "D(a)" in extended(ann, bind("a"), execute())
        assert "D(b)" in extended(ann, bind("b"), execute())
        assert "COMMIT" in ann.ask("commit")


def test_a_statement_that_cannot_be_made_any_more_fails_where_it_is_used(one: Pooled) -> None:
    with one.session() as bob, one.session() as ann:
        ann.ask("create table if not exists goes (a int)")
    with one.session() as bob, one.session() as ann:
        assert "E[" not in extended(ann, parse("select a from goes", "named"))
        value(bob, "select 1")
        with one.direct() as boss:
            boss.ask("drop table goes")
        assert extended(ann, bind("named"), execute()).startswith("E[42P01")
        assert "D(1)" in extended(ann, parse("select 1"), bind(), execute())
        with one.direct() as boss:
            boss.ask(f"set role {ROLE}; create table goes (a int)")
        assert "E[" not in extended(ann, bind("named"), execute())


@pytest.mark.parametrize("how", ["execute named", "deallocate named", "deallocate all"])
def test_sql_that_names_a_statement_of_the_protocol_finds_it(one: Pooled, how: str) -> None:
    with one.session() as bob, one.session() as ann:
        assert "E[" not in extended(ann, parse("select 'mine'", "named"))
        value(bob, "select 1")
        assert "E[" not in ann.ask(how)


def test_a_portal_ends_with_its_transaction(one: Pooled) -> None:
    with one.session() as bob, one.session() as ann:
        ann.ask("begin")
        assert "s Z:T" in extended(ann, parse("select generate_series(1, 3)"), bind("", "p"), execute("p", 1))
        assert "D(2)" in extended(ann, execute("p", 1))
        ann.ask("commit")
        value(bob, "select 1")
        assert "E[34000" in extended(ann, execute("p", 1))


def test_a_copy_is_not_parted(one: Pooled) -> None:
    with one.session() as bob, one.session() as ann:
        ann.send(query("copy things from stdin"))
        assert ann.next()[0] == "G"
        found: list[str] = []
        waiting = threading.Thread(target=lambda: found.append(value(bob, "select count(*) from things where a = 5")))
        waiting.start()
        one.until(lambda: one.pools.standing()["main"].waiting == 1)
        ann.send(message("d", b"5\tx\n"), message("c"))
        assert "C:COPY 1" in show(ann.until_ready())
        waiting.join(MOST_SECONDS)
        assert found == ["1"]
        ann.ask("delete from things")


def test_an_unsynced_pipeline_is_not_parted(one: Pooled) -> None:
    with one.session() as bob, one.session() as ann:
        ann.send(parse("select 1"), bind(), execute(), message("H"))
        assert ann.next()[0] == "1"
        with rival(one, bob) as served:
            ann.send(parse("select 2"), message("H"))
        ann.send(SYNC)
        assert "C:SELECT 1 1 Z:I" in show(ann.until_ready())
        one.join()
        assert "D(served)" in served[0]


# --- settings that change at the target


def test_who_would_go_on_with_other_settings_of_its_role_ends_instead(one: Pooled) -> None:
    with one.session() as bob, one.session() as ann:
        assert value(bob, "show work_mem") == "4MB"
        assert value(ann, "show work_mem") == "4MB"
        with one.direct() as boss:
            boss.ask(f"alter role {ROLE} set work_mem = '9MB'")
        try:
            assert "E[57P01" in bob.ask("show work_mem")
            with one.session() as carl:
                assert value(carl, "show work_mem") == "9MB"
        finally:
            with one.direct() as boss:
                boss.ask(f"alter role {ROLE} reset work_mem")


# --- cancels


def asked(where: Pooled, number: int, end: bytes) -> bool:
    """Whether the last thing that a session asked about ends so."""
    questions = where.gateway.keeper.sessions[number].asked
    return bool(questions) and questions[-1].text.endswith(end)


def test_a_cancel_of_who_has_no_connection_stops_nobody(one: Pooled) -> None:
    with one.session() as bob, one.session() as ann:
        value(ann, "select 1")
        bob.send(query("select pg_sleep(0.3), 'whole'"))
        one.gateway.wait_for(lambda: asked(one, -2, b"'whole'"))
        cancel(one.port, ann.key)
        assert "whole" in show(bob.until_ready())
        first = backend(ann)
        cancel(one.port, ann.key)
        assert backend(bob) == first


def test_a_cancel_reaches_what_runs_wherever_it_runs_and_that_connection_is_nobodys_then(one: Pooled) -> None:
    with one.session() as bob, one.session() as ann, one.direct() as boss:
        for client in (ann, bob, ann):
            first = backend(client)
            client.send(query("select pg_sleep(20)"))
            wait_until_asleep(boss, first)
            cancel(one.port, client.key)
            assert "E[57014" in show(client.until_ready())
            assert backend(client) == first
            other = bob if client is ann else ann
            assert backend(other) != first


def test_cancels_in_a_race_with_the_end_of_what_they_are_for_stop_nobody_else(one: Pooled) -> None:
    stopped = 0
    with one.session() as bob, one.session() as ann:
        for _ in range(40):
            ann.send(query("select pg_sleep(0.002)"))
            racing = threading.Thread(target=cancel, args=(one.port, ann.key))
            racing.start()
            stopped += "57014" in show(ann.until_ready())
            assert value(bob, "select 'whole' from pg_sleep(0.005)") == "whole"
            racing.join(MOST_SECONDS)
            assert value(bob, "select 'whole' from pg_sleep(0.001)") == "whole"
    assert 0 <= stopped <= 40


# --- ends


def test_a_backend_that_is_ended_ends_who_has_it_alone(one: Pooled) -> None:
    with one.session() as bob, one.client() as ann, one.direct() as boss:
        first = backend(ann)
        boss.ask(f"select pg_terminate_backend({first}, 5000)")
        assert "57P01" in show([ann.next()])
        assert backend(bob) != first


def test_a_session_without_a_connection_can_be_killed_and_can_leave(one: Pooled) -> None:
    with one.client() as bob, one.session() as ann:
        value(ann, "select 1")
        one.gateway.keeper.sessions[-2].connection.end(Ending(Cause.KILLED, "somebody wants it to end"))
        assert "57P01" in show(bob.until_ready())
    with one.client() as bob, one.session() as ann:
        first = backend(ann)
        bob.send(GOODBYE)
        with pytest.raises(EOFError):
            bob.next()
        assert backend(ann) == first


def test_who_leaves_while_waiting_takes_nothing_along(one: Pooled) -> None:
    with one.client() as bob, one.session() as ann:
        ann.ask("begin")
        bob.send(query("select 1"))
        one.until(lambda: one.pools.standing()["main"].waiting == 1)
        gone = len(one.gateway.keeper.closed)
        bob.close()
        one.gateway.wait_for(lambda: len(one.gateway.keeper.closed) > gone)
        ann.ask("commit")
        assert one.pools.standing()["main"].waiting == 0
        with one.session() as carl:
            assert backend(carl) == backend(ann)


def test_who_dawdles_in_a_transaction_may_be_ended_and_frees_the_connection(one: Pooled) -> None:
    with one.session() as bob, one.client() as ann:
        first = backend(ann)
        ann.ask("begin")
        one.gateway.keeper.sessions[-1].connection.end(Ending(Cause.IDLE, "idle in a transaction"))
        assert "25P03" in show(ann.until_ready())
        assert backend(bob) != first


def test_a_superuser_keeps_their_connection(server: Server, password: str) -> None:
    boss = server.target
    pooling = Pooling(1, wait_seconds=IMPATIENT, by_transaction=True)
    with pooled(server, boss.password or "", pooling, boss.user) as made, made.session() as client:
        assert value(client, "select 1") == "1"
        with pytest.raises(ConnectionError, match="53300"):
            made.client()


def test_the_database_is_the_same_after_a_move(one: Pooled) -> None:
    with one.session() as bob, one.session() as ann:
        assert [value(client, "select current_database()") for client in (ann, bob, ann)] == [DATABASE] * 3
