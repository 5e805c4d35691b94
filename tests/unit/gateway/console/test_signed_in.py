"""Sessions of the console: only the browser's own value opens one, and each ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from gateway.console.signed_in import MAX_PER_PRINCIPAL, SignIns
from gateway.errors import StoreUnavailable
from gateway.store.database import Database, open_database
from gateway.store.migrations import upgrade
from gateway.store.tables import console_sessions

NOW = 1_800_000_000 * 10**9
MINUTE = 60 * 10**9


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = open_database(f"sqlite:///{tmp_path}/store.db")
    upgrade(made)
    yield made
    made.close()


@pytest.fixture
def sessions(database: Database) -> SignIns:
    return SignIns(database, idle_seconds=3_600, most_seconds=12 * 3_600)


def begin(sessions: SignIns, who: str = "dora", now: int = NOW, **facts: object) -> str:
    value, session = sessions.prepare(who, "secret", now, "10.0.0.9", **facts)
    sessions.keep(session)
    return value


def test_a_value_opens_its_own_session_only(sessions: SignIns) -> None:
    value, other = begin(sessions), begin(sessions, "emil")
    found = sessions.find(value, NOW)
    assert found is not None
    assert (found.principal, found.facts.way, found.facts.address) == ("dora", "secret", "10.0.0.9")
    assert found.name.startswith("c-")
    assert value != other
    for wrong in (None, "", value[:-1], value + "x", "x" * 5_000, "\u00e9", found.facts.csrf):
        assert sessions.find(wrong, NOW) is None


def test_the_store_does_not_hold_what_a_browser_holds(sessions: SignIns, database: Database) -> None:
    value = begin(sessions)
    with database.begin() as connection:
        row = connection.execute(select(console_sessions)).one()
    assert value.encode() not in bytes(row.id)
    assert value not in row.body


def test_it_ends_after_a_while_without_a_click(sessions: SignIns) -> None:
    value = begin(sessions)
    assert sessions.find(value, NOW + 50 * MINUTE) is not None
    assert sessions.find(value, NOW + 100 * MINUTE) is not None, "the click fifty minutes ago counts"
    assert sessions.find(value, NOW + 161 * MINUTE) is None
    assert sessions.find(value, NOW + 161 * MINUTE - 2 * MINUTE) is None, "what ended stays ended"


def test_what_the_page_asks_by_itself_is_no_click(sessions: SignIns) -> None:
    value = begin(sessions)
    assert sessions.find(value, NOW + 50 * MINUTE, is_click=False) is not None
    assert sessions.find(value, NOW + 61 * MINUTE) is None


def test_it_ends_after_some_hours_in_any_case(sessions: SignIns) -> None:
    value = begin(sessions)
    for minute in range(30, 720, 30):
        assert sessions.find(value, NOW + minute * MINUTE) is not None
    assert sessions.find(value, NOW + 721 * MINUTE) is None


def test_what_a_provider_proved_ends_when_the_proof_does(sessions: SignIns) -> None:
    value = begin(sessions, groups=("dba",), roles=("approver",), until=NOW + 5 * MINUTE)
    found = sessions.find(value, NOW + 4 * MINUTE)
    assert found is not None
    assert (found.facts.groups, found.facts.roles) == (("dba",), ("approver",))
    assert sessions.find(value, NOW + 5 * MINUTE) is None


def test_signing_out_and_sweeping_forget_it(sessions: SignIns) -> None:
    value = begin(sessions)
    found = sessions.find(value, NOW)
    assert found is not None
    sessions.end(found)
    assert sessions.find(value, NOW) is None
    begin(sessions)
    sessions.sweep(NOW + 30 * MINUTE)
    assert sessions.count() == 1
    sessions.sweep(NOW + 61 * MINUTE)
    assert sessions.count() == 0


def test_somebody_with_too_many_loses_the_oldest(sessions: SignIns) -> None:
    values = [begin(sessions, now=NOW + number) for number in range(MAX_PER_PRINCIPAL + 3)]
    begin(sessions, "emil")
    alive = [sessions.find(value, NOW + 100) is not None for value in values]
    assert alive == [False] * 3 + [True] * MAX_PER_PRINCIPAL


def test_a_session_that_cannot_be_read_is_none(sessions: SignIns, database: Database) -> None:
    value = begin(sessions)
    with database.begin() as connection:
        connection.execute(update(console_sessions).values(body="{"))
    with pytest.raises(StoreUnavailable):
        sessions.find(value, NOW)
