"""Questions, holds, and where the session stands."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import Answer
from adapters.postgres.session.judge import MAX_LOOKS, NAMES_SECONDS
from engine.command.parse import parse_command
from engine.command.tree import Effect as CommandEffect
from tests.wire import (
    BOUND,
    NO_DATA,
    PARSED,
    POISON,
    SYNC,
    Known,
    SignedIn,
    allow,
    bind,
    deny,
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
    split,
    standing,
    tag,
    tree,
)

SET = allow(command=tree("set", CommandEffect.SESSION))
DONE = PARSED + BOUND + NO_DATA + tag("SET") + ready()


def held() -> SignedIn:
    return SignedIn().client(query("delete from t")).learn().answer(hold())


def test_the_question_says_where_the_session_stands() -> None:
    play = SignedIn().client(query("select 1")).learn()
    question = play.take(do.Ask).question
    assert question.text == b"select 1"
    assert question.state == {"transaction": "idle", "search_path": ["pg_catalog", "public"], "role": "app"}


def test_where_the_session_stands_is_asked_once_and_again_when_it_may_have_changed() -> None:
    play = SignedIn().client(query("select 1")).learn().answer(allow()).upstream(DONE)
    play.wishes.clear()
    play.client(query("select 2")).answer(allow()).upstream(DONE)
    play.wishes.clear()
    play.client(query("set search_path = evil")).answer(SET).upstream(DONE)
    play.wishes.clear()
    play.client(query("select 3"))
    assert kinds(play.sent(Side.UPSTREAM)) == "PBECCS"
    play.upstream(standing('["evil"]'))
    assert play.take(do.Ask).question.state["search_path"] == ["evil"]


def in_a_transaction_of_its_own_path() -> SignedIn:
    """A session that learned where it stands inside a transaction."""
    play = SignedIn().client(query("select 1")).learn().answer(allow()).upstream(DONE)
    play.client(query("set local search_path = evil")).answer(SET).upstream(DONE[:-1] + b"T")
    play.wishes.clear()
    play.client(query("select 2"))
    play.sent(Side.UPSTREAM)
    play.upstream(standing('["evil"]', status="T")).answer(allow()).upstream(DONE[:-1] + b"T")
    play.wishes.clear()
    return play


@pytest.mark.parametrize("kind", ["commit", "rollback", "prepare_transaction"])
def test_what_was_learned_inside_a_transaction_is_asked_again_behind_it_though_the_next_is_open(kind: str) -> None:
    play = in_a_transaction_of_its_own_path()
    ends = allow(command=tree(kind, CommandEffect.SESSION))
    play.client(query("commit and chain")).answer(ends).upstream(DONE[:-1] + b"T")
    play.wishes.clear()
    play.client(query("select 3"))
    assert kinds(play.sent(Side.UPSTREAM)) == "PBECCS"


def test_behind_the_end_of_such_a_transaction_in_one_pipeline_nobody_knows_where_the_session_stands() -> None:
    play = in_a_transaction_of_its_own_path()
    again = parse("commit and chain") + bind() + execute() + parse("select 3") + bind() + execute() + SYNC
    play.client(again).answer(allow(command=tree("commit", CommandEffect.SESSION)))
    assert "search_path" not in play.take(do.Ask).question.state


def test_the_end_of_another_transaction_changes_nothing() -> None:
    play = SignedIn().client(query("select 1")).learn().answer(allow()).upstream(DONE)
    play.client(query("commit")).answer(allow(command=tree("commit", CommandEffect.SESSION))).upstream(DONE)
    play.wishes.clear()
    play.client(query("select 2"))
    assert play.take(do.Ask).question.state["search_path"] == ["pg_catalog", "public"]


def known() -> tuple[SignedIn, Known]:
    """A session that knows where it stands, and by which names."""
    names = Known()
    play = SignedIn(meanings=names).client(query("select 1")).learn().answer(allow()).upstream(DONE)
    play.wishes.clear()
    return play, names


def test_where_the_session_stands_is_asked_again_when_others_have_changed_names() -> None:
    play, names = known()
    names.version = "second"
    play.client(query("select 2")).stand()
    play.answer(allow()).upstream(DONE)
    play.wishes.clear()
    play.client(query("select 3"))
    assert kinds(play.sent(Side.UPSTREAM)) == ""
    assert play.take(do.Ask).question.text == b"select 3"


def test_where_the_session_stands_is_no_older_than_what_names_mean() -> None:
    play, _ = known()
    play.now += NAMES_SECONDS
    play.client(query("select 2")).learn()
    assert play.take(do.Ask).question.text == b"select 2"


def test_inside_a_transaction_it_is_not_asked_for_its_age() -> None:
    play, _ = known()
    play.client(query("begin")).answer(allow(command=tree("begin", CommandEffect.SESSION)))
    play.upstream(DONE[:-1] + b"T")
    play.now += NAMES_SECONDS
    play.client(query("set transaction isolation level serializable"))
    play.take(do.RefreshFacts)
    play.saw(saw.FactsRefreshed())
    assert play.take(do.Ask).question.state["search_path"] == ["pg_catalog", "public"]


def test_what_comes_before_any_query_of_a_transaction_is_not_preceded_by_our_own() -> None:
    play, names = known()
    play.client(query("begin")).answer(allow(command=tree("begin", CommandEffect.SESSION)))
    play.upstream(DONE[:-1] + b"T")
    names.version = "second"
    play.wishes.clear()
    play.client(query("set transaction isolation level serializable"))
    assert play.sent(Side.UPSTREAM) == b""
    play.answer(allow(command=tree("set", CommandEffect.SESSION))).upstream(DONE[:-1] + b"T")
    play.wishes.clear()
    play.client(query("select 2"))
    assert kinds(play.sent(Side.UPSTREAM)) == "PBECCS", "and then it is asked for"


def test_outside_a_transaction_it_is_asked_for_before_anything() -> None:
    play, names = known()
    names.version = "second"
    play.client(query("set transaction isolation level serializable"))
    assert kinds(play.sent(Side.UPSTREAM)) == "PBECCS"


def test_a_server_that_cannot_say_leaves_it_unknown() -> None:
    for answer in (error("25P02") + ready(), standing("no json"), standing('{"a":1}')):
        play = SignedIn().client(query("select 1"))
        play.sent(Side.UPSTREAM)
        play.upstream(answer)
        assert "search_path" not in play.take(do.Ask).question.state
        assert play.sent(Side.CLIENT) == b""


def test_a_setting_of_the_lexer_is_refused_whatever_the_policy_says() -> None:
    play = SignedIn().client(query("set standard_conforming_strings = off")).learn()
    play.answer(allow(command=tree("set", CommandEffect.SESSION, features=("lexer_setting",))))
    assert play.sent(Side.UPSTREAM) == POISON + SYNC
    play.upstream(error("42601") + ready())
    assert errors(play.sent(Side.CLIENT))[0]["C"] == "0A000"
    assert play.take(do.Record).outcome.error == "0A000"


def test_a_held_command_waits_and_the_client_is_told() -> None:
    play = held()
    assert play.sent(Side.UPSTREAM) == b""
    assert kinds(play.sent(Side.CLIENT)) == "N"
    assert play.take(do.WakeAt).moment == 5.0
    play.later(5.0).saw(saw.TimePassed())
    assert b"still waiting" in split(play.sent(Side.CLIENT))[0][1]
    assert play.take(do.WakeAt).moment == 10.0


def test_a_granted_command_runs_in_the_same_session() -> None:
    play = held().saw(saw.Decided(1, allow()))
    assert play.sent(Side.UPSTREAM).startswith(parse("delete from t"))


def test_a_refused_command_is_denied_with_what_the_approver_said() -> None:
    play = held().saw(saw.Decided(1, deny("ask the owner")))
    assert play.sent(Side.UPSTREAM) == POISON + SYNC
    play.upstream(error("42601") + ready())
    assert errors(play.sent(Side.CLIENT))[0]["M"] == "ask the owner"


def test_a_hold_that_is_still_a_hold_when_decided_again_runs_nothing() -> None:
    play = held().saw(saw.Decided(1, hold()))
    assert play.sent(Side.UPSTREAM) == POISON + SYNC


def test_a_cancel_ends_the_hold_and_sends_nothing_up() -> None:
    play = held().saw(saw.InterruptRequested())
    assert play.take(do.Withdraw).ticket == 1
    assert play.sent(Side.UPSTREAM) == POISON + SYNC
    play.upstream(error("42601") + ready())
    assert errors(play.sent(Side.CLIENT))[0]["C"] == "57014"
    play.wishes.clear()
    play.saw(saw.Decided(1, allow())).wished_nothing()


def asked(way: str) -> SignedIn:
    """A session whose command the gate is asked about, the first one or a later one."""
    play = SignedIn().client(query("select 1")).learn().answer(allow())
    play.upstream(DONE)
    play.wishes.clear()
    return play.client(
        query("delete from t") if way == "simple" else parse("delete from t") + bind() + execute() + SYNC
    )


@pytest.mark.parametrize("way", ["simple", "extended"])
@pytest.mark.parametrize("answer", [allow(), mask(), hold()])
def test_a_cancel_while_the_gate_is_asked_stops_what_it_will_grant_or_hold(way: str, answer: Answer) -> None:
    play = asked(way).saw(saw.InterruptRequested())
    play.answer(answer)
    assert play.sent(Side.UPSTREAM) == POISON + SYNC
    if answer.ticket is None:
        assert play.take(do.Record).outcome.error == "57014"
    else:
        play.take(do.Withdraw)
    assert not any(isinstance(wish, do.Errand) for wish in play.wishes)
    play.upstream(error("42601") + ready())
    assert errors(play.sent(Side.CLIENT))[0]["C"] == "57014"
    play.wishes.clear()
    play.client(query("select 2")).answer(allow())
    assert play.sent(Side.UPSTREAM).startswith(parse("select 2"))


@pytest.mark.parametrize("way", ["simple", "extended"])
def test_a_cancel_while_the_gate_is_asked_leaves_a_denial_one(way: str) -> None:
    play = asked(way).saw(saw.InterruptRequested()).answer(deny("no"))
    play.upstream(error("42601") + ready())
    assert errors(play.sent(Side.CLIENT))[0]["M"] == "no"


def test_a_cancel_while_names_are_looked_up_waits_for_the_gate_too() -> None:
    play = SignedIn().client(query("delete from t")).saw(saw.InterruptRequested()).learn().answer(allow())
    assert play.sent(Side.UPSTREAM) == POISON + SYNC


def test_a_cancel_while_something_runs_goes_to_the_target_though_more_is_asked_about() -> None:
    play = SignedIn().client(query("select pg_sleep(9)")).learn().answer(allow())
    play.client(query("delete from t"))
    play.saw(saw.InterruptRequested())
    play.take(do.Errand)


def test_a_client_that_leaves_while_held_ends_the_session() -> None:
    play = held()
    play.wishes.clear()
    play.saw(saw.EndReceived(Side.CLIENT)).wished(do.Close)


def test_a_fate_that_is_there_before_the_wait_begins_is_not_lost() -> None:
    play = SignedIn().client(query("select 1") + query("delete from t")).learn().answer(allow())
    play.wishes = [wish for wish in play.wishes if not isinstance(wish, do.Send)]
    play.answer(hold())
    play.saw(saw.Decided(2, allow()))
    assert play.sent(Side.UPSTREAM) == b""
    play.upstream(DONE)
    assert play.sent(Side.UPSTREAM).startswith(parse("delete from t"))


def test_inside_a_transaction_a_hold_is_a_denial_whose_ticket_stays_open() -> None:
    play = SignedIn().client(query("begin")).learn().answer(allow())
    play.upstream(PARSED + BOUND + NO_DATA + tag("BEGIN") + ready("T"))
    play.wishes.clear()
    play.client(query("delete from t")).answer(hold())
    assert play.take(do.Leave).ticket == 2
    play.upstream(error("42601") + ready("E"))
    shown = errors(play.sent(Side.CLIENT))[0]
    assert shown["C"] == "42501"
    assert shown["H"].startswith("get approval, then retry")


def test_a_hold_of_a_text_that_is_only_prepared_opens_no_ticket_for_long() -> None:
    play = SignedIn().client(parse("delete from t", "n") + SYNC).learn()
    assert play.wishes[-1].question.prepares
    play.answer(hold())
    assert play.take(do.Withdraw)
    assert kinds(play.sent(Side.UPSTREAM)) == "PS"


def test_everything_in_a_pipeline_is_decided_before_its_first_byte_goes_up() -> None:
    pipeline = (
        parse("insert into t values (1)") + bind() + execute() + parse("delete from t") + bind() + execute() + SYNC
    )
    play = SignedIn().client(pipeline).learn().answer(allow()).answer(hold())
    assert play.sent(Side.UPSTREAM) == b""
    play.saw(saw.Decided(2, allow()))
    assert play.sent(Side.UPSTREAM) == pipeline


@pytest.mark.parametrize("size", [1 << 20, (1 << 20) + 1])
def test_a_text_has_a_bound(size: int) -> None:
    play = SignedIn().client(query("x" * size))
    if size > 1 << 20:
        assert play.sent(Side.UPSTREAM) == POISON + SYNC
    else:
        assert kinds(play.sent(Side.UPSTREAM)) == "PBECCS"


@pytest.mark.parametrize("prepares", [False, True])
def test_a_granted_text_that_nobody_can_read_is_only_shown_to_the_servers_parser(prepares: bool) -> None:
    broken = parse_command("postgres", b"selec 2; drop table t")
    sent = parse("selec 2; drop table t") + (b"" if prepares else bind() + execute()) + SYNC
    play = SignedIn().client(sent).learn().answer(allow(command=broken))
    assert play.sent(Side.UPSTREAM).startswith(parse("selec 2; drop table t"))
    assert play.take(do.Record).outcome.error == "42601"
    play.upstream(error("42601", "syntax error") + ready())
    assert errors(play.sent(Side.CLIENT))[0]["M"] == "syntax error"


def test_names_that_somebody_changes_while_they_are_waited_for_are_waited_for_again() -> None:
    names = Known(is_known=False)
    play = SignedIn(meanings=names).client(query("select 1"))
    for _ in range(2):
        play.take(do.RefreshFacts)
        play.saw(saw.FactsRefreshed())
    names.is_known = True
    play.take(do.RefreshFacts)
    play.saw(saw.FactsRefreshed())
    play.sent(Side.UPSTREAM)
    play.upstream(standing())
    assert play.take(do.Ask).question.catalog == "handle"


def test_names_that_vanish_while_the_server_is_asked_are_waited_for_once_more() -> None:
    names = Known()
    play = SignedIn(meanings=names).client(query("select 1"))
    play.take(do.RefreshFacts)
    play.saw(saw.FactsRefreshed())
    play.sent(Side.UPSTREAM)
    names.is_known = False
    play.upstream(standing())
    play.take(do.RefreshFacts)
    names.is_known = True
    play.saw(saw.FactsRefreshed())
    assert play.take(do.Ask).question.catalog == "handle"


class Renamed(Known):
    """Names that are others after each reading."""

    def handle(
        self, search_path: tuple[str, ...], prepared: Mapping[str, str], cursors: Mapping[str, str]
    ) -> object | None:
        return f"{super().handle(search_path, prepared, cursors)} {self.readings}"

    readings = 1


def stale(names: Known, answer: Answer) -> tuple[SignedIn, do.Ask]:
    """A command that was asked about at once, and whose answer comes when the names are too old for what it needs then."""
    play = SignedIn(meanings=names).client(query("select 1")).learn().answer(allow()).upstream(DONE)
    play.wishes.clear()
    play.client(query("delete from t"))
    asked = play.take(do.Ask)
    play.now += NAMES_SECONDS
    play.saw(saw.Decided(asked.ticket, answer))
    return play, asked


def test_a_hold_that_comes_when_names_are_too_old_is_waited_for_once_they_are_read() -> None:
    play, asked = stale(Known(), hold())
    play.take(do.RefreshFacts)
    play.saw(saw.FactsRefreshed())
    play.stand()
    assert not [wish for wish in play.wishes if isinstance(wish, do.Ask)], "it was asked already"
    assert "held for approval, ticket T-1" in str(play.sent(Side.CLIENT))
    play.saw(saw.Decided(asked.ticket, allow()))
    assert query("delete from t")[5:] in play.sent(Side.UPSTREAM)


def test_a_hold_of_a_command_that_means_something_else_by_now_is_let_go_and_asked_anew() -> None:
    names = Renamed()
    play, asked = stale(names, hold())
    names.readings += 1
    play.take(do.RefreshFacts)
    play.saw(saw.FactsRefreshed())
    play.stand()
    assert play.take(do.Leave).ticket == asked.ticket
    again = play.take(do.Ask)
    assert again.ticket != asked.ticket
    play.saw(saw.Decided(asked.ticket, allow()))
    record = play.take(do.Record)
    assert (record.decision_id, record.outcome.error) == ("d-allow", "57014"), "a grant that nobody uses is told of"
    assert not play.sent(Side.UPSTREAM)


def test_an_answer_is_not_taken_for_that_to_another_question() -> None:
    names = Renamed()
    play = SignedIn(meanings=names).client(query("select 1")).learn().answer(allow()).upstream(DONE)
    play.wishes.clear()
    play.client(query("delete from t"))
    asked = play.take(do.Ask)
    names.readings += 1
    play.saw(saw.Decided(asked.ticket, hold()))
    assert play.take(do.Leave).ticket == asked.ticket
    again = play.take(do.Ask)
    assert again.question != asked.question
    assert not play.sent(Side.UPSTREAM)
    assert not play.sent(Side.CLIENT), "nobody waits for the first one"
    play.saw(saw.Decided(again.ticket, hold("T-2")))
    assert "held for approval, ticket T-2" in str(play.sent(Side.CLIENT))
    play.saw(saw.Decided(again.ticket, allow()))
    assert query("delete from t")[5:] in play.sent(Side.UPSTREAM)


def test_names_that_nobody_can_read_are_not_waited_for_without_end() -> None:
    play = SignedIn(meanings=Known(is_known=False)).client(query("select 1"))
    for _ in range(MAX_LOOKS):
        play.take(do.RefreshFacts)
        play.saw(saw.FactsRefreshed())
    play.sent(Side.UPSTREAM)
    play.upstream(standing())
    for _ in range(MAX_LOOKS):
        play.take(do.RefreshFacts)
        play.saw(saw.FactsRefreshed())
    assert play.take(do.Ask).question.catalog is None


def typed(oid: int, name: str = "") -> bytes:
    return message("P", name.encode() + b"\0select $1\0\0\1" + oid.to_bytes(4))


@pytest.mark.parametrize("oid", [20_000, 20_001, 25])
@pytest.mark.parametrize("is_bound", [False, True])
def test_a_parameter_that_functions_look_at_is_not_carried(oid: int, is_bound: bool) -> None:
    bound = bind(parameters=(b"x",)) + execute() if is_bound else b""
    play = SignedIn(meanings=Known(checked=frozenset({20_000}))).client(typed(oid) + bound + SYNC).learn()
    play.answer(allow())
    sent = play.sent(Side.UPSTREAM)
    assert (POISON in sent) is (oid == 20_000)
    assert (typed(oid) in sent) is (oid != 20_000)
    refused = [wish.outcome.error for wish in play.wishes if isinstance(wish, do.Record)]
    assert refused == (["0A000"] if oid == 20_000 else [])


def test_a_type_that_functions_look_at_since_the_parse_is_not_bound() -> None:
    known = Known()
    play = SignedIn(meanings=known).client(typed(20_000, "n") + SYNC).learn().answer(allow())
    play.upstream(PARSED + ready())
    play.sent(Side.UPSTREAM)
    known.checked = frozenset({20_000})
    play.client(bind("n", parameters=(b"x",)) + execute() + SYNC).answer(allow())
    assert kinds(play.sent(Side.UPSTREAM)) == "PS"


def test_what_waits_for_people_is_given_up_when_it_cannot_be_carried() -> None:
    known = Known(checked=frozenset({20_000}))
    play = SignedIn(meanings=known).client(typed(20_000) + bind(parameters=(b"x",)) + execute() + SYNC).learn()
    play.answer(hold())
    assert [wish for wish in play.wishes if isinstance(wish, do.Withdraw)]
    assert POISON in play.sent(Side.UPSTREAM)
