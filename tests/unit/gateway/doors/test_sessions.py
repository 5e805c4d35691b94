"""Open sessions: counted, swept by their limits, ended once and with a note."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from adapters.core.ports import Cause, Connection, Ending
from engine.request import Principal, Resource, Session
from gateway.doors.resources import NO_LIMITS, Limits
from gateway.doors.sessions import Live, OpenSessions


@dataclass
class Wire:
    is_active: bool = False
    endings: list[Ending] = field(default_factory=list)

    def was_active(self) -> bool:
        active, self.is_active = self.is_active, False
        return active

    def end(self, ending: Ending) -> None:
        self.endings.append(ending)


@dataclass
class Member:
    id: str
    wire: Wire | None = field(default_factory=Wire)
    notes: list[str] = field(default_factory=list)

    @property
    def connection(self) -> Connection | None:
        return self.wire

    def seen(self) -> Live:
        return Live(Session(self.id), Principal("ana"), Resource("orders", "postgres"), 7)

    def ends(self, ending: Ending, note: str) -> None:
        self.notes.append(note)


class House:
    def __init__(self, **limits: float) -> None:
        self.now = 100.0
        self.limits = Limits(**limits)  # type: ignore[arg-type]  # fields of a test
        self.sessions = OpenSessions(lambda: self.now)

    def opened(self, name: str = "s-1", principal: str = "ana") -> Member:
        member = Member(name)
        self.sessions.add(member, principal, "orders")
        return member

    def sweep(self, at: float, *void: tuple[str, str]) -> None:
        self.now = 100.0 + at
        self.sessions.sweep(lambda name: self.limits if name == "orders" else NO_LIMITS, void)


def causes(member: Member) -> list[Cause]:
    assert member.wire is not None
    return [ending.cause for ending in member.wire.endings]


def test_sessions_are_counted_by_principal_and_resource_until_they_are_over() -> None:
    house = House()
    house.opened("s-1")
    house.opened("s-2")
    house.opened("s-3", "bo")
    assert [house.sessions.count(*key) for key in (("ana", "orders"), ("bo", "orders"), ("ana", "many"))] == [2, 1, 0]
    house.sessions.remove("s-1")
    house.sessions.remove("s-1")
    assert house.sessions.count("ana", "orders") == 1
    assert [one.session.id for one in house.sessions.live()] == ["s-2", "s-3"]
    assert house.sessions.find("s-1") is None
    assert house.sessions.find("s-2") is not None


def test_without_limits_nothing_ends_by_itself() -> None:
    house = House()
    member = house.opened()
    house.sweep(10**9)
    assert causes(member) == []


def test_a_session_ends_when_it_was_idle_for_too_long_and_not_before() -> None:
    house = House(idle_seconds=5)
    member = house.opened()
    house.sweep(4.9)
    assert causes(member) == []
    house.sweep(5)
    assert causes(member) == [Cause.IDLE]
    assert member.notes == ["IDLE_LIMIT nothing was asked for 5 s, and a session may be idle no longer here"]
    house.sweep(60)
    assert len(causes(member)) == 1


def test_a_session_that_was_active_is_idle_from_then_on() -> None:
    house = House(idle_seconds=5)
    member = house.opened()
    for moment in (4, 8, 12):
        assert member.wire is not None
        member.wire.is_active = True
        house.sweep(moment)
    house.sweep(16.9)
    assert causes(member) == []
    house.sweep(17)
    assert causes(member) == [Cause.IDLE]


def test_a_session_ends_at_its_lifetime_however_active_it_is() -> None:
    house = House(idle_seconds=5, lifetime_seconds=10)
    member = house.opened()
    for moment in (3, 6, 9, 10):
        assert member.wire is not None
        member.wire.is_active = True
        house.sweep(moment)
    assert causes(member) == [Cause.LIFETIME]
    assert member.notes[0].startswith("LIFETIME_LIMIT ")


def test_a_session_whose_login_was_taken_back_ends_also_while_it_is_ending_already() -> None:
    house = House(lifetime_seconds=10)
    member, other = house.opened("s-1"), house.opened("s-2")
    house.sweep(10)
    house.sweep(11, ("s-1", "the token was revoked"), ("s-9", "gone"))
    house.sweep(12, ("s-1", "the token was revoked"))
    assert causes(member) == [Cause.LIFETIME, Cause.REVOKED]
    assert member.notes[-1] == "LOGIN_REVOKED the token was revoked"
    assert causes(other) == [Cause.LIFETIME]


def test_a_session_is_killed_once_with_the_note_of_who_did() -> None:
    house = House()
    member = house.opened()
    assert house.sessions.end("s-1", Ending(Cause.KILLED, "ended by an operator"), "by dora: too slow")
    assert not house.sessions.end("s-1", Ending(Cause.KILLED, "again"))
    assert not house.sessions.end("s-1", Ending(Cause.LIFETIME, "again"))
    assert not house.sessions.end("s-2", Ending(Cause.KILLED, "nobody"))
    assert member.notes == ["KILLED by dora: too slow"]


@pytest.mark.parametrize("seconds", [5, 10**6])
def test_a_session_that_nobody_has_said_whose_it_is_cannot_be_ended(seconds: float) -> None:
    house = House(idle_seconds=5)
    member = Member("s-1", None)
    house.sessions.add(member, "ana", "orders")
    house.sweep(seconds)
    assert member.notes == []
    assert not house.sessions.end("s-1", Ending(Cause.KILLED, "x"))


def test_who_looks_on_is_told_of_each_session_once() -> None:
    told: list[str] = []

    class Looks:
        def opened(self, live: Live) -> None:
            told.append(f"opened {live.session.id}")

        def closed(self, session_id: str) -> None:
            told.append(f"closed {session_id}")

        def reached(self, session_id: str, seconds: float, is_reached: bool) -> None:
            told.append(f"reached {session_id} {seconds:g} {is_reached}")

    sessions = OpenSessions(lambda: 0.0, Looks())
    sessions.add(Member("s-1"), "ana", "orders")
    sessions.reached("s-1", 0.5, True)
    sessions.remove("s-1")
    sessions.remove("s-1")
    assert told == ["opened s-1", "reached s-1 0.5 True", "closed s-1"]


def test_a_session_ends_with_the_credential_that_goes_with_its_requests() -> None:
    house = House()
    member = Member("s-1")
    house.sessions.add(member, "ana", "orders", 5.0)
    house.sweep(4.9)
    assert causes(member) == []
    house.sweep(5.0)
    assert causes(member) == [Cause.LIFETIME]
