"""What a hold comes to where nobody waits for it any more: nothing is released, and what was opened is taken back. The rest is in `test_gate`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.core.ports import Answer, Pending
from engine.decision import Verdict
from gateway.approvals.states import Approved, Person, State, Ticket, Used
from gateway.aside import Aside, TooLate, Turn
from gateway.errors import ApprovalConflict
from gateway.gate import Gate
from gateway.holding import tree_of
from tests.strategies.gates import HOLD, House, asked, told

BO = Person("bo", ("dba",))


class Slow:
    """A call of the store that takes as long as a test wants; what it does it does behind that."""

    def __init__(self, call: Callable[..., object]) -> None:
        self.call = call
        self.begun, self.answers = threading.Event(), threading.Event()

    def __call__(self, *what: object, **how: object) -> object:
        self.begun.set()
        assert self.answers.wait(30)
        return self.call(*what, **how)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    built = House(tmp_path)
    built.policies.decision = HOLD
    yield built
    built.close()


def impatient(house: House) -> Gate:
    house.gate.close()
    house.gate = house.build(aside=Aside(0.05))
    return house.gate


def slow(house: House, name: str, monkeypatch: pytest.MonkeyPatch) -> Slow:
    made = Slow(getattr(house.approvals, name))
    monkeypatch.setattr(house.approvals, name, made)
    return made


async def test_a_hold_that_cannot_be_opened_in_time_is_denied_and_taken_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, store = impatient(house), slow(house, "request", monkeypatch)
    answer = await told(gate.decide_here(asked("DELETE FROM orders")))
    assert answer.decision.verdict is Verdict.DENY
    assert "approvals cannot be asked for" in answer.decision.reasons[0].reason
    store.answers.set()
    gate.close()
    (ticket,) = house.approvals.recent((), 10)
    assert ticket.state is State.WITHDRAWN
    assert gate._waiting.find(ticket.id) is None
    assert [(one.kind, one.verdict, one.step) for one in house.entries()] == [
        ("decision", "deny", ""),
        ("approval", "withdrawn", "withdrawn"),
    ]


async def granted(house: House, gate: Gate, text: str) -> str:
    held = await told(gate.decide_here(asked(text)))
    assert held.ticket is not None
    gate.advance(held.ticket, Approved(BO))
    return held.ticket


async def test_a_grant_that_is_found_too_late_stays_for_the_next_try(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = impatient(house)
    ticket = await granted(house, gate, "DELETE FROM orders")
    store = slow(house, "find", monkeypatch)
    assert not (await told(gate.decide_here(asked("DELETE FROM orders")))).decision.is_granted
    store.answers.set()
    gate.close()
    found = house.approvals.get(ticket)
    assert found is not None
    assert found.is_usable
    assert house.build().decide(asked("DELETE FROM orders")).decision.is_granted
    assert not house.build().decide(asked("DELETE FROM orders")).decision.is_granted


async def test_a_grant_that_was_used_too_late_releases_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = impatient(house)
    ticket = await granted(house, gate, "DELETE FROM orders")
    store = slow(house, "_replace", monkeypatch)
    assert not (await gate.fate(ticket)).decision.is_granted
    store.answers.set()
    gate.close()
    assert not gate.settle(ticket).decision.is_granted
    found = house.approvals.get(ticket)
    assert found is not None
    assert not found.is_usable
    assert [one.verdict for one in house.entries() if one.kind == "decision"] == ["hold", "deny"]


def _use(house: House, ticket: Ticket) -> None:
    house.gate.advance(ticket.id, Used(ticket.binding))


async def test_a_grant_that_somebody_else_used_just_now_is_asked_for_anew(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await granted(house, house.gate, "DELETE FROM orders")
    find = house.approvals.find

    def found_and_used(*what: object) -> Ticket | None:
        ticket = find(*what)  # type: ignore[arg-type]  # a test's
        if ticket is not None:
            _use(house, ticket)
        return ticket

    monkeypatch.setattr(house.approvals, "find", found_and_used)
    answer = await told(house.gate.decide_here(asked("DELETE FROM orders")))
    assert answer.decision.verdict is Verdict.HOLD
    assert answer.ticket not in (first, None)


async def test_who_waits_for_a_grant_that_somebody_else_used_is_told_so(house: House) -> None:
    name = await granted(house, house.gate, "DELETE FROM orders")
    ticket = house.approvals.get(name)
    assert ticket is not None
    _use(house, ticket)
    answer = await house.gate.fate(name)
    assert answer.decision.reasons[0].reason == "the approval was used already"
    last = house.entries()[-1]
    assert (last.kind, last.verdict, last.ticket) == ("decision", "deny", name)


async def test_a_conflict_over_a_grant_that_is_there_is_no_grant(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    name = await granted(house, house.gate, "DELETE FROM orders")

    def fought_over(*what: object) -> Ticket:
        raise ApprovalConflict("changed at the same time", code="CONTENDED")

    monkeypatch.setattr(house.gate, "advance", fought_over)
    for answer in (await told(house.gate.decide_here(asked("DELETE FROM orders"))), await house.gate.fate(name)):
        assert answer.decision.verdict is Verdict.DENY
        assert "changed at the same time" in answer.decision.reasons[0].reason


async def test_the_loop_does_not_wait_for_a_hold_to_be_taken_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = await told(house.gate.decide_here(asked("DELETE FROM orders")))
    assert held.ticket is not None
    store = slow(house, "advance", monkeypatch)
    house.gate.withdraw(held.ticket, "the client is gone")
    assert store.begun.wait(30)
    store.answers.set()
    house.gate.close()
    assert _state(house, held.ticket) is State.WITHDRAWN


async def test_who_leaves_before_the_hold_is_opened_leaves_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = slow(house, "request", monkeypatch)
    pending = house.gate.decide_here(asked("DELETE FROM orders"))
    assert isinstance(pending, Pending)
    asking = asyncio.ensure_future(pending)
    while not store.begun.is_set():
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    store.answers.set()
    house.gate.close()
    assert [ticket.state for ticket in house.approvals.recent((), 10)] == [State.WITHDRAWN]
    assert [one.kind for one in house.entries()] == ["approval"]


@pytest.mark.parametrize("is_granted", [True, False])
async def test_an_answer_whose_session_is_gone_is_undone(
    house: House, monkeypatch: pytest.MonkeyPatch, is_granted: bool
) -> None:
    ticket = await granted(house, house.gate, "DELETE FROM orders") if is_granted else ""
    recorded, go_on = threading.Event(), threading.Event()
    record = house.gate.record

    def slowly(*what: object) -> Answer:
        answer = record(*what)  # type: ignore[arg-type]  # a test's
        recorded.set()
        assert go_on.wait(30)
        return answer

    monkeypatch.setattr(house.gate, "record", slowly)
    asking = asyncio.ensure_future(told(house.gate.decide_here(asked("DELETE FROM orders"))))
    while not recorded.is_set():
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    go_on.set()
    wanted = ("outcome", "CLIENT_GONE") if is_granted else ("approval", None)
    while (last := house.entries()[-1]).kind != wanted[0]:
        await asyncio.sleep(0)
    assert last.error == wanted[1]
    house.gate.close()
    if not is_granted:
        (one,) = house.approvals.recent((), 10)
        assert one.state is State.WITHDRAWN
    else:
        assert not house.gate.settle(ticket).decision.is_granted


def test_a_turn_that_is_over_says_nothing(house: House) -> None:
    turn = Turn()
    turn.give_up()
    with pytest.raises(TooLate):
        house.gate.settle("h-none", turn)
    assert house.entries() == []


def test_a_hold_without_a_tree_is_a_denial(house: House) -> None:
    house.policies.is_exact = False
    assert house.gate.decide(asked("DELETE FROM orders")).decision.verdict is Verdict.DENY
    assert tree_of.__doc__


def _state(house: House, ticket: str) -> State:
    found: Ticket | None = house.approvals.get(ticket)
    assert found is not None
    return found.state
