"""Remembered approvals for the services: with the command that was approved, which its ticket shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.approvals.lasting import LastingApproval
from gateway.approvals.states import Person
from gateway.approvals.store import Approvals
from gateway.recalling import Recalling


@dataclass(frozen=True, slots=True)
class RememberedCommand:
    """One of them. Times are UTC nanoseconds; `text` is empty where its ticket is gone, and then it counts for nothing."""

    id: str
    ticket: str
    principal: str
    resource: str
    job: str
    rules: Sequence[str]
    approvers: Sequence[str]
    granted_at: int
    expires_at: int
    uses: int
    text: str


def remembered_commands(approvals: Approvals, now: int, principal: str | None = None) -> list[RememberedCommand]:
    """Those that count at a time (UTC nanoseconds), newest first. `principal`: only that one's."""
    return [_with_text(approvals, one) for one in approvals.lasting.alive(now, principal)]


def take_back(approvals: Approvals, recalling: Recalling, remembered_id: str, person: Person) -> RememberedCommand:
    """End one. Raises ApprovalConflict, AuditUnavailable, StoreUnavailable."""
    return _with_text(approvals, recalling.take_back(remembered_id, person))


def _with_text(approvals: Approvals, one: LastingApproval) -> RememberedCommand:
    ticket = approvals.get(one.ticket)
    return RememberedCommand(
        *(one.id, one.ticket, one.principal, one.resource, one.job, one.rules, one.approvers),
        *(one.granted_at, one.expires_at, one.uses, "" if ticket is None else ticket.text),
    )
