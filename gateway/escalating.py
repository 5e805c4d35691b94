"""Holds that nobody decides are told again, to those whom the policy names next. Called every so often by the gate.

Each step is a step of the ticket, so that of many replicas one takes it; its entry in the audit is what notices tell of.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.approvals.states import Escalated, Step, Ticket
from gateway.approvals.store import Approvals
from gateway.errors import ApprovalConflict, GatewayError
from gateway.telemetry import logger


def escalate_due(approvals: Approvals, advance: Callable[[str, Step], Ticket], now: int) -> list[Ticket]:
    """Take the escalations that are due at `now` (UTC nanoseconds); the tickets of those that were taken here. Never raises.

    `advance` takes a step of a ticket, and records it.
    """
    taken: list[Ticket] = []
    try:
        for ticket in approvals.to_escalate(now):
            try:
                taken.append(advance(ticket, Escalated()))
            except ApprovalConflict:
                continue  # WHY: somebody decided, or another replica was faster
    except GatewayError as error:
        logger("gate").warning("holds could not be told again", code=error.code)
    return taken
