from __future__ import annotations

import pytest

from adapters.errors import PeerProtocolError
from adapters.postgres.session.names import (
    ALL,
    NOT_KNOWN,
    UNNAMED_GOES,
    Change,
    Cursor,
    NameChange,
    Names,
    Planned,
    Portal,
    Run,
    Statement,
)
from tests.wire import allow

STATEMENT = Statement(b"select 1")
MADE = NameChange(Change.STATEMENT, b"n", STATEMENT)


def test_a_name_exists_when_the_server_says_so_and_not_before() -> None:
    names = Names()
    names.sent(MADE)
    assert b"n" not in names.statements
    assert names.is_moving(b"n", is_portal=False)
    names.settled(MADE, done=True)
    assert names.statements == {b"n": STATEMENT}
    assert not names.is_moving(b"n", is_portal=False)


def test_a_parse_that_fails_leaves_the_old_statement() -> None:
    names = Names()
    names.statements[b"n"] = Statement(b"old")
    names.sent(MADE)
    names.settled(MADE, done=False)
    assert names.statements == {b"n": Statement(b"old")}


def test_an_unnamed_parse_that_fails_leaves_nothing() -> None:
    names = Names()
    names.statements[b""] = Statement(b"old")
    made = NameChange(Change.STATEMENT, b"", STATEMENT)
    names.sent(made)
    assert names.has_unnamed
    names.settled(made, done=False)
    assert not names.has_unnamed


def test_the_unnamed_statement_goes_with_a_simple_query_even_when_that_fails() -> None:
    names = Names()
    names.statements[b""] = Statement(b"old")
    names.sent(UNNAMED_GOES)
    names.settled(UNNAMED_GOES, done=False)
    assert names.statements == {}


def test_two_changes_of_one_name_are_both_waited_for() -> None:
    names = Names()
    names.sent(MADE)
    names.sent(MADE)
    names.settled(MADE, done=True)
    assert names.is_moving(b"n", is_portal=False)


def test_a_change_of_all_names_moves_each() -> None:
    names = Names()
    every = NameChange(Change.NO_STATEMENTS, ALL)
    names.sent(every)
    assert names.is_moving(b"n", is_portal=False)
    assert not names.is_moving(b"n", is_portal=True)
    names.statements[b"n"] = STATEMENT
    names.settled(every, done=True)
    assert names.statements == {}


def test_what_ran_in_a_portal_that_is_gone_is_there_to_be_told() -> None:
    names = Names()
    first, second, third = (Portal(STATEMENT, Run(allow(), 0.0)) for _ in range(3))
    for change in (
        NameChange(Change.PORTAL, b"p", first),
        NameChange(Change.PORTAL, b"p", second),
        NameChange(Change.PORTAL, b"q", third),
        NameChange(Change.NO_PORTAL, b"q"),
        NameChange(Change.NO_PORTAL, b"q"),
        NameChange(Change.NO_PORTALS),
    ):
        names.confirm(change)
    assert names.ended == [first.run, third.run, second.run]
    assert not names.portals


def test_portals_come_and_go_by_name() -> None:
    names = Names()
    portal = Portal(STATEMENT, Run(allow(), 0.0))
    for change, left in (
        (NameChange(Change.PORTAL, b"c", portal), {b"c": portal}),
        (NameChange(Change.NO_PORTAL, b"c"), {}),
        (NameChange(Change.PORTAL, b"c", portal), {b"c": portal}),
        (NameChange(Change.NO_PORTALS), {}),
    ):
        names.sent(change)
        names.settled(change, done=True)
        assert names.portals == left


def test_the_number_of_names_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.postgres.session.names.MAX_STATEMENTS", 1)
    names = Names()
    names.statements[b"a"] = STATEMENT
    names.sent(MADE)
    with pytest.raises(PeerProtocolError) as refused:
        names.settled(MADE, done=True)
    assert refused.value.code == "54000"


@pytest.mark.parametrize(
    ("change", "thing"),
    [
        (Change.STATEMENT, Statement(b"x" * 2_000)),
        (Change.PORTAL, Portal(Statement(b"x" * 2_000), Run(allow(), 0.0))),
        (Change.CURSOR, Cursor(None, 2_000)),
    ],
)
def test_what_is_behind_all_names_is_bounded_in_bytes(
    monkeypatch: pytest.MonkeyPatch, change: Change, thing: Statement | Portal | Cursor
) -> None:
    monkeypatch.setattr("adapters.postgres.session.names.MAX_BYTES", 20_000)
    names = Names()
    for _ in range(100):
        # The same name again and again: what was behind it before is gone.
        names.confirm(NameChange(change, b"n", thing))
    more = [NameChange(change, b"%d" % number, thing) for number in range(100)]
    with pytest.raises(PeerProtocolError) as refused:
        any(map(names.confirm, more))
    assert refused.value.code == "54000"
    assert len(names.statements) + len(names.portals) + len(names.cursors) < 9


def test_on_another_connection_every_statement_is_missing_until_it_is_made_there() -> None:
    names = Names()
    names.statements |= {b"n": STATEMENT, b"m": STATEMENT}
    names.cursors[b"c"] = NOT_KNOWN
    changes = names.changes
    names.moved()
    assert names.changes > changes
    assert not names.cursors
    assert names.missing(b"n") is STATEMENT
    assert names.missing(b"other") is None
    names.sent(MADE)
    assert names.missing(b"n") is None
    names.settled(MADE, done=False)
    assert names.missing(b"n") is STATEMENT
    names.sent(MADE)
    names.settled(MADE, done=True)
    assert names.missing(b"n") is None
    assert names.elsewhere == {b"m"}


@pytest.mark.parametrize(
    "change",
    [
        NameChange(Change.NO_STATEMENT, b"n"),
        NameChange(Change.NO_STATEMENTS, ALL),
        NameChange(Change.NOTHING_LEFT, ALL),
    ],
)
def test_a_statement_that_is_gone_is_missing_nowhere(change: NameChange) -> None:
    names = Names()
    names.statements[b"n"] = STATEMENT
    names.moved()
    names.confirm(change)
    assert (names.elsewhere, names.missing(b"n")) == (set(), None)


def test_an_unnamed_statement_that_cannot_be_made_again_is_gone() -> None:
    names = Names()
    names.statements[b""] = STATEMENT
    names.moved()
    made = NameChange(Change.STATEMENT, b"", STATEMENT)
    names.sent(made)
    names.settled(made, done=False)
    assert (names.statements, names.elsewhere) == ({}, set())


def test_statements_are_planned_by_the_names_of_when_the_first_was_made_until_the_server_forgets_its_plans() -> None:
    names = Names()
    assert names.is_planned_by("first")
    names.sent(MADE)
    assert not names.is_planned_by("second"), "one is on its way"
    names.settled(MADE, done=True)
    assert names.is_planned_by("first")
    assert not names.is_planned_by("second")
    anew = NameChange(Change.PLANNED, ALL, Planned("second"))
    for done in (False, True):
        names.sent(anew)
        assert names.is_any_moving
        names.settled(anew, done=done)
        assert names.is_planned_by("second") is done
