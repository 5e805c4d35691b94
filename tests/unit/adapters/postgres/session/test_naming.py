"""PREPARE, EXECUTE, DEALLOCATE and cursors of SQL share their names with the protocol's own."""

from __future__ import annotations

import pytest

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import Answer
from adapters.postgres.facts import Piece, Sort
from adapters.postgres.session.names import Change
from adapters.postgres.session.naming import change_of, is_fetch, may_execute
from engine.command.tree import Access, Command, Operation, ParsedCommand, Target
from engine.command.tree import Effect as CommandEffect
from tests.wire import (
    BOUND,
    NO_DATA,
    OWN,
    PARSED,
    POISON,
    SYNC,
    Known,
    SignedIn,
    allow,
    bind,
    deny,
    describe,
    described,
    error,
    execute,
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
    tree,
)


def named(kind: str) -> object:
    return allow(command=tree(kind, CommandEffect.SESSION))


def done(text: str) -> bytes:
    return PARSED + BOUND + NO_DATA + tag(text) + ready()


def prepared(play: SignedIn) -> SignedIn:
    play.client(query("PREPARE n2 (int) AS select c from t where a = $1")).learn().answer(named("prepare"))
    play.upstream(done("PREPARE"))
    play.wishes.clear()
    return play


@pytest.mark.parametrize(
    ("sort", "change"),
    [
        (Sort.PREPARE, Change.STATEMENT),
        (Sort.DEALLOCATE, Change.NO_STATEMENT),
        (Sort.DEALLOCATE_ALL, Change.NO_STATEMENTS),
        (Sort.DISCARD_ALL, Change.NOTHING_LEFT),
        (Sort.CLOSE, Change.NO_PORTAL),
        (Sort.CLOSE_ALL, Change.NO_PORTALS),
        (Sort.PLAIN, None),
        (Sort.EXECUTE, None),
        (Sort.DECLARE, Change.CURSOR),
    ],
)
def test_each_statement_changes_names_in_its_way(sort: Sort, change: Change | None) -> None:
    found = change_of(Piece(b"", sort, b"n", b"select 1", 0))
    assert (found.change if found else None) is change


def test_a_statement_that_sql_prepared_is_judged_by_its_own_text_when_the_protocol_binds_it() -> None:
    play = prepared(SignedIn())
    play.client(bind("n2") + execute() + SYNC)
    assert play.take(do.Ask).question.text == b" select c from t where a = $1"


def test_a_prepare_that_fails_leaves_no_name() -> None:
    play = SignedIn().client(query("prepare n as select nope")).learn().answer(named("prepare"))
    play.upstream(error("42703") + ready())
    play.sent(Side.UPSTREAM)
    play.client(bind("n") + SYNC)
    assert OWN in split(play.sent(Side.UPSTREAM))[0][1]


@pytest.mark.parametrize("text", ["deallocate n2", "deallocate all", "discard all"])
def test_what_sql_ends_the_protocol_has_no_more(text: str) -> None:
    play = prepared(SignedIn())
    play.client(query(text)).answer(named(text.split()[0])).upstream(done(text.upper()))
    play.sent(Side.UPSTREAM)
    play.client(bind("n2") + SYNC)
    if "discard" in text:
        assert b"sallyport_own" in play.sent(Side.UPSTREAM)
    else:
        assert split(play.sent(Side.UPSTREAM))[0][1].startswith(b"\0" + OWN)


def test_the_gate_is_told_what_execute_runs() -> None:
    known = Known()
    play = prepared(SignedIn(meanings=known))
    play.client(query("EXECUTE n2 (1)"))
    assert known.handles[-1] == (("pg_catalog", "public"), {"n2": " select c from t where a = $1"})
    assert play.take(do.Ask).question.catalog == "handle"


def test_a_statement_of_the_protocol_can_be_executed_by_sql_and_is_told_too() -> None:
    known = Known()
    play = SignedIn(meanings=known)
    play.client(parse("delete from t", "n") + SYNC).learn().answer(allow())
    play.upstream(PARSED + ready())
    play.client(query("execute n"))
    assert known.handles[-1][1] == {"n": "delete from t"}


def test_a_text_without_the_word_runs_nothing_prepared() -> None:
    assert may_execute(b"ExEcUtE p")
    assert not may_execute(b"select 1")
    assert not is_fetch(b"select 1 fetch first row only")


def declaring(name: str = "c") -> ParsedCommand:
    made = Operation("declare_cursor", CommandEffect.SESSION, ("top",), (Target("cursor", name, Access.CREATE),))
    return ParsedCommand.of(Command("postgres", "", "", (made,), complete=True))


def declared(query_text: str = "select d from t", name: str = "c") -> tuple[SignedIn, Known]:
    known = Known()
    play = SignedIn(meanings=known).client(query(f"declare {name} cursor for {query_text}")).learn()
    play.answer(allow(command=declaring(name))).upstream(PARSED + BOUND + NO_DATA + tag("DECLARE CURSOR") + ready("T"))
    play.sent(Side.UPSTREAM)
    return play, known


@pytest.mark.parametrize("text", ["FETCH 5 FROM c", " fetch c", "\n\tFeTcH ALL IN c"])
def test_the_gate_is_told_what_a_cursor_fetches(text: str) -> None:
    play, known = declared()
    assert known.cursors[-1] == {"c": " select d from t"}
    play.client(query(text))
    assert play.take(do.Ask).question.catalog == "c: select d from t"


@pytest.mark.parametrize("text", ["fetch d", "/* c */ fetch c", "fetch c; fetch c"])
def test_of_others_it_is_told_none(text: str) -> None:
    play, _ = declared()
    play.client(query(text))
    assert play.take(do.Ask).question.catalog == "handle"


def test_what_names_meant_when_it_was_declared_is_what_counts() -> None:
    play, known = declared()
    known.is_known = False
    play.client(query("fetch c"))
    while not any(isinstance(wish, do.Ask) for wish in play.wishes):
        play.take(do.RefreshFacts)
        play.saw(saw.FactsRefreshed())
    assert play.take(do.Ask).question.catalog == "c: select d from t"


@pytest.mark.parametrize(
    ("before", "answer"),
    [
        (parse("declare c cursor for select e from t") + bind() + execute(), allow(command=declaring())),
        (parse("select 1", "s") + bind("s", "c"), allow()),
        (
            parse("do $$ x $$") + bind() + execute(),
            allow(command=tree("do", CommandEffect.EXECUTE, features=("opaque_code",))),
        ),
    ],
)
def test_behind_what_makes_another_one_of_its_name_a_cursor_is_not_known(before: bytes, answer: Answer) -> None:
    play, _ = declared()
    play.client(before + parse("fetch c", "f") + bind("f", "p") + execute("p") + SYNC)
    play.answer(answer)
    while kinds(play.sent(Side.UPSTREAM)) == "PBECCS":
        play.upstream(standing())
    assert play.take(do.Ask).question.catalog in ("handle", None)


def test_a_masked_cursor_is_made_as_it_is_and_its_rows_are_masked_where_they_are_fetched() -> None:
    known = Known()
    play = SignedIn(meanings=known).client(query("declare c cursor for select c from t")).learn()
    play.answer(mask(kind="declare_cursor"))
    assert kinds(play.sent(Side.UPSTREAM)) == "PBDES"
    play.upstream(PARSED + BOUND + NO_DATA + tag("DECLARE CURSOR") + ready("T"))
    assert kinds(play.sent(Side.CLIENT)) == "CZ"


def test_an_execute_runs_what_it_was_decided_by_or_nothing() -> None:
    play = SignedIn(meanings=Known()).client(parse("select d from t", "n") + SYNC).learn().answer(allow())
    play.upstream(PARSED + ready())
    play.sent(Side.UPSTREAM)
    again = message("C", b"Sn\0") + parse("select c from t", "n") + parse("execute n") + bind() + execute() + SYNC
    play.client(again).answer(named("execute_prepared")).answer(mask())
    sent = split(play.sent(Side.UPSTREAM))
    assert [kind for kind, _ in sent] == ["C", "P", "P", "B", "E", "S"]
    assert OWN in sent[4][1]
    assert [wish.outcome.error for wish in play.wishes if isinstance(wish, do.Record)] == ["0A000"]


def test_a_fetch_that_was_bound_before_its_cursor_was_made_anew_runs_nothing() -> None:
    play, _ = declared()
    play.client(parse("fetch c", "f") + bind("f", "p") + SYNC).answer(named("fetch"))
    play.upstream(PARSED + BOUND + ready("T"))
    play.client(query("close c")).answer(named("close_cursor")).upstream(
        PARSED + BOUND + NO_DATA + tag("CLOSE CURSOR") + ready("T")
    )
    play.client(query("declare c cursor for select c from t"))
    play.answer(mask(kind="declare_cursor")).upstream(PARSED + BOUND + NO_DATA + tag("DECLARE CURSOR") + ready("T"))
    play.sent(Side.UPSTREAM)
    play.client(execute("p") + SYNC)
    assert OWN in split(play.sent(Side.UPSTREAM))[0][1]


def test_a_fetch_of_the_same_cursor_runs() -> None:
    play, _ = declared()
    play.client(parse("fetch c", "f") + bind("f", "p") + SYNC).answer(named("fetch"))
    play.upstream(PARSED + BOUND + ready("T"))
    play.sent(Side.UPSTREAM)
    play.client(execute("p") + SYNC)
    assert play.sent(Side.UPSTREAM) == execute("p") + SYNC


def test_fetch_does_not_reach_around_the_mask_of_a_portal() -> None:
    play = (
        SignedIn()
        .client(query("begin"))
        .learn()
        .answer(allow())
        .upstream(PARSED + BOUND + NO_DATA + tag("BEGIN") + ready("T"))
    )
    play.client(parse("select c from t") + bind(portal="c1") + execute("c1", 1) + SYNC).answer(mask())
    play.upstream(PARSED + BOUND + described("c"))
    play.upstream(row("secret") + message("s") + ready("T"))
    play.sent(Side.UPSTREAM)
    play.client(query("fetch all from c1")).answer(named("fetch"))
    assert play.sent(Side.UPSTREAM) == POISON + SYNC
    play.client(message("X"))


def test_set_to_the_value_the_parser_reads_by_is_harmless_and_to_another_is_refused() -> None:
    setting = allow(command=lexer())
    play = SignedIn().client(query("SET standard_conforming_strings = on")).learn().answer(setting)
    assert play.sent(Side.UPSTREAM).startswith(parse("SET standard_conforming_strings = on"))
    play = SignedIn().client(query("SET standard_conforming_strings = off")).learn().answer(setting)
    assert play.sent(Side.UPSTREAM) == POISON + SYNC
    data = parse("SET client_encoding = 'SJIS'") + bind() + execute() + SYNC
    play = SignedIn().client(data).learn().answer(setting)
    assert play.sent(Side.UPSTREAM) == POISON + SYNC


def lexer() -> object:
    from engine._native import parse_sql
    from engine.command.tree import ParsedCommand

    return ParsedCommand(parse_sql(b"SET standard_conforming_strings = on"))


def test_a_denied_prepare_is_no_name() -> None:
    play = SignedIn().client(query("prepare n as delete from t")).learn().answer(deny())
    play.upstream(error("42601") + ready())
    play.sent(Side.UPSTREAM)
    play.client(bind("n") + SYNC)
    assert OWN in split(play.sent(Side.UPSTREAM))[0][1]


def test_a_cursor_of_sql_can_be_described_but_not_executed_by_the_protocol() -> None:
    play = SignedIn().client(query("declare c cursor with hold for select 1")).learn().answer(named("declare_cursor"))
    play.upstream(done("DECLARE CURSOR"))
    play.sent(Side.UPSTREAM)
    play.client(describe("P", "c") + SYNC)
    assert split(play.sent(Side.UPSTREAM))[0] == ("D", b"Pc\0")
    play.upstream(described("a") + ready())
    play.client(execute("c") + SYNC)
    assert split(play.sent(Side.UPSTREAM))[0][1].startswith(OWN)
