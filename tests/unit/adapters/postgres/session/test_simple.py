"""Simple queries: what goes up, what the client sees of it."""

from __future__ import annotations

import pytest

from adapters.core import effects as do
from adapters.core.events import Side
from engine.command.tree import Output
from tests.wire import (
    BOUND,
    NO_DATA,
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
)


def begun(text: str) -> SignedIn:
    """A session in which a text was just asked about."""
    play = SignedIn()
    play.client(query(text)).learn()
    return play


def test_an_allowed_query_goes_up_as_one_parsed_statement() -> None:
    play = begun("select 1")
    assert play.sent(Side.UPSTREAM) == b""
    play.answer(allow())
    sent = play.sent(Side.UPSTREAM)
    assert kinds(sent) == "PBDES"
    assert sent.startswith(parse("select 1"))


def test_the_client_sees_what_a_simple_query_gives() -> None:
    play = begun("select 1").answer(allow())
    result = described("a") + row("1") + tag("SELECT 1") + ready()
    play.upstream(PARSED + BOUND + result)
    assert play.sent(Side.CLIENT) == result
    assert play.take(do.Record).outcome.rows == 1


def test_no_data_is_no_part_of_a_simple_query() -> None:
    play = begun("insert into t values (1)").answer(allow())
    play.upstream(PARSED + BOUND + NO_DATA + tag("INSERT 0 1") + ready())
    assert kinds(play.sent(Side.CLIENT)) == "CZ"


def test_the_tag_waits_for_the_commit() -> None:
    play = begun("insert into d values (77)").answer(allow())
    play.upstream(PARSED + BOUND + NO_DATA + tag("INSERT 0 1"))
    assert play.sent(Side.CLIENT) == b""
    play.upstream(error("23503") + ready())
    assert kinds(play.sent(Side.CLIENT)) == "EZ"


def test_a_denied_query_is_poisoned_and_its_error_is_the_denial() -> None:
    play = begun("drop table t").answer(deny("not here"))
    assert play.sent(Side.UPSTREAM) == POISON + SYNC
    play.upstream(error("42601", 'syntax error at or near ")"') + ready())
    sent = play.sent(Side.CLIENT)
    assert kinds(sent) == "EZ"
    shown = errors(sent)[0]
    assert (shown["C"], shown["M"], shown["D"]) == ("42501", "not here", "rule p/R")
    assert "ask" in shown["H"]


def test_another_error_than_the_provoked_one_stays() -> None:
    play = begun("drop table t").answer(deny())
    play.upstream(error("57P01", "terminating connection") + ready())
    assert errors(play.sent(Side.CLIENT))[0]["C"] == "57P01"


def test_a_server_that_accepts_the_poison_is_not_believed() -> None:
    play = begun("drop table t").answer(deny())
    play.upstream(PARSED)
    play.take(do.Close)


def test_several_statements_are_never_sent_as_one() -> None:
    play = SignedIn()
    play.client(query("select 1; drop table t"))
    assert b"drop table" not in play.sent(Side.UPSTREAM)


@pytest.mark.parametrize("text", ["copy t from stdin", "COPY t FROM STDIN", "/* copy */ select 1"])
def test_no_sync_goes_up_before_a_copy_is_over(text: str) -> None:
    play = begun(text).answer(allow())
    assert kinds(play.sent(Side.UPSTREAM)) == "PBDEH"
    play.upstream(PARSED + BOUND + NO_DATA + message("G", b"\0\0\0"))
    play.client(message("d", b"1\n") + message("d", b"2\n") + SYNC + message("H"))
    assert kinds(play.sent(Side.UPSTREAM)) == "dd"
    play.client(message("c"))
    assert kinds(play.sent(Side.UPSTREAM)) == "cS"
    play.upstream(tag("COPY 2") + ready())
    assert kinds(play.sent(Side.CLIENT)) == "GCZ"


def test_a_copy_that_fails_in_the_middle_is_synced_at_once_and_stray_data_is_dropped() -> None:
    play = begun("copy t from stdin").answer(allow())
    play.sent(Side.UPSTREAM)
    play.upstream(PARSED + BOUND + NO_DATA + message("G", b"\0\0\0"))
    play.client(message("d", b"x\n"))
    play.upstream(error("22P02"))
    assert kinds(play.sent(Side.UPSTREAM)) == "dS"
    play.client(message("d", b"y\n") + message("c"))
    assert play.sent(Side.UPSTREAM) == b""
    play.upstream(ready())
    assert kinds(play.sent(Side.CLIENT)) == "GEZ"


def copied(play: SignedIn) -> SignedIn:
    """One COPY FROM STDIN, from begin to end."""
    play.client(query("copy t from stdin")).answer(allow())
    play.upstream(PARSED + BOUND + NO_DATA + message("G", b"\0\0\0"))
    play.client(message("d", b"1\n") + message("c")).upstream(tag("COPY 1") + ready())
    play.sent(Side.UPSTREAM)
    play.sent(Side.CLIENT)
    play.take(do.Record)
    return play


def test_a_second_copy_waits_for_its_own_begin() -> None:
    play = begun("select 1").answer(allow()).upstream(PARSED + BOUND + described("a") + tag("SELECT 0") + ready())
    play.take(do.Record)
    copied(play)
    play.client(query("copy t from stdin")).answer(allow())
    assert kinds(play.sent(Side.UPSTREAM)) == "PBDEH"


def test_after_a_copy_a_masked_result_is_still_described_before_it_runs() -> None:
    play = begun("select 1").answer(allow()).upstream(PARSED + BOUND + described("a") + tag("SELECT 0") + ready())
    play.take(do.Record)
    copied(play)
    play.client(query("select c from t")).answer(mask())
    assert kinds(play.sent(Side.UPSTREAM)) == "PBDH"


def test_a_masked_result_is_described_before_it_runs_and_rewritten_after() -> None:
    play = begun("select c from t").answer(mask())
    assert kinds(play.sent(Side.UPSTREAM)) == "PBDH"
    play.upstream(PARSED + BOUND + described("c"))
    assert kinds(play.sent(Side.UPSTREAM)) == "ES"
    play.upstream(row("secret") + row(None) + tag("SELECT 2") + ready())
    assert split(play.sent(Side.CLIENT))[1:3] == split(row("[redacted]") + row(None))


def copying(text: str = "copy t (c) to stdout") -> SignedIn:
    """A masked COPY whose query was described, and that runs."""
    play = begun(text).answer(mask(kind="copy_to"))
    sent = play.sent(Side.UPSTREAM)
    assert (kinds(sent), sent.startswith(parse('SELECT "c" FROM ONLY "t"'))) == ("PDH", True)
    play.upstream(PARSED + message("t", b"\0\0") + described("c"))
    sent = play.sent(Side.UPSTREAM)
    assert (kinds(sent), sent.startswith(parse(text))) == ("PBES", True)
    assert play.sent(Side.CLIENT) == b""
    return play


def test_a_masked_copy_is_described_by_its_query_and_rewritten() -> None:
    play = copying()
    play.upstream(PARSED + BOUND + message("H", b"\0\0\1\0\0") + message("d", b"secret\n") + message("d", b"\\N\n"))
    play.upstream(message("c") + tag("COPY 2") + ready())
    shown = split(play.sent(Side.CLIENT))
    assert [body for kind, body in shown if kind == "d"] == [b"[redacted]\n", b"\\N\n"]
    outcome = play.take(do.Record).outcome
    assert (outcome.rows, outcome.masked) == (2, 1)


@pytest.mark.parametrize(
    "answer",
    [
        message("H", b"\1\0\1\0\1") + message("d", b"secret\n"),
        message("H", b"\0\0\2\0\0\0\0") + message("d", b"secret\t1\n"),
        message("H", b"\0\0\1\0\0") + message("d", b"secret\t1\n"),
        message("H", b"\0\0\1\0\0") + message("d", b"secret"),
        message("H", b"\0\0\1\0\0") + row("secret"),
    ],
)
def test_a_copy_that_is_not_what_was_announced_ends_the_session(answer: bytes) -> None:
    play = copying().upstream(PARSED + BOUND + answer)
    assert b"secret" not in play.sent(Side.CLIENT)
    play.take(do.Close)


@pytest.mark.parametrize("text", ["copy t (c) to stdout (format json)", "copy t (c) to stdout (encoding 'sjis')"])
def test_a_masked_copy_with_an_option_that_is_not_known_never_runs(text: str) -> None:
    play = begun(text).answer(mask(kind="copy_to"))
    assert play.sent(Side.UPSTREAM) == POISON + SYNC
    assert play.take(do.Record).outcome.error == "0A000"


def test_a_masked_copy_whose_query_has_other_columns_never_runs() -> None:
    play = begun("copy t (c) to stdout").answer(mask(kind="copy_to"))
    play.sent(Side.UPSTREAM)
    play.upstream(PARSED + message("t", b"\0\0") + described("c", "d"))
    assert play.sent(Side.UPSTREAM) == POISON + SYNC


def test_a_result_that_does_not_fit_the_plan_never_runs() -> None:
    play = SignedIn(meanings=Known({(16385, 2): "public.t.other"}))
    play.client(query("select c from t")).learn().answer(mask())
    play.sent(Side.UPSTREAM)
    play.upstream(PARSED + BOUND + described("c", relation=16385, number=2))
    assert play.sent(Side.UPSTREAM) == POISON + SYNC
    play.upstream(error("42601") + ready())
    assert errors(play.sent(Side.CLIENT))[0]["C"] == "42501"
    assert play.take(do.Record).outcome.error == "42501"


def test_a_result_with_more_columns_than_the_text_says_never_runs() -> None:
    play = begun("select c from t").answer(mask())
    play.sent(Side.UPSTREAM)
    play.upstream(PARSED + BOUND + described("c", "d"))
    assert play.sent(Side.UPSTREAM) == POISON + SYNC


def test_errors_of_a_masked_command_do_not_quote_values() -> None:
    outputs = (Output("c", ("public.t.c",), proven=True),)
    play = begun("update t set d = 1 returning c").answer(mask(outputs=outputs))
    play.upstream(PARSED + BOUND + described("c"))
    play.upstream(error("23505", "Key (c)=(secret) exists", D="Key (c)=(secret)", t="t", W="context secret") + ready())
    sent = play.sent(Side.CLIENT)
    assert b"secret" not in sent
    assert errors(sent)[0] | {} == {"S": "ERROR", "V": "ERROR", "C": "23505", "M": "unique violation", "t": "t"}


def test_a_notice_of_a_masked_command_does_not_quote_values() -> None:
    play = begun("select c from t").answer(mask())
    play.upstream(PARSED + BOUND + fields("N", S="NOTICE", C="00000", M="secret") + described("c"))
    assert b"secret" not in play.sent(Side.CLIENT)


@pytest.mark.parametrize("text", ["", " ; ", "-- nothing"])
def test_an_empty_text_in_a_failed_transaction_is_answered_as_the_server_does(text: str) -> None:
    play = begun("bogus").answer(deny()).upstream(error("42601") + ready("E"))
    play.sent(Side.UPSTREAM)
    play.sent(Side.CLIENT)
    play.client(query(text)).answer(allow())
    assert play.sent(Side.UPSTREAM) == parse(text) + SYNC
    play.upstream(PARSED + ready("E"))
    assert kinds(play.sent(Side.CLIENT)) == "IZ"
    assert play.take(do.Record).outcome.error is None
