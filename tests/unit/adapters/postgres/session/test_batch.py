"""Several statements in one simple query: wrapped, taken over, rolled back, waited for."""

from __future__ import annotations

import pytest

from adapters.core import effects as do
from adapters.core.events import Side
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
    deny,
    described,
    error,
    errors,
    fields,
    kinds,
    mask,
    message,
    parse,
    query,
    ready,
    row,
    split,
    tag,
    tree,
)

BEGUN = PARSED + BOUND + tag("BEGIN")
COMMITTED = PARSED + BOUND + tag("COMMIT")


def texts(sent: bytes) -> list[str]:
    """The texts of the Parse messages in a stream."""
    return [body.split(b"\0")[1].decode() for kind, body in split(sent) if kind == "P"]


def asked(text: str) -> SignedIn:
    return SignedIn().client(query(text)).learn()


def ran(text: str) -> bytes:
    """What the server says when a command without rows is done."""
    return PARSED + BOUND + NO_DATA + tag(text)


def in_transaction() -> SignedIn:
    play = asked("begin").answer(allow())
    play.upstream(ran("BEGIN") + ready("T"))
    play.wishes.clear()
    return play


def test_pieces_go_up_inside_a_transaction_of_ours_with_one_sync() -> None:
    play = asked("insert into t values (1); select 2").answer(allow())
    sent = play.sent(Side.UPSTREAM)
    assert texts(sent) == ["BEGIN", "insert into t values (1)", "select 2", "COMMIT"]
    assert kinds(sent).count("S") == 1
    play.upstream(BEGUN + ran("INSERT 0 1") + PARSED + BOUND + described("a") + row("2") + tag("SELECT 1"))
    play.upstream(COMMITTED + ready())
    assert kinds(play.sent(Side.CLIENT)) == "CTDCZ"
    assert play.take(do.Record).outcome.rows == 2


def test_one_question_is_asked_about_the_whole_text() -> None:
    play = asked("select 1; drop table t")
    assert play.take(do.Ask).question.text == b"select 1; drop table t"


def test_a_denied_text_sends_no_piece() -> None:
    play = asked("select 1; drop table t").answer(deny())
    assert play.sent(Side.UPSTREAM) == POISON + SYNC


def test_inside_the_clients_transaction_nothing_is_wrapped() -> None:
    play = in_transaction()
    play.client(query("select 1; select 2")).answer(allow())
    assert texts(play.sent(Side.UPSTREAM)) == ["select 1", "select 2"]


def test_the_clients_begin_takes_ours_over_without_its_warning() -> None:
    play = asked("select 1; begin; select 2").answer(allow())
    assert texts(play.sent(Side.UPSTREAM)) == ["BEGIN", "select 1", "begin", "select 2"]
    warning = fields("N", S="WARNING", V="WARNING", C="25001", M="there is already a transaction in progress")
    play.upstream(
        BEGUN + ran("SELECT 1") + PARSED + BOUND + NO_DATA + warning + tag("BEGIN") + ran("SELECT 1") + ready("T")
    )
    assert kinds(play.sent(Side.CLIENT)) == "CCCZ"


def test_the_clients_commit_ends_ours_with_the_servers_warning_and_the_rest_is_wrapped_again() -> None:
    play = asked("select 1; commit; select 2").answer(allow())
    assert texts(play.sent(Side.UPSTREAM)) == ["BEGIN", "select 1", "commit", "BEGIN", "select 2", "COMMIT"]
    play.upstream(BEGUN + ran("SELECT 1") + ran("COMMIT") + BEGUN + ran("SELECT 1") + COMMITTED + ready())
    sent = play.sent(Side.CLIENT)
    assert kinds(sent) == "CNCCZ"
    assert b"C25P01\0" in sent


@pytest.mark.parametrize(
    ("piece", "words"),
    [
        ("savepoint s", "SAVEPOINT"),
        ("release s", "RELEASE SAVEPOINT"),
        ("rollback to s", "ROLLBACK TO SAVEPOINT"),
        ("commit and chain", "COMMIT AND CHAIN"),
    ],
)
def test_what_needs_a_transaction_of_the_clients_own_fails_as_it_would(piece: str, words: str) -> None:
    play = asked(f"select 1; {piece}; select 2").answer(allow())
    play.sent(Side.UPSTREAM)
    play.upstream(BEGUN + ran("SELECT 1") + error("42601", 'syntax error at or near ")"') + ready("E"))
    shown = errors(play.sent(Side.CLIENT))[0]
    assert (shown["C"], shown["M"]) == ("25P01", f"{words} can only be used in transaction blocks")


def test_an_error_inside_our_block_is_rolled_back_before_the_client_is_told_that_it_is_ready() -> None:
    play = asked("insert into t values (1); select nope").answer(allow())
    play.sent(Side.UPSTREAM)
    play.upstream(BEGUN + ran("INSERT 0 1") + error("42703", P="8") + ready("E"))
    assert texts(play.sent(Side.UPSTREAM)) == ["ROLLBACK"]
    sent = play.sent(Side.CLIENT)
    assert kinds(sent) == "CE"
    assert errors(sent)[0]["P"] == str(8 + len("insert into t values (1); "))
    play.upstream(ran("ROLLBACK").replace(NO_DATA, b"") + ready("I"))
    assert play.sent(Side.CLIENT) == ready("I")
    assert play.take(do.Record).outcome.error == "42703"


def test_positions_are_counted_in_characters() -> None:
    play = asked("select 'ééé'; select nope").answer(allow())
    play.upstream(BEGUN + ran("SELECT 1") + error("42703", P="9") + ready("E"))
    assert errors(play.sent(Side.CLIENT))[0]["P"] == str(9 + len("select 'ééé'; "))


def test_an_error_after_the_clients_own_commit_rolls_nothing_of_theirs_back() -> None:
    play = asked("begin; insert into t values (1); commit; select 1/0").answer(allow())
    assert texts(play.sent(Side.UPSTREAM)) == [
        "BEGIN",
        "begin",
        "insert into t values (1)",
        "commit",
        "BEGIN",
        "select 1/0",
        "COMMIT",
    ]


def test_a_copy_in_the_middle_is_waited_for() -> None:
    play = asked("insert into t values (8); copy t from stdin; select 1").answer(allow())
    sent = play.sent(Side.UPSTREAM)
    assert texts(sent) == ["BEGIN", "insert into t values (8)", "copy t from stdin"]
    assert kinds(sent).endswith("H")
    play.upstream(BEGUN + ran("INSERT 0 1") + PARSED + BOUND + NO_DATA + message("G", b"\0\0\0"))
    play.client(message("d", b"5\n") + message("c"))
    sent = play.sent(Side.UPSTREAM)
    assert kinds(sent)[:2] == "dc"
    assert texts(sent) == ["select 1", "COMMIT"]


def test_a_copy_that_fails_ends_the_batch() -> None:
    play = asked("copy t from stdin; select 1").answer(allow())
    play.sent(Side.UPSTREAM)
    play.upstream(BEGUN + PARSED + BOUND + NO_DATA + error("42P01"))
    assert play.sent(Side.UPSTREAM) == SYNC
    play.upstream(ready("E"))
    assert texts(play.sent(Side.UPSTREAM)) == ["ROLLBACK"]


def test_behind_something_opaque_the_lexer_is_looked_at_before_the_next_piece() -> None:
    opaque = allow(command=tree("do", CommandEffect.EXECUTE, features=("opaque_code",)))
    play = asked("do $$ begin end $$; select 'x\\'").answer(opaque)
    sent = play.sent(Side.UPSTREAM)
    assert texts(sent)[:2] == ["BEGIN", "do $$ begin end $$"]
    assert OWN in sent
    play.upstream(BEGUN + ran("DO") + PARSED + BOUND + row("off", "UTF8") + tag("SELECT 1") + CLOSED + CLOSED)
    play.take(do.Close)
    assert "select 'x" not in "".join(texts(play.sent(Side.UPSTREAM)))
    play = asked("do $$ begin end $$; select 2").answer(opaque)
    play.sent(Side.UPSTREAM)
    play.upstream(BEGUN + ran("DO") + PARSED + BOUND + row("on", "UTF8") + tag("SELECT 1") + CLOSED + CLOSED)
    assert texts(play.sent(Side.UPSTREAM)) == ["select 2", "COMMIT"]


def test_masks_over_several_statements_are_refused() -> None:
    play = asked("select c from t; select 1").answer(mask())
    assert play.sent(Side.UPSTREAM) == POISON + SYNC


def test_a_row_limit_holds_for_each_statement() -> None:
    play = asked("select 1; select 2").answer(allow(Obligation("rows", 5, "p/R")))
    limits = [body[-4:] for kind, body in split(play.sent(Side.UPSTREAM)) if kind == "E"]
    assert limits == [bytes(4), b"\0\0\0\5", b"\0\0\0\5", bytes(4)]


def test_settings_are_put_in_force_inside_our_transaction() -> None:
    play = asked("select 1; select 2").answer(allow(Obligation("read_only", True, "p/R")))
    assert texts(play.sent(Side.UPSTREAM))[:3] == ["BEGIN", "SET TRANSACTION READ ONLY", "select 1"]


def test_settings_cannot_be_escaped_by_ending_the_transaction() -> None:
    play = asked("commit; insert into t values (1)").answer(allow(Obligation("read_only", True, "p/R")))
    assert play.sent(Side.UPSTREAM) == POISON + SYNC


def test_of_a_text_the_parser_cannot_follow_the_server_says_what_is_wrong_and_nothing_runs() -> None:
    play = asked("select 1; selec 2").answer(allow())
    assert play.sent(Side.UPSTREAM) == parse("select 1; selec 2") + SYNC
    play.upstream(error("42601", 'syntax error at or near "selec"') + ready())
    assert errors(play.sent(Side.CLIENT))[0]["M"] == 'syntax error at or near "selec"'


def test_a_text_the_parser_cannot_follow_does_not_run_even_if_the_server_follows_it() -> None:
    play = asked("select 1; selec 2").answer(allow())
    play.sent(Side.UPSTREAM)
    play.upstream(PARSED + ready())
    assert errors(play.sent(Side.CLIENT))[0]["C"] == "0A000"
    assert play.sent(Side.UPSTREAM) == b""


def test_one_statement_and_its_semicolons_are_no_batch() -> None:
    play = asked("select 1; ;").answer(allow())
    assert play.sent(Side.UPSTREAM).startswith(parse("select 1; ;"))


def test_a_batch_waits_for_what_runs_before_it() -> None:
    play = asked("select 1").answer(allow())
    play.sent(Side.UPSTREAM)
    play.client(query("select 2; select 3")).answer(allow())
    assert play.sent(Side.UPSTREAM) == b""
    play.upstream(ran("SELECT 1") + ready())
    assert texts(play.sent(Side.UPSTREAM)) == ["BEGIN", "select 2", "select 3", "COMMIT"]


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("select 1; select 2", ["BEGIN", "DISCARD PLANS", "select 1", "select 2", "COMMIT"]),
        ("rollback; execute n", ["BEGIN", "rollback", "BEGIN", "DISCARD PLANS", "execute n", "COMMIT"]),
    ],
)
def test_plans_are_forgotten_before_the_first_statement_that_may_need_one(text: str, sent: list[str]) -> None:
    names = Known()
    play = SignedIn(meanings=names).client(parse("select a from t", "n") + SYNC).learn().answer(allow())
    play.upstream(PARSED + ready()).sent(Side.UPSTREAM)
    names.version = "second"
    play.client(query(text)).stand().answer(allow())
    assert texts(play.sent(Side.UPSTREAM)) == sent
