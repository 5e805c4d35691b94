from __future__ import annotations

import time

import pytest

from adapters.postgres.messages import results
from adapters.postgres.session.standing import Standing, comes_first, encode_probe
from tests.wire import kinds, split


def test_the_question_leaves_the_clients_unnamed_statement_alone() -> None:
    sent = encode_probe(b"own")
    assert kinds(sent) == "PBECCS"
    assert all(b"own\0" in body for kind, body in split(sent) if kind != "S")


def test_what_is_learned_outside_a_transaction_holds_everywhere() -> None:
    standing = Standing()
    assert not standing.is_of_transaction
    standing.learn(("[]", "app", "app"), ("public",), results.IDLE)
    assert not standing.is_of_transaction
    assert standing.is_known(results.IDLE)
    assert standing.is_known(results.IN_TRANSACTION)


def test_what_is_learned_inside_a_transaction_ends_with_it() -> None:
    standing = Standing()
    standing.learn(("[]", "app", "app"), ("public",), results.IN_TRANSACTION)
    assert standing.is_known(results.IN_TRANSACTION)
    assert not standing.is_known(results.IDLE)
    assert standing.is_of_transaction
    standing.forget()
    assert not standing.is_of_transaction


def test_policies_read_only_what_is_known() -> None:
    standing = Standing()
    assert standing.state(results.IDLE) == {"transaction": "idle"}
    standing.learn(("[]", "app", "login"), ("pg_catalog", "public"), results.IDLE)
    assert standing.state(results.IN_TRANSACTION) == {
        "transaction": "open",
        "search_path": ["pg_catalog", "public"],
        "role": "app",
    }
    standing.forget()
    assert standing.state(results.FAILED) == {"transaction": "failed"}
    assert not standing.is_known(results.IDLE)


@pytest.mark.parametrize(
    "text",
    [
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "set transaction read only, isolation level repeatable  read, not deferrable;",
        " set local transaction read write isolation level read committed ; ",
        "SET TRANSACTION SNAPSHOT '00000003-0000001B-1'",
        "set transaction_isolation = 'repeatable read'",
        "SET LOCAL transaction_read_only TO on",
        "set transaction_deferrable=off",
    ],
)
def test_what_comes_before_any_query_is_known_by_its_words(text: str) -> None:
    assert comes_first(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "set transaction read only; select 1",
        "set transaction read only;;",
        "set transaction",
        "set transactional read only",
        "set search_path = a",
        "set session characteristics as transaction read only",
        "set transaction snapshot 'x'; drop table t --'",
        "set transaction_isolation = f(x)",
        "set transaction_read_only = a.b",
        "set /* */ transaction read only",
        "select 1",
        "",
    ],
)
def test_whatever_may_hold_a_name_is_not(text: str) -> None:
    assert not comes_first(text.encode())


def test_long_and_odd_texts_are_looked_at_quickly() -> None:
    begin = time.process_time()
    for odd in (" ", "set ", "set transaction ", "read only ", "read only , ", "set transaction_isolation = a"):
        for tail in ("", "x", "'"):
            assert not comes_first(("set transaction " + odd * 1000 + tail).encode())
            assert not comes_first(("set transaction " + odd * 20 + tail + "!").encode()[:256])
    assert time.process_time() - begin < 1
