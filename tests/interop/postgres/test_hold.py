"""Holds over a real wire: released, refused, cancelled, abandoned; and nothing of them upstream before."""

from __future__ import annotations

import socket
import struct

from tests.interop.postgres.client import Raw, show
from tests.interop.postgres.running import Gateway, Server
from tests.wire import SYNC, bind, execute, packet, parse, query


def test_a_released_command_runs_in_the_same_session(gateway: Gateway, through: Raw) -> None:
    through.send(query("/*hold*/ select 41 + 1"))
    gateway.decide_holds(granted=True)
    shown = show(through.until_ready())
    assert shown.startswith("N[00000 held for approval, ticket T")
    assert shown.endswith("T(?column?:23/0) D(42) C:SELECT 1 Z:I")


def test_a_refused_command_is_denied_and_the_session_goes_on(gateway: Gateway, through: Raw) -> None:
    through.send(query("/*hold*/ select 1"))
    gateway.decide_holds(granted=False)
    assert show(through.until_ready()).endswith("E[42501 somebody said no] Z:I")
    assert through.ask("select 2").endswith("D(2) C:SELECT 1 Z:I")


def test_inside_a_transaction_a_hold_is_a_denial_and_the_transaction_is_aborted(gateway: Gateway, through: Raw) -> None:
    through.ask("begin")
    assert "E[42501" in through.ask("/*hold*/ select 1")
    assert "25P02" in through.ask("select 1")
    assert through.ask("rollback") == "C:ROLLBACK Z:I"
    gateway.call(lambda: gateway.keeper.decide_holds(False))


def test_nothing_of_a_pipeline_is_upstream_while_a_command_in_it_waits(
    gateway: Gateway, through: Raw, direct: Raw
) -> None:
    direct.ask("create table if not exists held (a int); truncate held")
    through.send(
        *(parse("insert into held values (1)"), bind(), execute(), parse("/*hold*/ select 6"), bind(), execute(), SYNC)
    )
    gateway.wait_for(lambda: bool(gateway.keeper.waiting))
    assert "D(0)" in direct.ask(
        "select count(*) from pg_locks where relation = 'held'::regclass and pid <> pg_backend_pid()"
    )
    gateway.decide_holds(granted=False)
    assert show(through.until_ready()).endswith("E[42501 somebody said no] Z:I")
    assert "D(0)" in direct.ask("select count(*) from held")


def test_a_cancel_ends_the_wait(gateway: Gateway, through: Raw) -> None:
    through.send(query("/*hold*/ select 1"))
    gateway.wait_for(lambda: bool(gateway.keeper.waiting))
    with socket.create_connection(("127.0.0.1", gateway.port), 20) as canceller:
        canceller.sendall(packet(struct.pack("!I", 80877102) + through.key))
        assert canceller.recv(1) == b""
    assert show(through.until_ready()).endswith("E[57014 canceling statement due to user request] Z:I")
    assert gateway.call(lambda: len(gateway.keeper.sessions[-1].withdrawn)) == 1
    gateway.call(lambda: gateway.keeper.decide_holds(False))


def test_a_client_that_leaves_withdraws_its_ticket(gateway: Gateway) -> None:
    client = Raw(gateway.port, "ann", "main/postgres", gateway.password)
    client.send(query("/*hold*/ select 1"))
    gateway.wait_for(lambda: bool(gateway.keeper.waiting))
    client.close()
    gateway.wait_for(lambda: bool(gateway.keeper.sessions[-1].withdrawn))
    gateway.call(lambda: gateway.keeper.decide_holds(False))


def test_a_cancel_of_what_runs_reaches_the_server(gateway: Gateway, through: Raw) -> None:
    through.ask("select 1")
    through.send(query("select pg_sleep(20)"))
    with socket.create_connection(("127.0.0.1", gateway.port), 20) as canceller:
        canceller.sendall(packet(struct.pack("!I", 80877102) + through.key))
        assert canceller.recv(1) == b""
    assert "57014" in show(through.until_ready())


def test_a_server_process_that_ends_during_a_hold_ends_the_session(
    gateway: Gateway, server: Server, direct: Raw
) -> None:
    client = Raw(gateway.port, "ann", "main/postgres", gateway.password)
    pid = client.ask("select pg_backend_pid()").partition("D(")[2].partition(")")[0]
    client.send(query("/*hold*/ select 1"))
    gateway.wait_for(lambda: bool(gateway.keeper.waiting))
    direct.ask(f"select pg_terminate_backend({pid})")
    assert show(client.until_ready()).endswith("EOF")
    client.close()
    gateway.call(lambda: gateway.keeper.decide_holds(False))
