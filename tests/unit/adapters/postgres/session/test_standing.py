from __future__ import annotations

from adapters.postgres.messages import results
from adapters.postgres.session.standing import Standing, encode_probe
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
