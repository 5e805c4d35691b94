"""What the client writes is what the service reads."""

from __future__ import annotations

import pytest

from engine.command.tree import ParsedCommand
from engine.decision import Decision
from engine.request import Principal, Resource, Session
from gateway.rpc.codec import asking
from gateway.rpc.codec.answers import AnswerWriter, Particulars, Shown, join_answers
from gateway.rpc.codec.asking import Query
from gateway.rpc.codec.questions import Asked, Detail, Names, Raw, read_batch, read_parse, read_question, read_watch
from tests.rpc_stand_ins import tree

RAW = Raw("postgres", b"SELECT \xff", ("7", None), Names(("public",), {"public.orders": ("id",), "public.empty": ()}))
QUERY = Query(
    Resource("orders", "postgres", "shop", "app", {"environment": "prod"}),
    Principal("ana", "agent", ("readers",), {"level": 3, "tags": ["a", None]}),
    Session("s-1", "build-42", "psql", "10.0.0.1", {"transaction": "open"}),
    {"hour": 11},
    "q-1",
    "r1",
    Detail.TRACE,
    True,
)


@pytest.mark.parametrize("query", [QUERY, Query(Resource("orders", "postgres"))], ids=["full", "bare"])
def test_a_question_is_read_as_it_was_asked(query: Query) -> None:
    asked = read_question(asking.write_question(RAW, query))
    assert asked == Asked(
        RAW,
        query.resource,
        query.principal,
        query.session,
        query.context,
        query.request_id,
        query.min_revision,
        query.detail,
        query.dry_run,
        asked.input_digest,
        asked.question_digest,
    )


def test_a_tree_is_read_as_it_was_built() -> None:
    asked = read_question(asking.write_question(tree("SELECT 1"), QUERY))
    assert isinstance(asked.what, ParsedCommand)
    assert asked.what.command == tree("SELECT 1")


def test_a_batch_is_read_as_it_was_asked() -> None:
    batch = read_batch(asking.write_batch([RAW, tree("SELECT 1")], QUERY))
    assert (batch.request_id, batch.min_revision) == ("q-1", "r1")
    first, second = batch.items
    assert isinstance(first, Asked)
    assert isinstance(second, Asked)
    assert (first.what, first.resource, first.principal, first.session) == (
        RAW,
        QUERY.resource,
        QUERY.principal,
        QUERY.session,
    )
    assert isinstance(second.what, ParsedCommand)


def test_the_small_messages_come_through() -> None:
    assert read_parse(asking.write_parse(RAW)) == RAW
    read_watch(asking.write_watch())
    assert asking.read_revision(asking.write_revision("r7")) == "r7"
    assert asking.read_parsed(asking.write_parsed(tree("SELECT 1"))) == tree("SELECT 1")


def test_the_answers_of_a_batch_come_in_order() -> None:
    writer, shown = AnswerWriter(), Shown(reasons=True, details=True)
    data = join_answers([writer.write(Decision(revision=each), Particulars(each), shown) for each in ("r1", "r2")])
    assert [decision.revision for decision, _ in asking.read_batch_answers(data)] == ["r1", "r2"]
