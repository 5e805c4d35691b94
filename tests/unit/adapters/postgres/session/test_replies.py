"""From the server to the client: what is swallowed, what is put in place, what ends the session."""

from __future__ import annotations

import pytest

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import Answer, Outcome
from engine.command.tree import Effect, ParsedCommand
from engine.decision import Decision, Verdict
from tests.wire import (
    BOUND,
    CLOSED,
    NO_DATA,
    PARSED,
    SYNC,
    SignedIn,
    allow,
    bind,
    close,
    described,
    error,
    errors,
    execute,
    fields,
    kinds,
    mask,
    message,
    parse,
    query,
    ready,
    row,
    tag,
    tree,
)


def running(text: str = "select 1") -> SignedIn:
    play = SignedIn().client(query(text)).learn().answer(allow())
    play.wishes.clear()
    return play


def test_a_large_row_goes_on_in_the_pieces_it_comes_in() -> None:
    play = running()
    whole = row("x" * 100_000)
    play.upstream(PARSED + BOUND + described("a") + whole[:50])
    first = play.sent(Side.CLIENT)
    assert first.endswith(whole[:50])
    play.upstream(whole[50:])
    assert first + play.sent(Side.CLIENT) == described("a") + whole
    play.upstream(tag("SELECT 1") + ready())
    assert kinds(play.sent(Side.CLIENT)) == "CZ"


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_the_pieces_do_not_matter(cut: int) -> None:
    stream = PARSED + BOUND + described("a") + row("1") + row("2") + tag("SELECT 2") + ready()
    play = running()
    for at in range(0, len(stream), cut):
        play.upstream(stream[at : at + cut])
    assert play.sent(Side.CLIENT) == described("a") + row("1") + row("2") + tag("SELECT 2") + ready()


@pytest.mark.parametrize(
    "unasked",
    [PARSED, BOUND, CLOSED, NO_DATA, described("a"), row("1"), tag("SELECT 1"), ready(), message("G", b"\0\0\0")],
)
def test_an_answer_to_nothing_ends_the_session(unasked: bytes) -> None:
    play = SignedIn().client(b"")
    play.upstream(unasked)
    play.take(do.Close)


@pytest.mark.parametrize("kind", "WVRKvx?")
def test_a_message_that_has_no_place_ends_the_session(kind: str) -> None:
    play = running()
    play.upstream(message(kind, b"\0\0\0\0\0"))
    play.take(do.Close)


def test_a_length_that_lies_ends_the_session() -> None:
    for lie in (b"C\0\0\0\3", b"D\0\0\0\0", b"C\x7f\xff\xff\xff"):
        play = running()
        play.upstream(PARSED + BOUND + NO_DATA + lie)
        play.take(do.Close)


def test_notices_and_notifications_pass_at_any_time() -> None:
    play = running()
    notice = fields("N", S="NOTICE", C="00000", M="hello")
    news = message("A", b"\0\0\0\1ch\0hi\0")
    play.upstream(notice + PARSED + BOUND + NO_DATA + tag("NOTIFY") + news + ready())
    assert kinds(play.sent(Side.CLIENT)) == "NCAZ"
    play.upstream(news)
    assert play.sent(Side.CLIENT) == news


def test_a_setting_that_changes_how_texts_are_read_ends_the_session() -> None:
    play = running()
    play.upstream(message("S", b"standard_conforming_strings\0off\0"))
    assert errors(play.sent(Side.CLIENT))[0]["C"] == "0A000"
    play.take(do.Close)


def test_a_value_written_into_application_name_does_not_reach_the_client() -> None:
    play = running()
    play.upstream(PARSED + BOUND + described("a") + message("S", b"application_name\0010-11-1234\0") + row("1"))
    assert b"010-11" not in play.sent(Side.CLIENT)


def test_a_fatal_error_between_commands_is_shown() -> None:
    play = running()
    play.upstream(PARSED + BOUND + NO_DATA + tag("SELECT 0") + ready())
    play.sent(Side.CLIENT)
    play.upstream(fields("E", S="FATAL", V="FATAL", C="57P01", M="terminating connection"))
    assert errors(play.sent(Side.CLIENT))[0]["C"] == "57P01"


def test_an_error_without_a_code_is_still_an_error() -> None:
    play = running()
    play.upstream(fields("E", S="ERROR", M="odd") + ready())
    assert kinds(play.sent(Side.CLIENT)) == "EZ"
    assert play.take(do.Record).outcome.error == "XX000"


def test_an_error_at_the_sync_takes_nothing_else_with_it() -> None:
    play = running()
    play.upstream(PARSED + BOUND + NO_DATA + tag("INSERT 0 1") + error("23503"))
    assert kinds(play.sent(Side.CLIENT)) in ("E", "CE")
    play.upstream(ready())
    assert kinds(play.sent(Side.CLIENT)) == "Z"


def test_rows_to_be_masked_that_were_not_described_end_the_session() -> None:
    play = SignedIn().client(query("select c from t")).learn().answer(mask())
    play.upstream(PARSED + BOUND + row("secret"))
    assert b"secret" not in play.sent(Side.CLIENT)
    play.take(do.Close)


def test_a_malformed_row_to_be_masked_ends_the_session() -> None:
    play = SignedIn().client(query("select c from t")).learn().answer(mask())
    play.upstream(PARSED + BOUND + described("c"))
    play.upstream(row("secret", "too many"))
    assert b"secret" not in play.sent(Side.CLIENT)
    play.take(do.Close)


def test_a_masked_command_that_copies_out_ends_the_session() -> None:
    play = SignedIn().client(query("select c from t")).learn().answer(mask())
    play.upstream(PARSED + BOUND + described("c"))
    play.upstream(message("H", b"\0\0\1\0\0") + message("d", b"secret\n"))
    assert b"secret" not in play.sent(Side.CLIENT)
    play.take(do.Close)


def test_a_suspended_portal_is_not_over_and_its_end_is_recorded_once() -> None:
    play = SignedIn().client(parse("select 1") + bind() + execute(limit=1) + SYNC).learn().answer(allow())
    play.upstream(PARSED + BOUND + row("1") + message("s"))
    assert not [wish for wish in play.wishes if isinstance(wish, do.Record)]
    play.upstream(ready())
    play.take(do.Record)
    assert kinds(play.sent(Side.CLIENT)) == "12DsZ"


def suspended() -> SignedIn:
    """A session in a transaction, with a portal `p` that has shown one row."""
    data = parse("select a from t", "n") + bind("n", "p") + execute("p", 1) + SYNC
    play = SignedIn().client(data).learn().answer(allow())
    play.upstream(PARSED + BOUND + row("1") + message("s") + ready("T"))
    assert not [wish for wish in play.wishes if isinstance(wish, do.Record)]
    play.wishes.clear()
    return play


def test_a_portal_that_is_closed_is_over() -> None:
    play = suspended().client(close("P", "p") + SYNC).upstream(CLOSED + ready("T"))
    assert play.take(do.Record).outcome.rows == 1


def test_a_portal_that_sql_closes_is_over() -> None:
    play = suspended().client(query("close p")).answer(allow(command=tree("close_cursor", Effect.SESSION)))
    play.upstream(PARSED + BOUND + NO_DATA + tag("CLOSE CURSOR") + ready("T"))
    assert [wish.outcome.rows for wish in play.wishes if isinstance(wish, do.Record)] == [0, 1]


def test_a_portal_in_whose_place_another_comes_is_over() -> None:
    play = SignedIn().client(parse("select 1") + bind() + execute(limit=1) + SYNC).learn().answer(allow())
    play.upstream(PARSED + BOUND + row("1") + message("s") + ready("T"))
    play.wishes.clear()
    play.client(bind() + execute() + SYNC).answer(allow()).upstream(BOUND + row("1") + row("2") + tag("SELECT 2"))
    assert [wish.outcome.rows for wish in play.wishes if isinstance(wish, do.Record)] == [1, 2]


def test_a_portal_that_was_never_run_is_over_when_it_is_closed() -> None:
    play = suspended().client(bind("n", "q") + SYNC).answer(allow()).upstream(BOUND + ready("T"))
    play.wishes.clear()
    play.client(close("P", "q") + SYNC).upstream(CLOSED + ready("T"))
    assert play.take(do.Record).outcome.rows == 0


@pytest.mark.parametrize("event", [message("X"), None])
def test_portals_are_over_when_the_session_is(event: bytes | None) -> None:
    play = suspended()
    if event is None:
        play.saw(saw.EndReceived(Side.CLIENT))
    else:
        play.client(event)
    assert play.take(do.Record).outcome == Outcome(1, len(row("1")))


UPDATE = tree("update", Effect.WRITE)


def masked_session(command: ParsedCommand) -> SignedIn:
    """A session with masks in force, none of which concerns an output of this command."""
    granted = Answer(Decision(Verdict.ALLOW, None, masks_in_force=True), "d", command=command)
    play = SignedIn().client(query("update t set n = -1")).learn().answer(granted)
    play.wishes.clear()
    return play


def violation(kind: str = "E") -> bytes:
    words = {"C": "23514", "M": "violates check", "D": "Failing row contains (secret).", "W": "secret"}
    return fields(kind, S="ERROR", R="ExecConstraints", **words)


def test_rows_that_the_server_checks_are_not_shown_where_masks_are_in_force() -> None:
    play = masked_session(UPDATE).upstream(PARSED + BOUND + NO_DATA + violation("N") + violation() + ready())
    sent = play.sent(Side.CLIENT)
    assert kinds(sent) == "NEZ"
    assert b"secret" not in sent
    assert errors(sent)[0]["M"] == "violates check"


def test_neither_are_those_of_a_constraint_that_is_checked_at_the_end() -> None:
    play = masked_session(UPDATE).upstream(PARSED + BOUND + NO_DATA + tag("UPDATE 1") + violation() + ready())
    assert b"secret" not in play.sent(Side.CLIENT)


def test_a_mistake_in_a_text_is_shown_as_the_server_says_it_there_too() -> None:
    play = masked_session(UPDATE).upstream(error("42703", 'column "x" does not exist') + ready())
    assert errors(play.sent(Side.CLIENT))[0]["M"] == 'column "x" does not exist'


def test_errors_of_reading_are_shown_there_too() -> None:
    play = masked_session(tree()).upstream(
        PARSED + BOUND + described("a") + error("22012", "division by zero") + ready()
    )
    assert errors(play.sent(Side.CLIENT))[0]["M"] == "division by zero"


def test_without_masks_a_writer_is_told_everything() -> None:
    play = SignedIn().client(query("update t set n = -1")).learn().answer(allow(command=UPDATE))
    play.upstream(PARSED + BOUND + NO_DATA + violation() + ready())
    assert b"secret" in play.sent(Side.CLIENT)


def test_rows_that_come_in_pieces_are_all_counted() -> None:
    play = SignedIn().client(parse("select 1") + bind() + execute(limit=2) + SYNC).learn().answer(allow())
    play.upstream(PARSED + BOUND + row("1") + row("2") + message("s") + ready("T"))
    play.client(execute(limit=2) + SYNC).upstream(row("3") + tag("SELECT 1") + ready())
    assert play.take(do.Record).outcome.rows == 3
