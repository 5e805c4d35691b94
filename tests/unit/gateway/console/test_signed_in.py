"""Sessions of the console: only the browser's own value opens one, and each ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from gateway.console.signed_in import MAX_PER_PRINCIPAL, SignedIn, SignIns
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


def test_who_is_signed_in_is_listed_newest_first_without_those_that_are_over(sessions: SignIns) -> None:
    for number, who in enumerate(("dora", "emil", "dora")):
        begin(sessions, who, NOW + number * MINUTE)
    begin(sessions, "dora", NOW, until=NOW + MINUTE)
    now = NOW + 3 * MINUTE
    assert [(one.principal, one.opened_at) for one in sessions.alive(now)] == [
        ("dora", NOW + 2 * MINUTE),
        ("emil", NOW + MINUTE),
        ("dora", NOW),
    ]
    assert [one.principal for one in sessions.alive(now, "emil")] == ["emil"]
    assert len(sessions.alive(now, most=2)) == 2
    assert sessions.alive(NOW + 62 * MINUTE, "emil") == sessions.alive(NOW + 200 * MINUTE) == []


def test_one_that_is_taken_back_is_none_at_the_next_click_at_every_replica(sessions: SignIns, tmp_path: Path) -> None:
    value, kept = begin(sessions), begin(sessions)
    other = open_database(f"sqlite:///{tmp_path}/store.db")
    replica = SignIns(other, idle_seconds=3_600, most_seconds=12 * 3_600)
    assert (found := replica.find(value, NOW)) is not None
    assert sessions.named(found.name) == found
    done: list[str] = []
    assert sessions.take_back(found, lambda connection: done.append("told"))
    assert replica.find(value, NOW) is None
    assert replica.find(kept, NOW) is not None
    assert not sessions.take_back(found, lambda connection: done.append("twice"))
    assert done == ["told"]
    assert sessions.named(found.name) is None
    other.close()


def test_one_is_found_by_its_whole_name_only(sessions: SignIns) -> None:
    found = sessions.find(begin(sessions), NOW)
    assert found is not None
    for name in (
        "",
        "c-",
        found.name[:-1],
        found.name + "0",
        found.name.upper(),
        f"s-{found.name[2:]}",
        "c-" + "0" * 16,
    ):
        assert sessions.named(name) is None, name
    twin = SignedIn(found.id[:8] + b"x" * 24, "emil", NOW, NOW, found.facts)
    sessions.keep(twin)
    assert sessions.named(found.name) is None, "which of two that would be is not guessed"


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
