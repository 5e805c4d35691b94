"""A session of the gate: what it records of its commands, and what it is told when it cannot. The rest is in `test_adapters`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from adapters.core.ports import Answer, Cause, Ending, Outcome, Part, Question, Screen, Target
from adapters.errors import RecorderFailed
from engine.decision import Obligation, Verdict
from engine.request import Json
from gateway.approvals.states import Approved, Person
from gateway.doors.adapters import Doors
from gateway.doors.resources import Directory, Place
from gateway.doors.session import GatewaySession
from gateway.identity.people import Known, People
from gateway.recording import shelf
from gateway.recording.exchanges import Asked, Done, Line, read_line
from gateway.recording.keys import WrappingKeys
from gateway.recording.recorder import Recordings
from tests.strategies.gates import ALLOW, ANA, HOLD, ORDERS, House, told
from tests.strategies.lanes import ANSWER, COMMAND, lane_of
from tests.unit.gateway.doors.test_adapters import Lines

KEYS = WrappingKeys([b"k" * 32])
KEPT = (Obligation("record", ["results"], "p/K"),)


@dataclass
class Client:
    """Whose connection it is."""

    endings: list[Ending] = field(default_factory=list)

    def was_active(self) -> bool:
        return True

    def end(self, ending: Ending) -> None:
        self.endings.append(ending)


@dataclass
class Place_:
    house: House
    recordings: Recordings
    session: GatewaySession
    client: Client

    def ask(self, text: str, *, is_exchange: bool = True) -> Answer:
        answer = self.session.decide(Question("postgres", text.encode(), is_exchange=is_exchange))
        assert isinstance(answer, Answer)
        return answer

    async def ask_of_people(self, text: str) -> Answer:
        return await told(self.session.decide(Question("postgres", text.encode(), is_exchange=True)))

    def lines(self) -> list[Line]:
        self.session.close("bye")
        (path,) = shelf.files(self.house.folder / "recordings")
        return [read_line(line) for line in shelf.lines(path, KEYS)]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place_]:
    house = House(tmp_path)
    recordings = Recordings(tmp_path / "recordings", KEYS, house.clock, lambda progress: None, low_water_bytes=0)
    doors = Doors(
        gate=house.gate,
        log=house.log,
        people=People([Known(ANA, None, None)], b"k" * 32),
        directory=Directory([Place(ORDERS, Target("db", 5432, "gateway"))]),
        clock=house.clock,
        meters=house.meters,
        recordings=recordings,
    )
    session = doors.admit(
        user="ana", resource="orders", protocol="postgres", proven=True, client_address=None, application=None
    )
    assert isinstance(session, GatewaySession)
    client = Client()
    session.watch(client)
    yield Place_(house, recordings, session, client)
    recordings.close()
    house.close()


def test_nothing_is_recorded_where_nobody_demands_it(here: Place_) -> None:
    assert here.ask("SELECT 1").decision.is_granted
    here.session.finished("d-1", Outcome())
    with pytest.raises(RecorderFailed):
        here.session.show("d-1", Part())
    here.session.close("bye")
    assert shelf.files(here.house.folder / "recordings") == []


def test_who_records_in_another_way_begins_none_here(here: Place_) -> None:
    here.house.policies.decision = replace(ALLOW, obligations=KEPT)
    assert here.ask("SELECT 1", is_exchange=False).decision.is_granted
    assert shelf.files(here.house.folder / "recordings") == []


def test_from_the_first_demand_on_all_is_in_one_file(here: Place_) -> None:
    here.ask("SELECT 1")
    here.house.policies.decision = replace(ALLOW, obligations=KEPT)
    kept = here.ask("SELECT 2")
    here.session.show(kept.decision_id, Part(rows=(("1",),)))
    here.session.finished(kept.decision_id, Outcome(1))
    here.house.policies.decision = ALLOW
    here.ask("SELECT 3")
    texts = [one.text for one in here.lines() if isinstance(one, Asked)]
    assert texts == ["SELECT 2", "SELECT 3"]


def test_what_cannot_be_recorded_is_denied_told_to_the_audit_and_ends_the_session(here: Place_) -> None:
    here.house.policies.decision = replace(ALLOW, obligations=KEPT)
    assert here.ask("SELECT 1").decision.is_granted
    here.recordings.close()
    answer = here.ask("SELECT 2")
    assert answer.decision.verdict is Verdict.DENY
    assert [one.cause for one in here.client.endings] == [Cause.UNRECORDED]
    outcomes = [entry for entry in here.house.entries() if entry.kind == "outcome"]
    assert [(one.decision_id, one.error) for one in outcomes] == [(answer.decision_id, "RECORDER_FAILED")]
    here.house.policies.decision = ALLOW
    assert not here.ask("SELECT 3").decision.is_granted
    here.session.close("bye")
    assert "RECORDER_FAILED" in here.house.entries()[-1].note


def test_once_a_session_records_no_answer_is_given_again_past_the_recording(here: Place_) -> None:
    here.house.policies.decision = replace(ALLOW, cacheable=True)
    again = [here.ask("SELECT 1").again for _ in range(3)][-1]
    assert again is not None
    assert here.session.give_again(again, Lines())
    lane = lane_of(again, here.session.leave(again))
    assert lane.carry(COMMAND, 1.0) is not None
    lane.answer(ANSWER, 1.0)
    here.house.policies.decision = replace(ALLOW, obligations=KEPT)
    here.ask("SELECT 2")
    assert not here.session.give_again(again, Lines())
    assert lane.carry(COMMAND, 1.0) is None
    assert here.session.leave(again) is None
    assert [one.text for one in here.lines() if isinstance(one, Asked)] == ["SELECT 2"]


async def test_a_hold_and_what_became_of_it_are_both_there(here: Place_) -> None:
    here.house.policies.decision = replace(HOLD, obligations=KEPT)
    held = await here.ask_of_people("DELETE FROM t")
    assert held.ticket is not None
    waiting = asyncio.ensure_future(here.session.fate(held.ticket))
    await asyncio.sleep(0)
    here.house.gate.advance(held.ticket, Approved(Person("lea", frozenset({"dba"})), "yes"))
    answer = await waiting
    assert answer.decision.is_granted
    here.session.finished(answer.decision_id, Outcome(4))
    first, second, done, _ = here.lines()
    assert isinstance(first, Asked)
    assert isinstance(second, Asked)
    assert (first.verdict, first.ticket, second.verdict, second.text) == ("hold", held.ticket, "allow", first.text)
    assert isinstance(done, Done)
    assert (done.id, done.rows) == (second.id, 4)


async def test_a_grant_that_demands_what_the_hold_did_not_is_recorded(here: Place_) -> None:
    here.house.policies.judging = lambda asked, now, approval: (
        HOLD if approval is None else replace(ALLOW, obligations=KEPT)
    )
    held = await here.ask_of_people("DELETE FROM t")
    assert held.ticket is not None
    here.house.gate.advance(held.ticket, Approved(Person("lea", frozenset({"dba"})), "yes"))
    assert (await here.session.fate(held.ticket)).decision.is_granted
    assert [one.text for one in here.lines() if isinstance(one, Asked)] == ["DELETE FROM t"]


def test_a_hold_that_cannot_be_recorded_is_withdrawn(here: Place_) -> None:
    here.recordings.close()
    here.house.policies.decision = replace(HOLD, obligations=KEPT)
    answer = here.ask("DELETE FROM t")
    assert answer.decision.verdict is Verdict.DENY
    steps = [entry.step for entry in here.house.entries() if entry.kind == "approval"]
    assert steps == ["withdrawn"]


async def test_a_grant_of_people_that_cannot_be_recorded_does_not_run(here: Place_) -> None:
    here.house.policies.decision = replace(HOLD, obligations=KEPT)
    held = await here.ask_of_people("DELETE FROM t")
    assert held.ticket is not None
    here.recordings.close()
    here.house.gate.advance(held.ticket, Approved(Person("lea", frozenset({"dba"})), "yes"))
    assert not (await here.session.fate(held.ticket)).decision.is_granted
    assert [one.cause for one in here.client.endings] == [Cause.UNRECORDED]


async def test_exchanges_that_wait_are_bounded_and_one_that_was_forgotten_does_not_run_unrecorded(
    here: Place_, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.doors.session.MAX_HELD", 5_000)
    here.house.policies.judging = lambda asked, now, approval: (
        HOLD if approval is None else replace(ALLOW, obligations=KEPT if b"kept" in asked.question.text else ())
    )
    tickets = []
    for number in range(10):
        word = "kept" if number % 2 else "plain"
        held = await here.ask_of_people(f"DELETE FROM t{number} /* {word} {'x' * 2_000} */")
        assert held.ticket is not None
        tickets.append(held.ticket)
    kept = [one for one in here.session._held.values() if one is not None]
    assert sum(len(one.text) for one in kept) <= 5_000
    for ticket in (tickets[0], tickets[1], tickets[-1]):
        here.house.gate.advance(ticket, Approved(Person("lea", frozenset({"dba"})), "yes"))
    fates = [await here.session.fate(one) for one in (tickets[0], tickets[1], tickets[-1])]
    assert [one.decision.is_granted for one in fates] == [True, False, True]


def test_the_audit_is_told_over_which_connection_a_session_reaches_its_target(here: Place_) -> None:
    here.session.reached_over("a connection of the pool, backend 7")
    entry = here.house.entries()[-1]
    assert (entry.kind, entry.step, entry.session) == ("session", "connected", here.session.id)
    assert (entry.resource, entry.note) == ("orders", "a connection of the pool, backend 7")


@pytest.mark.parametrize(
    ("value", "screen", "goes_on"),
    [(["best_effort"], None, True), (["best_effort"], Screen(80, 24, "xterm"), False), (True, None, False)],
)
async def test_best_effort_is_for_what_says_so_and_never_for_a_terminal(
    here: Place_, value: Json, screen: Screen | None, goes_on: bool
) -> None:
    here.house.policies.judging = lambda asked, now, approval: (
        HOLD if approval is None else replace(ALLOW, obligations=(Obligation("record", value, "p/K"),))
    )
    here.house.policies.decision = replace(ALLOW, obligations=(Obligation("record", value, "p/K"),))
    held = await told(here.session.decide(Question("ssh", b"ls")))
    assert held.ticket is not None
    here.house.gate.advance(held.ticket, Approved(Person("lea", frozenset({"dba"})), "yes"))
    answer = await here.session.fate(held.ticket)
    here.recordings.close()
    if goes_on:
        here.session.record(answer.decision_id, screen, pytest.fail).output(b"x")
        here.session.finished(answer.decision_id, Outcome())
    with pytest.raises(RecorderFailed):
        here.session.record(answer.decision_id, screen, pytest.fail)
