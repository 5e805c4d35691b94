"""The extended protocol: names, latching, poison in place, copies, masks."""

from __future__ import annotations

import pytest

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import Cause
from tests.wire import (
    BOUND,
    CLOSED,
    FLUSH,
    NO_DATA,
    OWN,
    PARSED,
    POISON,
    SYNC,
    SignedIn,
    allow,
    bind,
    close,
    deny,
    describe,
    described,
    error,
    errors,
    execute,
    hold,
    kinds,
    mask,
    message,
    parse,
    query,
    ready,
    row,
    split,
    standing,
    tag,
)

RUN = PARSED + BOUND + tag("SELECT 0") + ready()
NOWHERE = OWN.decode()


def asked(data: bytes) -> SignedIn:
    return SignedIn().client(data).learn()


def prepared(text: str = "select 1", name: str = "n") -> SignedIn:
    """A session with one prepared statement."""
    play = asked(parse(text, name) + SYNC).answer(allow())
    play.upstream(PARSED + ready())
    play.wishes.clear()
    return play


def test_an_allowed_pipeline_goes_up_as_it_came() -> None:
    data = parse("select $1") + bind(parameters=(b"1",)) + describe() + execute() + SYNC
    play = asked(data)
    assert play.wishes[-1].question.parameters == ("1",)
    play.answer(allow())
    assert play.sent(Side.UPSTREAM) == data
    answer = PARSED + BOUND + described("a") + row("1") + tag("SELECT 1") + ready()
    play.upstream(answer)
    assert play.sent(Side.CLIENT) == answer


def test_a_text_that_is_parsed_and_bound_at_once_is_asked_about_once() -> None:
    play = asked(parse("select 1") + bind() + execute() + SYNC).answer(allow())
    assert not [wish for wish in play.wishes if isinstance(wish, do.Ask)]


def test_each_execution_of_a_prepared_statement_is_a_question() -> None:
    play = prepared()
    for _ in range(2):
        play.client(bind("n") + execute() + SYNC)
        assert not play.wishes[-1].question.prepares
        play.answer(allow())
        assert kinds(play.sent(Side.UPSTREAM)) == "BES"
        play.upstream(BOUND + tag("SELECT 0") + ready())


def test_a_denial_goes_in_the_place_of_its_parse_and_nothing_after_it_goes_up() -> None:
    data = parse("insert into t values (1)") + bind() + execute() + parse("drop table t") + bind() + execute() + SYNC
    play = asked(data).answer(allow()).answer(deny())
    assert play.sent(Side.UPSTREAM) == parse("insert into t values (1)") + bind() + execute() + POISON + SYNC
    play.upstream(PARSED + BOUND + tag("INSERT 0 1") + error("42601") + ready())
    assert kinds(play.sent(Side.CLIENT)) == "12CEZ"


def test_an_allowed_parse_behind_a_denied_one_does_not_revive_the_pipeline() -> None:
    play = asked(parse("drop table t") + parse("select 2") + bind() + execute() + SYNC).answer(deny())
    assert play.sent(Side.UPSTREAM) == POISON + SYNC


def test_after_a_denial_and_a_flush_everything_up_to_sync_is_dropped() -> None:
    play = asked(parse("drop table t") + FLUSH).answer(deny())
    assert play.sent(Side.UPSTREAM) == POISON
    play.client(parse("select 2") + bind() + execute() + FLUSH)
    assert play.sent(Side.UPSTREAM) == b""
    play.client(SYNC)
    assert play.sent(Side.UPSTREAM) == SYNC
    play.upstream(error("42601") + ready())
    play.client(parse("select 3") + bind() + execute() + SYNC).answer(allow())
    assert kinds(play.sent(Side.UPSTREAM)) == "PBES"


def test_a_name_nobody_prepared_leads_nowhere() -> None:
    play = SignedIn().client(bind("n") + execute() + SYNC)
    sent = play.sent(Side.UPSTREAM)
    assert kinds(sent) == "BES"
    assert f"\0{NOWHERE}\0".encode() in split(sent)[0][1]
    play.upstream(error("26000", "prepared statement does not exist") + ready())
    assert errors(play.sent(Side.CLIENT))[0]["M"] == 'prepared statement "n" does not exist'


def test_the_unnamed_statement_of_a_simple_query_is_not_the_clients() -> None:
    play = asked(query("select secret")).answer(allow())
    play.upstream(PARSED + BOUND + error("22012") + ready())
    play.sent(Side.UPSTREAM)
    play.client(bind() + execute() + SYNC)
    assert f"\0{NOWHERE}\0".encode() in split(play.sent(Side.UPSTREAM))[0][1]


def test_the_verdict_belongs_to_the_text_the_server_has() -> None:
    play = prepared("select 1")
    play.client(parse("drop table t", "n") + SYNC).answer(allow())
    play.upstream(error("42P05") + ready())
    play.wishes.clear()
    play.client(bind("n") + execute() + SYNC)
    assert play.take(do.Ask).question.text == b"select 1"


def test_a_name_whose_new_text_was_denied_stands_for_nothing() -> None:
    play = prepared("select 1")
    play.client(parse("drop table t", "n") + SYNC).answer(deny())
    play.upstream(error("42601") + ready())
    play.wishes.clear()
    play.client(bind("n") + execute() + SYNC)
    assert f"\0{NOWHERE}\0".encode() in split(play.sent(Side.UPSTREAM))[0][1]


def test_a_name_that_is_being_changed_is_waited_for() -> None:
    play = asked(parse("select 1", "n") + SYNC + bind("n") + execute() + SYNC).answer(allow())
    assert not [wish for wish in play.wishes if isinstance(wish, do.Ask)]
    play.upstream(PARSED + ready())
    assert play.take(do.Ask).question.text == b"select 1"


def test_a_closed_name_is_gone_when_the_server_says_so() -> None:
    play = prepared()
    play.client(close("S", "n") + SYNC).upstream(CLOSED + ready())
    play.wishes.clear()
    play.client(bind("n") + SYNC)
    assert f"\0{NOWHERE}\0".encode() in split(play.sent(Side.UPSTREAM))[0][1]


def test_each_execute_belongs_to_the_bind_before_it() -> None:
    data = parse("select c from t") + bind() + execute() + parse("select 2") + bind() + execute() + SYNC
    play = asked(data).answer(mask()).answer(allow())
    assert kinds(play.sent(Side.UPSTREAM)) == "PBDH"
    play.upstream(PARSED + BOUND + described("c"))
    assert kinds(play.sent(Side.UPSTREAM)) == "EPBES"
    play.upstream(row("secret") + tag("SELECT 1") + PARSED + BOUND + row("plain") + tag("SELECT 1") + ready())
    sent = play.sent(Side.CLIENT)
    assert b"secret" not in sent
    assert row("[redacted]") in sent
    assert row("plain") in sent


def test_a_masked_portal_stays_masked_when_it_is_resumed_later() -> None:
    play = asked(parse("begin") + bind() + execute() + SYNC).answer(allow())
    play.upstream(PARSED + BOUND + tag("BEGIN") + ready("T"))
    play.client(parse("select c from t", "n") + bind("n", "c1") + execute("c1", 1) + SYNC).answer(mask())
    play.upstream(PARSED + BOUND + described("c"))
    play.upstream(row("secret") + message("s") + ready("T"))
    play.wishes.clear()
    play.client(execute("c1", 1) + SYNC)
    play.upstream(row("secret") + tag("SELECT 1") + ready("T"))
    assert split(play.sent(Side.CLIENT))[0] == split(row("[redacted]"))[0]


def test_a_masked_result_that_does_not_fit_poisons_the_pipeline() -> None:
    play = asked(parse("select c from t") + bind() + execute() + SYNC).answer(mask())
    play.sent(Side.UPSTREAM)
    play.upstream(PARSED + BOUND + described("c", "d"))
    assert kinds(play.sent(Side.UPSTREAM)) == "PS"
    play.upstream(error("42601") + ready())
    assert errors(play.sent(Side.CLIENT)[len(PARSED + BOUND) :])[0]["C"] == "42501"


def test_a_portal_nobody_bound_leads_nowhere() -> None:
    play = SignedIn().client(execute("c") + SYNC)
    assert split(play.sent(Side.UPSTREAM))[0] == split(execute(NOWHERE))[0]
    play.upstream(error("34000") + ready())
    assert errors(play.sent(Side.CLIENT))[0]["M"] == 'portal "c" does not exist'


def test_portals_end_with_the_transaction() -> None:
    play = asked(parse("select 1") + bind(portal="c") + execute("c", 1) + SYNC).answer(allow())
    play.upstream(PARSED + BOUND + row("1") + message("s") + ready())
    play.wishes.clear()
    play.client(execute("c") + SYNC)
    assert split(play.sent(Side.UPSTREAM))[0] == split(execute(NOWHERE))[0]


def test_what_does_not_exist_is_described_as_nowhere() -> None:
    play = SignedIn().client(describe("S", "n") + describe("P", "c") + SYNC)
    sent = split(play.sent(Side.UPSTREAM))
    assert sent[:2] == [("D", b"S" + OWN + b"\0"), ("D", b"P" + OWN + b"\0")]


def test_a_query_behind_a_pipeline_that_failed_ends_the_session() -> None:
    play = asked(parse("select nope") + FLUSH).answer(allow())
    play.client(query("select 6")).upstream(error("42703"))
    play.take(do.Close)
    assert b"select 6" not in play.sent(Side.UPSTREAM)


def test_a_query_inside_a_pipeline_that_runs_something_ends_the_session() -> None:
    play = asked(parse("insert into t values (1)") + bind() + execute() + FLUSH).answer(allow())
    play.client(query("select 6"))
    play.take(do.Close)
    play = SignedIn().client(parse("select nope") + query("select 6"))
    play.take(do.Close)


def test_a_query_behind_what_was_only_prepared_runs() -> None:
    play = asked(parse("select 1", "n") + describe("S", "n") + FLUSH).answer(allow())
    play.client(query("select 6"))
    play.sent(Side.UPSTREAM)
    play.upstream(PARSED + message("t", b"\0\0") + described("a"))
    assert play.sent(Side.UPSTREAM) == SYNC
    play.answer(allow())
    assert kinds(play.sent(Side.UPSTREAM)) == "PBDES"
    play.upstream(ready() + PARSED + BOUND + NO_DATA + tag("SELECT 0") + ready())
    assert kinds(play.sent(Side.CLIENT)) == "1tTCZ"


def test_sync_waits_for_a_copy_and_the_clients_own_sync_ends_it() -> None:
    play = asked(parse("copy t from stdin") + bind() + execute() + SYNC).answer(allow())
    assert kinds(play.sent(Side.UPSTREAM)) == "PBEH"
    play.upstream(PARSED + BOUND + message("G", b"\0\0\0"))
    assert play.sent(Side.UPSTREAM) == b""
    play.client(message("d", b"1\n") + message("c") + SYNC)
    assert kinds(play.sent(Side.UPSTREAM)) == "dcS"
    play.upstream(tag("COPY 1") + ready())
    assert kinds(play.sent(Side.CLIENT)) == "12GCZ"


def test_a_copy_out_needs_no_waiting_but_gets_it() -> None:
    play = asked(parse("copy t to stdout") + bind() + execute() + SYNC).answer(allow())
    play.sent(Side.UPSTREAM)
    play.upstream(PARSED + BOUND + message("H", b"\0\0\0") + message("d", b"1\n") + message("c") + tag("COPY 1"))
    assert play.sent(Side.UPSTREAM) == SYNC
    play.upstream(ready())
    assert kinds(play.sent(Side.CLIENT)) == "12HdcCZ"


def test_a_copy_that_cannot_start_lets_the_sync_through() -> None:
    play = asked(parse("copy nope from stdin") + bind() + execute() + SYNC).answer(allow())
    play.sent(Side.UPSTREAM)
    play.upstream(error("42P01"))
    assert play.sent(Side.UPSTREAM) == SYNC


def test_only_copy_data_may_come_while_copying() -> None:
    play = asked(parse("copy t from stdin") + bind() + execute() + FLUSH).answer(allow())
    play.upstream(PARSED + BOUND + message("G", b"\0\0\0"))
    play.sent(Side.UPSTREAM)
    play.client(query("drop table t"))
    assert play.sent(Side.UPSTREAM) == b""
    play.take(do.Close)


def test_a_copy_of_masked_columns_is_refused() -> None:
    play = asked(parse("copy t to stdout") + bind() + execute() + SYNC).answer(mask())
    assert play.sent(Side.UPSTREAM) == POISON + SYNC


def test_a_pipeline_too_large_to_wait_goes_up_in_parts_and_then_a_hold_is_a_denial() -> None:
    part = parse("select '" + "x" * 100_000 + "'", "") + bind() + execute()
    play = SignedIn().client(part * 3)
    play.upstream(standing())
    for _ in range(3):
        play.answer(allow())
    assert kinds(play.sent(Side.UPSTREAM)).endswith("PBEPBEPB") or play.sent(Side.UPSTREAM) == b""
    play.client(parse("delete from t") + bind() + execute() + SYNC)
    play.answer(hold())
    assert play.take(do.Leave)


@pytest.mark.parametrize("stray", ["d", "c", "f"])
def test_copy_data_outside_a_copy_is_dropped_as_the_server_would(stray: str) -> None:
    play = asked(parse("select 1") + message(stray, b"x\0") + bind() + execute() + SYNC)
    play.answer(allow()).answer(allow())
    assert kinds(play.sent(Side.UPSTREAM)) == "PBES"


def test_a_bind_that_does_not_add_up_ends_the_session() -> None:
    play = SignedIn().client(parse("select 1") + message("B", b"\0\0\0\1") + SYNC)
    play.take(do.Close)


def test_no_data_is_shown_in_the_extended_protocol() -> None:
    play = asked(parse("insert into t values (1)") + bind() + describe() + execute() + SYNC).answer(allow())
    play.upstream(PARSED + BOUND + NO_DATA + tag("INSERT 0 1") + ready())
    assert kinds(play.sent(Side.CLIENT)) == "12nCZ"


def test_a_flush_outside_a_pipeline_begins_none() -> None:
    play = asked(parse("select 1") + bind() + execute() + SYNC).answer(allow())
    play.upstream(RUN)
    play.wishes.clear()
    play.client(FLUSH + query("select 2")).answer(allow())
    assert kinds(play.sent(Side.UPSTREAM)) == "HPBDES"


def told(play: SignedIn) -> list[tuple[str, str | None]]:
    """What the audit was told became of what was granted."""
    return [(one.decision_id, one.outcome.error) for one in play.wishes if isinstance(one, do.Record)]


@pytest.mark.parametrize("end", [saw.EndReceived(Side.CLIENT), saw.StopRequested("enough", Cause.KILLED)])
@pytest.mark.parametrize("is_held", [False, True], ids=["asked about", "held"])
def test_what_was_granted_before_something_that_waits_is_said_not_to_have_run_when_the_session_ends(
    end: saw.EndReceived | saw.StopRequested, is_held: bool
) -> None:
    play = asked(parse("select 1", "a") + bind("a") + execute() + parse("select 2", "b") + bind("b") + execute() + SYNC)
    play.answer(allow())
    if is_held:
        play.answer(hold())
    play.wishes = [one for one in play.wishes if not isinstance(one, do.Send)]
    play.saw(end)
    assert told(play) == [("d-allow", "NOT_RUN")]
    assert not [one for one in play.wishes if isinstance(one, do.Send) and one.side is Side.UPSTREAM]


def test_what_was_granted_behind_something_that_is_denied_is_said_not_to_have_run() -> None:
    play = asked(parse("select 1", "a") + parse("select 2", "b") + bind("b") + bind("a") + execute() + SYNC)
    play.answer(allow()).answer(deny())
    assert told(play) == [("d-allow", "NOT_RUN")]


def test_what_went_up_is_told_of_once() -> None:
    play = asked(parse("select 1") + bind() + execute() + SYNC).answer(allow())
    play.upstream(RUN)
    assert told(play) == [("d-allow", None)]
