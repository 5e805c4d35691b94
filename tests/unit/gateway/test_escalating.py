"""Holds that nobody decides are told again: once a step, recorded, and by one of many gates."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.decision import Hold, Verdict
from gateway.approvals.notify import Bell
from gateway.approvals.states import Approved, Escalated, Person, Step, Ticket
from gateway.approvals.store import Approvals
from gateway.errors import StoreUnavailable
from gateway.escalating import escalate_due
from tests.strategies.gates import HOLD, House, asked

STEPS = [
    {"after": 60, "groups": ["oncall"], "users": [], "may_approve": False},
    {"after": 120, "groups": ["leads"], "users": ["chief"], "may_approve": True},
]
FOLLOWED = replace(HOLD, hold=Hold(({"groups": ["dba"], "quorum": 1, "escalate": STEPS},), 600, ("p/WRITE",)))  # type: ignore[dict-item]  # plain values
CHIEF = Person("chief")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    built = House(tmp_path)
    built.policies.decision = FOLLOWED
    yield built
    built.close()


def look(house: House) -> list[str]:
    return [one.id for one in escalate_due(house.approvals, house.gate.advance, house.clock())]


def test_nobody_else_is_told_before_the_time_and_each_step_once(house: House) -> None:
    answer = house.gate.decide(asked("DELETE FROM orders"))
    assert (answer.decision.verdict, look(house)) == (Verdict.HOLD, [])
    for _ in range(2):
        house.clock.pass_seconds(60)
        assert look(house) == [answer.ticket]
        assert look(house) == []
    told = [(one.rows, one.note) for one in house.entries() if one.step == "escalated"]
    assert told == [
        (1, "nobody decided in 60 s: group oncall told"),
        (2, "nobody decided in 120 s: group leads and chief told, who may approve"),
    ]
    assert answer.ticket is not None
    house.gate.advance(answer.ticket, Approved(CHIEF))
    assert house.gate.settle(answer.ticket).decision.is_granted


def test_what_is_decided_is_told_to_nobody_else(house: House) -> None:
    ticket = house.gate.decide(asked("DELETE FROM orders")).ticket
    assert ticket is not None
    house.gate.advance(ticket, Approved(Person("bo", ("dba",))))
    house.clock.pass_seconds(130)
    assert look(house) == []


def test_of_gates_that_look_at_once_one_takes_the_step(house: House) -> None:
    house.gate.decide(asked("DELETE FROM orders"))
    house.clock.pass_seconds(60)
    start, taken, now = threading.Barrier(4), list[Ticket](), house.clock()

    def race() -> None:
        mine = Approvals(house.database, Bell())
        start.wait()
        taken.extend(escalate_due(mine, lambda ticket, event: mine.advance(ticket, event, now), now))

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.escalated for one in taken] == [1]


def test_a_store_that_does_not_answer_is_asked_again_later(house: House) -> None:
    house.gate.decide(asked("DELETE FROM orders"))
    house.clock.pass_seconds(60)

    def fail(ticket: str, event: Step) -> Ticket:
        assert event == Escalated()
        raise StoreUnavailable("gone")

    assert escalate_due(house.approvals, fail, house.clock()) == []
    assert len(look(house)) == 1
