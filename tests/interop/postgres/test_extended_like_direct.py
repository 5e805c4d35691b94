"""What clients see of the extended protocol through the gateway is what they see without it, message by message.

A denied text stands beside one that the server itself refuses: a denial has the shape of a syntax error, whatever the
transaction's state and wherever in a pipeline it comes.
"""

from __future__ import annotations

import re

import pytest

from tests.interop.postgres.client import Raw, show
from tests.interop.postgres.running import Gateway, Server
from tests.interop.postgres.test_simple_like_direct import SETUP
from tests.wire import FLUSH, SYNC, bind, close, describe, execute, message, parse, query

DENIED = "<denied>"
"""In its place: `/*deny*/ select 99` through the gateway, a syntax error without it."""


def add(number: int) -> str:
    return f"insert into t values({number},'n')"


def data(text: str) -> bytes:
    return message("d", text.encode())


DONE = message("c")
B, D, E = bind(), describe(), execute()

CASES: dict[str, list[list[bytes]]] = {
    "deny when idle": [[query(DENIED)], [query("select 1")]],
    "deny in a transaction": [
        [query("begin")],
        [query(add(9))],
        [query(DENIED)],
        [query("select 1")],
        [query("commit")],
    ],
    "deny in an aborted one": [[query("begin")], [query("select 1/0")], [query(DENIED)], [query("rollback")]],
    "deny extended": [[parse(DENIED), B, D, E, SYNC], [parse("select 1"), B, E, SYNC]],
    "deny behind a success": [[parse(add(9)), B, E, parse(DENIED), B, D, E, parse("select 2"), B, E, SYNC]],
    "deny, then an allowed Parse": [[parse(DENIED), parse("select 2"), B, E, SYNC]],
    "two pipelines at once": [[parse(DENIED), B, E, SYNC, parse("select 3"), B, E, SYNC]],
    "deny named in a transaction": [
        [parse("begin"), B, E, SYNC],
        [parse(add(9)), B, E, SYNC],
        [parse(DENIED, "n"), bind("n"), E, SYNC],
        [parse("commit"), B, E, SYNC],
    ],
    "deny named, then bind": [[parse(DENIED, "n"), SYNC], [bind("n"), E, SYNC]],
    "denied unnamed again": [[parse("select 5"), SYNC], [parse(DENIED), SYNC], [B, E, SYNC]],
    "query, then bind unnamed": [[query("select 7")], [B, E, SYNC]],
    "query in transaction, bind unnamed": [[query("begin")], [query("select 7")], [B, E, SYNC], [query("rollback")]],
    "query in transaction, execute": [[query("begin")], [query(add(9))], [E, SYNC], [query("rollback")]],
    "parse, query, bind": [[parse("select 5"), SYNC], [query("select 7")], [B, E, SYNC]],
    "parse, failing query, bind": [[parse("select 5"), SYNC], [query("select 1/0")], [B, E, SYNC]],
    "suspended portal": [
        [parse("begin"), B, E, SYNC],
        [parse("select a from t order by a"), B, execute("", 1), execute("", 1), execute("", 1), SYNC],
        [query("rollback")],
    ],
    "suspended over a query": [
        [parse("begin"), B, E, SYNC],
        [parse("select a from t order by a", "n"), bind("n", "c1"), execute("c1", 1), SYNC],
        [query("select 8")],
        [execute("c1", 1), close("P", "c1"), SYNC],
        [query("commit")],
    ],
    "close and describe": [
        [parse("select 1", "n"), describe("S", "n"), bind("n"), D, E, close("S", "n"), SYNC],
        [bind("n"), SYNC],
    ],
    "empty parse": [[parse(""), B, D, E, SYNC]],
    "sync only": [[SYNC], [SYNC, SYNC]],
    "no data": [[parse("insert into t values(11,'n')"), describe("S"), B, D, E, SYNC]],
    "flush": [[parse("select 1"), FLUSH, B, E, FLUSH, SYNC]],
    "a name parsed twice": [[parse("select 1", "n"), SYNC], [parse("select 2", "n"), SYNC], [bind("n"), E, SYNC]],
    "unknown names": [[bind("nope"), SYNC], [E, SYNC], [describe("S", "nope"), SYNC], [close("S", "nope"), SYNC]],
    "prepared by SQL, bound by protocol": [[query("prepare n2 as select 5")], [bind("n2"), E, SYNC]],
    "prepared by protocol, run by SQL": [
        [parse("select 6", "n3"), SYNC],
        [query("execute n3")],
        [query("deallocate n3")],
    ],
    "copy out": [[parse("copy t to stdout"), B, E, SYNC]],
    "copy in": [[parse("copy t from stdin"), B, E, data("5\tq\n"), DONE, SYNC]],
    "copy in with an ignored flush": [[parse("copy t from stdin"), B, E, FLUSH, data("5\tq\n"), FLUSH, DONE, SYNC]],
    "query copy in": [[query("copy t from stdin"), data("5\tq\n"), DONE], [query("select 1")]],
    "query copy in of bad data": [
        [query("copy t from stdin"), data("xx\tq\n"), data("6\tx\n"), DONE],
        [query("select 1")],
    ],
    "query copy fails": [[query("copy t from stdin"), data("5\tq\n"), message("f", b"no\0")], [query("select 1")]],
    "query copy of nothing": [[query("copy nope from stdin")], [query("select 1")]],
    "copy inside a batch": [
        [query(add(8) + "; copy t from stdin; select count(*) from t"), data("5\tq\n"), DONE],
        [query("select 1")],
    ],
    "two copies": [
        [
            query("copy t from stdin; copy t from stdin; select count(*) from t"),
            *(data("5\tq\n"), DONE, data("6\tq\n"), DONE),
        ],
        [query("select 1")],
    ],
    "copy, then an error": [[query("copy t from stdin; select 1/0"), data("5\tq\n"), DONE], [query("select 1")]],
    "bad copy in a batch": [[query("copy t from stdin; select 1"), data("x\tq\n"), DONE], [query("select 1")]],
    "copy, then sync": [[query("copy t from stdin"), data("5\tq\n"), DONE], [SYNC]],
}

_DENIED_SHOWN = re.compile(r"E\[42501 denied by marker\]")
_REFUSED_SHOWN = re.compile(r'E\[42601 syntax error at or near "\)" @1\]')


def played(client: Raw, server: Server, steps: list[list[bytes]], stands_in: bytes) -> list[str]:
    with client:
        client.ask(SETUP)
        shown: list[str] = []
        for step in steps:
            replaced = [_put(one, stands_in) for one in step]
            client.send(*replaced)
            times = sum(one[:1] in (b"S", b"Q") for one in step)
            shown.append(show(client.until_ready(times)))
    with Raw(server.cluster.port) as witness:
        shown.append(witness.ask("select string_agg(a || b, ',' order by a) from z.t"))
    return shown


def _put(one: bytes, stands_in: bytes) -> bytes:
    if DENIED.encode() not in one:
        return one
    return message(chr(one[0]), one[5:].replace(DENIED.encode(), stands_in))


@pytest.mark.parametrize("name", CASES)
def test_the_extended_protocol_looks_the_same_through_the_gateway(name: str, server: Server, gateway: Gateway) -> None:
    steps = CASES[name]
    directly = played(Raw(server.cluster.port), server, steps, b")x")
    through = played(Raw(gateway.port, "ann", "main/postgres", gateway.password), server, steps, b"/*deny*/ select 99")
    alike = [_DENIED_SHOWN.sub("E[no]", one) for one in through]
    expected = [_REFUSED_SHOWN.sub("E[no]", one) for one in directly]
    assert alike == expected
