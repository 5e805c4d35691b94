"""No failure anywhere lets a command through: errors are thrown at every port of the gate, at any moment.

Whatever happens, what comes out as granted was recorded as granted, was granted by the policy, and a held command ran at
most once and only after its approval.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from adapters.core.ports import Answer
from engine.decision import Decision, Verdict
from engine.errors import EngineError
from gateway.approvals.notify import Bell
from gateway.approvals.states import Approved, Person
from gateway.approvals.store import Approvals
from gateway.audit.entry import Kind
from gateway.errors import AuditUnavailable, GatewayError, StoreUnavailable
from gateway.store.database import open_database
from tests.strategies.gates import ALLOW, DENY, HOLD, MASK, House, asked

PORTS = (
    ("policies", "judge"),
    ("log", "append"),
    ("clock", "__call__"),
    ("approvals", "find"),
    ("approvals", "request"),
    ("approvals", "get"),
    ("approvals", "_replace"),
    ("approvals", "advance"),
    ("database", "begin"),
    ("gate", "_count"),
    ("gate", "_link"),
    ("gate", "_keys_for"),
    ("bell", "waiters"),
    ("bell", "ring"),
)
ERRORS = (ValueError, KeyError, OSError, RecursionError, MemoryError, EngineError, StoreUnavailable, AuditUnavailable)

faults = st.dictionaries(
    st.tuples(st.sampled_from(PORTS), st.integers(1, 6)), st.sampled_from(ERRORS), min_size=1, max_size=3
)


@contextmanager
def failing(house: House, plan: dict[tuple[tuple[str, str], int], type[Exception]]) -> Iterator[None]:
    """The house with calls that fail as planned: port, number of the call, error."""
    patch = pytest.MonkeyPatch()
    for (owner, name), _ in plan:
        holder: Any = house.approvals.bell if owner == "bell" else getattr(house, owner)
        if name == "__call__":
            real = house.clock.__call__
            target, attribute = house.gate, "_clock"
        else:
            real, target, attribute = getattr(holder, name), holder, name
        patch.setattr(
            target, attribute, _wrapped(real, {n: e for (port, n), e in plan.items() if port == (owner, name)})
        )
    try:
        yield
    finally:
        patch.undo()


def _wrapped(real: Callable[..., Any], errors: dict[int, type[Exception]]) -> Callable[..., Any]:
    calls = [0]

    def call(*arguments: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] in errors:
            raise errors[calls[0]]("planned")
        return real(*arguments, **named)

    return call


def check(house: House, answers: list[Answer], policy: Decision) -> None:
    granted = [answer for answer in answers if answer.decision.is_granted]
    entries = [entry for entry in house.entries() if entry.kind is Kind.DECISION]
    recorded = {entry.decision_id for entry in entries if entry.verdict in ("allow", "mask")}
    assert {answer.decision_id for answer in granted} <= recorded
    assert policy.verdict is not Verdict.DENY or not granted
    if policy.verdict is Verdict.HOLD:
        assert len(granted) <= 1
        assert all(entry.ticket and entry.approvers == ("bo",) for entry in entries if entry.verdict == "allow")


@settings(max_examples=250, deadline=None)
@given(st.sampled_from([ALLOW, DENY, MASK, HOLD]), faults, st.booleans())
def test_no_failure_at_any_port_lets_a_command_through(
    policy: Decision, plan: dict[tuple[tuple[str, str], int], type[Exception]], approves: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder))
        beside = open_database(f"sqlite:///{folder}/store.db")
        try:
            house.policies.decision = policy
            unharmed = Approvals(beside, Bell())

            def is_over(ticket: str) -> bool:
                found = unharmed.get(ticket)
                return found is None or found.is_over

            with failing(house, plan):
                answers = [house.gate.decide(asked("DELETE FROM orders")) for _ in range(2)]
                tickets = {answer.ticket for answer in answers if answer.ticket}
                for ticket in sorted(tickets):
                    if approves:
                        _try(lambda ticket=ticket: house.gate.advance(ticket, Approved(Person("bo", ("dba",)))))
                    if not is_over(ticket):
                        house.clock.pass_seconds(601)  # nobody waits for real
                    answers += [asyncio.run(house.gate.fate(ticket)) for _ in range(2)]
                answers.append(house.gate.decide(asked("DELETE FROM orders")))
                answers.append(house.gate.decide(changed(asked("DELETE FROM orders"), is_dry=True)))
            if not approves and policy.verdict is Verdict.HOLD:
                assert not any(answer.decision.is_granted for answer in answers)
            check(house, answers, policy)
        finally:
            beside.close()
            house.close()


def _try(action: Callable[[], object]) -> None:
    """An approver's call may fail in any way; that is theirs to see."""
    try:
        action()
    except (GatewayError, *ERRORS):
        return


def test_the_test_sees_a_gate_that_answers_before_it_records(tmp_path: Path) -> None:
    house = House(tmp_path)
    grant = Answer(ALLOW, "d-never-recorded")
    with pytest.raises(AssertionError):
        check(house, [grant], ALLOW)
    with pytest.raises(AssertionError):
        check(house, [house.gate.decide(asked())], DENY)
    house.close()
