"""The denials that are the gate's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.decision import DenyKind, Verdict
from engine.errors import EngineError, InputInvalid, NativeFailure
from gateway.approvals.states import Binding, Shown, State, Ticket
from gateway.denials import closed, denial_of, is_askers, no_policy, not_recorded, refused
from gateway.errors import ApprovalConflict, AuditUnavailable, StoreUnavailable


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InputInvalid("`principal.name` is empty"), DenyKind.INPUT_INVALID),
        (NativeFailure("a panic"), DenyKind.EVAL_ERROR),
        (EngineError("x"), DenyKind.EVAL_ERROR),
        (StoreUnavailable("x"), DenyKind.APPROVAL_REFUSED),
        (ApprovalConflict("x", code="TOO_MANY_HOLDS"), DenyKind.APPROVAL_REFUSED),
        (AuditUnavailable("x"), DenyKind.AUDIT_UNAVAILABLE),
        (ValueError("hunter2"), DenyKind.INTERNAL),
        (RecursionError("hunter2"), DenyKind.INTERNAL),
        (MemoryError(), DenyKind.INTERNAL),
    ],
)
def test_every_error_is_a_deny_of_its_kind_without_the_words_of_strangers(error: Exception, kind: DenyKind) -> None:
    decision = denial_of(error)
    assert decision.verdict is Verdict.DENY
    assert decision.deny_kind is kind
    assert "hunter2" not in str(decision)


@pytest.mark.parametrize(
    ("error", "is_theirs"),
    [
        (InputInvalid("the command is longer than 8 bytes"), True),
        (ApprovalConflict("x", code="TOO_MANY_HOLDS"), True),
        (ApprovalConflict("x", code="TICKET_CLOSED"), True),
        (ApprovalConflict("x", code="DEMAND_INVALID"), False),
        (ApprovalConflict("x", code="NO_TREE"), False),
        (StoreUnavailable("x"), False),
        (AuditUnavailable("x"), False),
        (EngineError("x"), False),
        (ValueError("x"), False),
    ],
)
def test_an_operator_is_alarmed_by_what_an_operator_can_mend(error: Exception, is_theirs: bool) -> None:
    assert is_askers(error) is is_theirs


def test_each_has_a_kind_and_a_code_that_clients_can_tell_apart() -> None:
    found = [(one.deny_kind, one.reasons[0].code) for one in (no_policy(), not_recorded(), refused("x", "y"))]
    assert found == [
        (DenyKind.STALE_POLICY, "STALE_POLICY"),
        (DenyKind.AUDIT_UNAVAILABLE, "SECRET_IN_TEXT"),
        (DenyKind.APPROVAL_REFUSED, "APPROVAL_REFUSED"),
    ]


def test_a_hold_that_came_to_nothing_says_how_it_ended_and_who_refused_it() -> None:
    binding = Binding("ana", "orders", "postgres", "d" * 64, "", "", "r1")
    ticket = Ticket("h-1", binding, (), (), 1, 2, Shown("DELETE"), state=State.REFUSED)
    ticket = replace(ticket, closed_by="dora", reason="not today")
    assert closed(ticket).reasons[0].reason == "the approval was refused by dora: not today"
    assert closed(replace(ticket, state=State.EXPIRED, reason="")).reasons[0].reason == "the approval was expired"
