"""Ending a session: recorded with who and why before it happens, and done even when it cannot be recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.core.ports import Cause, Ending
from engine.request import Principal, Resource, Session
from gateway.audit.entry import Entry, Kind
from gateway.doors.ending import MAX_COMMENT, SessionEnder
from gateway.doors.sessions import Live, OpenSessions
from gateway.errors import AuditUnavailable, SessionUnknown
from tests.strategies.gates import House


class Member:
    """An open session whose connection hears how it ends."""

    id = "s-1"

    def __init__(self) -> None:
        self.connection = self
        self.told: list[Ending] = []
        self.notes: list[str] = []

    def seen(self) -> Live:
        return Live(Session("s-1"), Principal("ana"), Resource("orders", "postgres"), 7, "allow")

    def ends(self, ending: Ending, note: str) -> None:
        self.notes.append(note)

    def was_active(self) -> bool:
        return True

    def end(self, ending: Ending) -> None:
        self.told.append(ending)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


@pytest.fixture
def member() -> Member:
    return Member()


@pytest.fixture
def ender(house: House, member: Member) -> SessionEnder:
    sessions = OpenSessions(lambda: 0.0)
    sessions.add(member, "ana", "orders")
    return SessionEnder(sessions, house.log, house.clock)


def test_who_ends_a_session_and_why_is_in_the_audit_and_the_client_is_told_why(
    ender: SessionEnder, member: Member, house: House
) -> None:
    assert ender.end("s-1", by="dora", comment="too\n slow") == member.seen()
    assert member.told == [Ending(Cause.KILLED, "an operator ended this session: too slow")]
    assert member.notes == ["KILLED by dora: too slow"]
    (entry,) = house.entries()
    assert (entry.kind, entry.step, entry.session, entry.principal) == (Kind.SESSION, "killed", "s-1", "ana")
    assert (entry.person, entry.note, entry.resource) == ("dora", "too slow", "orders")


def test_a_session_that_is_not_open_or_ending_already_cannot_be_ended(ender: SessionEnder, house: House) -> None:
    with pytest.raises(SessionUnknown):
        ender.end("s-2", by="dora", comment="")
    assert house.entries() == []
    ender.end("s-1", by="dora", comment="")
    with pytest.raises(SessionUnknown):
        ender.end("s-1", by="dora", comment="")


def test_a_reason_is_cut_and_may_be_missing(ender: SessionEnder, member: Member, house: House) -> None:
    ender.end("s-1", by="dora", comment="x" * 5_000)
    assert house.entries()[0].note == "x" * MAX_COMMENT
    assert [one.session.id for one in ender.live()] == ["s-1"]


def test_a_log_that_cannot_be_written_keeps_nobody_connected(
    ender: SessionEnder, member: Member, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(entry: Entry, **_: object) -> int:
        raise AuditUnavailable("the disk is full")

    monkeypatch.setattr(house.log, "append", full)
    ender.end("s-1", by="dora", comment="")
    assert member.told == [Ending(Cause.KILLED, "an operator ended this session")]
