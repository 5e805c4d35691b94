"""Obligations: enforced by the server, or a denial."""

from __future__ import annotations

import pytest

from adapters.core import effects as do
from adapters.core.events import Side
from adapters.postgres.session.limits import NO_LIMITS, Limits, limits_of
from engine.command.tree import Effect as CommandEffect
from engine.decision import Obligation
from tests.wire import (
    BOUND,
    CLOSED,
    NO_DATA,
    OWN,
    PARSED,
    POISON,
    SYNC,
    Known,
    SignedIn,
    allow,
    bind,
    described,
    error,
    errors,
    execute,
    kinds,
    message,
    parse,
    query,
    ready,
    row,
    split,
    tag,
    tree,
)

OWN_DONE = PARSED + BOUND + tag("SET") + CLOSED + CLOSED


def obliged(kind: str, value: object) -> Obligation:
    return Obligation(kind, value, "p/L")  # type: ignore[arg-type]  # any value, wrong ones too


def test_without_obligations_nothing_is_limited() -> None:
    assert limits_of(allow()) is NO_LIMITS


def test_each_known_obligation_has_its_means() -> None:
    found = limits_of(allow(obliged("rows", 10), obliged("read_only", True), obliged("statement_timeout", 500)))
    assert isinstance(found, Limits)
    assert found.rows == 10
    assert found.settings[0] == b"SET TRANSACTION READ ONLY"
    assert b"'500ms'" in found.settings[1]
    assert len(found.steps) == kinds(found.encode_texts(b"own")).count("") - 1 == 10


def test_notify_is_the_gates_own_affair() -> None:
    assert limits_of(allow(obliged("notify", ["dba"]))) == NO_LIMITS


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(("rows", 0), ("rows", -1), ("rows", "many"), ("read_only", False), ("read_only", "yes")),
        *(("statement_timeout", 0), ("statement_timeout", "5s"), ("lock_timeout", 2**31), ("record", [])),
        *(("record", ["everything"]), ("record", ["results", "x"]), ("record", "results")),
        *(("rewrite_secret", True), ("colour", "blue")),
    ],
)
def test_what_cannot_be_enforced_is_a_denial(kind: str, value: object) -> None:
    assert limits_of(allow(obliged(kind, value))) == kind
    play = SignedIn().client(query("select 1")).learn().answer(allow(obliged(kind, value)))
    assert play.sent(Side.UPSTREAM) == POISON + SYNC
    assert play.take(do.Record).outcome.error == "42501"


def test_settings_go_before_the_command_under_a_name_of_our_own() -> None:
    play = SignedIn().client(query("select 1")).learn().answer(allow(obliged("read_only", True)))
    sent = split(play.sent(Side.UPSTREAM))
    assert "".join(kind for kind, _ in sent) == "PBECC" + "PBDE" + "S"
    assert sent[0][1] == OWN + b"\0SET TRANSACTION READ ONLY\0\0\0"
    play.upstream(OWN_DONE + PARSED + BOUND + NO_DATA + tag("SELECT 1") + ready())
    assert kinds(play.sent(Side.CLIENT)) == "CZ"


def test_settings_go_before_a_bind_too() -> None:
    data = parse("select 1") + bind() + execute() + SYNC
    play = SignedIn().client(data).learn().answer(allow(obliged("lock_timeout", 100)))
    assert kinds(play.sent(Side.UPSTREAM)) == "P" + "PBECC" + "BES"
    play.upstream(PARSED + OWN_DONE + BOUND + tag("SELECT 1") + ready())
    assert kinds(play.sent(Side.CLIENT)) == "12CZ"


def with_a_statement() -> SignedIn:
    """A session with a prepared statement, of which names have changed since."""
    names = Known()
    play = SignedIn(meanings=names).client(parse("select a from t", "n") + SYNC).learn().answer(allow())
    play.upstream(PARSED + ready())
    play.wishes.clear()
    names.version = "second"
    return play


RUN = bind("n") + execute() + SYNC
ANEW = "PBECC"


def test_what_was_prepared_is_planned_anew_once_names_have_changed() -> None:
    play = with_a_statement().client(RUN).stand()
    play.answer(allow())
    sent = split(play.sent(Side.UPSTREAM))
    assert "".join(kind for kind, _ in sent) == ANEW + "BES"
    assert sent[0][1] == OWN + b"\0DISCARD PLANS\0\0\0"
    play.upstream(OWN_DONE + BOUND + tag("SELECT 1") + ready())
    assert kinds(play.sent(Side.CLIENT)) == "2CZ"
    play.client(RUN).answer(allow())
    assert play.sent(Side.UPSTREAM) == RUN


def test_plans_that_the_server_did_not_forget_are_forgotten_before_the_next_use() -> None:
    play = with_a_statement().client(RUN).stand()
    play.answer(allow()).upstream(error("57014") + ready())
    assert kinds(play.sent(Side.CLIENT)) == "EZ"
    play.sent(Side.UPSTREAM)
    play.client(RUN).answer(allow())
    assert kinds(play.sent(Side.UPSTREAM)) == ANEW + "BES"


def test_they_are_forgotten_before_a_simple_query_too() -> None:
    play = with_a_statement().client(query("select 1")).stand()
    play.answer(allow())
    assert kinds(play.sent(Side.UPSTREAM)) == ANEW + "PBDES"


@pytest.mark.parametrize("kind", ["begin", "rollback", "set"])
def test_what_reads_no_names_leaves_plans_alone(kind: str) -> None:
    play = with_a_statement().client(query(kind)).stand()
    play.answer(allow(command=tree(kind, CommandEffect.SESSION)))
    assert kinds(play.sent(Side.UPSTREAM)) == "PBDES"


def test_without_prepared_statements_there_are_no_plans_to_forget() -> None:
    names = Known()
    play = SignedIn(meanings=names).client(query("select 1")).learn().answer(allow())
    play.upstream(PARSED + BOUND + NO_DATA + tag("SELECT 1") + ready()).sent(Side.UPSTREAM)
    names.version = "second"
    play.client(query("select 2")).stand().answer(allow())
    assert kinds(play.sent(Side.UPSTREAM)) == "PBDES"


def test_a_row_limit_ends_the_result_with_a_tag_and_a_notice() -> None:
    play = SignedIn().client(query("select a from t")).learn().answer(allow(obliged("rows", 1)))
    assert split(play.sent(Side.UPSTREAM))[3][1] == b"\0\0\0\0\1"
    play.upstream(PARSED + BOUND + described("a") + row("1") + message("s") + ready())
    sent = play.sent(Side.CLIENT)
    assert kinds(sent) == "TDNCZ"
    assert b"SELECT 1\0" in sent
    assert play.take(do.Record).outcome.rows == 1


def test_a_portal_cannot_be_asked_for_more_than_the_limit() -> None:
    data = parse("select a from t") + bind() + execute(limit=2) + execute() + execute() + SYNC
    play = SignedIn().client(data).learn().answer(allow(obliged("rows", 3)))
    limits = [body for kind, body in split(play.sent(Side.UPSTREAM)) if kind == "E"]
    assert limits == [b"\0\0\0\0\2", b"\0\0\0\0\1", OWN + b"\0\0\0\0\0"]


def test_a_row_limit_does_not_hold_for_copy_and_so_denies_it() -> None:
    copies = tree("copy_to", CommandEffect.READ)
    play = SignedIn().client(query("copy t to stdout")).learn().answer(allow(obliged("rows", 3), command=copies))
    assert play.sent(Side.UPSTREAM) == POISON + SYNC
    play.upstream(message("E", b"C42601\0\0") + ready())
    assert "rows" in errors(play.sent(Side.CLIENT))[0]["M"]
