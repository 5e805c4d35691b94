"""What a ticket binds to, and which holds nobody could approve."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.decision import Decision, Hold
from engine.request import Resource, Session
from gateway.approvals.ticketing import MAX_SHOWN_TEXT, binding_of, ticket_for
from gateway.errors import ApprovalConflict
from tests.strategies.gates import ANA, HOLD, ORDERS, SESSION, parse

TREE = parse(b"DELETE FROM orders")
BOUND = binding_of(ANA, SESSION, ORDERS, TREE, ("1",), "r1")


def test_the_same_thing_binds_the_same() -> None:
    assert binding_of(ANA, replace(SESSION, id="s-2"), ORDERS, parse(b"DELETE FROM orders"), ("1",), "r1") == BOUND


@pytest.mark.parametrize(
    ("session", "resource"),
    [
        (SESSION, replace(ORDERS, database="other")),
        (SESSION, replace(ORDERS, role="other")),
        (replace(SESSION, state={"role": "admin"}), ORDERS),
        (replace(SESSION, state={"search_path": ["evil"]}), ORDERS),
    ],
)
def test_another_place_or_role_is_another_meaning(session: Session, resource: Resource) -> None:
    assert binding_of(ANA, session, resource, TREE, ("1",), "r1") != BOUND


def test_another_job_or_prompt_is_another_binding() -> None:
    for session, prompt in ((replace(SESSION, job="other"), None), (replace(SESSION, job=None), None), (SESSION, "x")):
        assert binding_of(ANA, session, ORDERS, TREE, ("1",), "r1", prompt) != BOUND
    prompts = {
        binding_of(ANA, SESSION, ORDERS, TREE, None, "r1", prompt).prompt for prompt in (None, "", "x", "\ud800")
    }
    assert len(prompts) == 4


def test_a_ticket_shows_what_people_need() -> None:
    new = ticket_for(BOUND, HOLD, TREE, SESSION, 1_000)
    assert new.shown.text == "DELETE FROM orders"
    assert new.expires_at == 1_000 + 600 * 10**9
    assert (new.rules, new.reason) == (("p/WRITE",), "a DBA looks at it")


@pytest.mark.parametrize(
    ("decision", "code"),
    [
        (replace(HOLD, hold=None), "DEMAND_INVALID"),
        (replace(HOLD, hold=Hold(({"groups": ["dba"]},), 0, ())), "DEMAND_INVALID"),
        (replace(HOLD, hold=Hold((), 60, ())), "DEMAND_INVALID"),
    ],
)
def test_a_hold_that_nobody_could_approve_is_none(decision: Decision, code: str) -> None:
    with pytest.raises(ApprovalConflict) as caught:
        ticket_for(BOUND, decision, TREE, SESSION, 1)
    assert caught.value.code == code


def test_what_nobody_can_read_nobody_approves() -> None:
    with pytest.raises(ApprovalConflict) as caught:
        ticket_for(BOUND, HOLD, parse(b"x" * (MAX_SHOWN_TEXT + 1)), SESSION, 1)
    assert caught.value.code == "TOO_LONG_TO_APPROVE"
