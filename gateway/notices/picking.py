"""What of the audit is somebody's news: a command that waits for people, what became of it, one that was denied. Pure.

Called by `gateway.app`, entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.masking.patterns import hide_secrets
from gateway.approvals.estimate import Estimate
from gateway.approvals.states import Demand, Escalation, Ticket
from gateway.audit.entry import Entry, Kind, decode
from gateway.audit.export.events import NotYet
from gateway.audit.export.shapes import uid_of
from gateway.errors import AuditUnavailable
from gateway.notices.sparing import Sparing
from gateway.stepping import is_so

STALE_SECONDS = 3600.0
"""Older steps are nobody's news: after a long absence only what still waits is told."""
DENIED_SECONDS = 86_400.0
"""A denial is looked into the next morning too."""

ESTIMATE_SECONDS = 4.0
"""So long a held command is not told of while its planner is being asked: people are told once, with what it said."""

UNDERWAY_SECONDS = 10.0
"""So long a recorded step may take to count in the store."""

HELD = "held"
ESCALATED = "escalated"
DENIED = "denied"
_STEPS = frozenset({"approved", "refused", "expired", "withdrawn", "superseded"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to be told of. No `resources`: of all. `groups`: of holds only those that ask, or now tell, one of them."""

    events: frozenset[str]
    resources: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell. `approvers` says whose yes is needed; `expires` is UTC nanoseconds; `more` counts denials of the
    same kind that were not told since the last one was."""

    event: str
    uid: str
    entry: Entry
    approvers: Sequence[Demand] = ()
    expires: int | None = None
    more: int = 0
    estimate: Estimate | None = None
    lately: Sequence[tuple[str, int]] = ()
    unusual: str = ""
    stated: Sequence[str] = ()
    told: Escalation | None = None
    """Who is told because nobody has decided."""
    link: str = ""
    """Where the console shows it; empty where there is none."""
    prompt: str = ""
    """What set the job off, without secrets; empty where contents are to be forgotten: what is sent can not be destroyed."""


Look = Callable[[str], Ticket | None]
Link = Callable[[str], str | None]


def notice_of(
    line: bytes, log: str, wanted: Wanted, look: Look, sparing: Sparing, now: int, link: Link = lambda ticket: None
) -> Notice | None:
    """What a line of the audit has to tell; None when that is nothing, or nothing any more. `look` finds a ticket, `link` its
    page, `now` is UTC nanoseconds. Raises AuditUnavailable, and NotYet for what is to be told a moment later."""
    try:
        entry = decode(line)
    except ValueError as error:
        raise AuditUnavailable("the log holds a line that is no entry", code="AUDIT_ALTERED") from error
    event = _event_of(entry)
    if event not in wanted.events or (wanted.resources and entry.resource not in wanted.resources):
        return None
    uid = uid_of(log, entry.seq)
    if event in (HELD, ESCALATED):
        ticket = look(entry.ticket or "")
        if ticket is None or not ticket.is_open or ticket.expires_at <= now:
            return None
        told = None
        if event == ESCALATED:
            if not is_so(ticket, entry):
                _wait_while_underway(entry, now)
                return None
            told = ticket.escalations[(entry.rows or 1) - 1]
        asked = told.groups if told is not None else [group for demand in ticket.demands for group in demand.groups]
        if wanted.groups and wanted.groups.isdisjoint(asked):
            return None
        estimate = ticket.shown.estimate
        if estimate is not None and estimate.is_pending:
            if now - ticket.requested_at < ESTIMATE_SECONDS * 1e9:
                raise NotYet
            estimate = None
        known = (estimate, ticket.lately, ticket.unusual, ticket.stated, told)
        prompt = "" if entry.content_key or entry.unreadable else hide_secrets(ticket.shown.prompt or "")
        page = link(ticket.id) or ""
        return Notice(event, uid, entry, ticket.demands, ticket.expires_at, 0, *known, link=page, prompt=prompt)
    age = (now - entry.time) / 1e9
    if age > (DENIED_SECONDS if event == DENIED else STALE_SECONDS):
        return None
    if event != DENIED:
        ticket = look(entry.ticket or "")
        if ticket is not None and not is_so(ticket, entry):
            _wait_while_underway(entry, now)
            return None
        return Notice(event, uid, entry, link=link(entry.ticket or "") or "")
    more = sparing.tell((entry.principal, entry.job, entry.resource, entry.rules), now / 1e9)
    return None if more is None else Notice(event, uid, entry, more=more)


def _wait_while_underway(entry: Entry, now: int) -> None:
    """A step is recorded before it counts, and may yet lose: nobody is told of what never happened. Raises NotYet."""
    if now - entry.time < UNDERWAY_SECONDS * 1e9:
        raise NotYet


def _event_of(entry: Entry) -> str | None:
    if entry.kind is Kind.DECISION and entry.verdict == "hold" and entry.ticket is not None:
        return HELD
    if entry.kind is Kind.DECISION and entry.verdict == "deny" and not entry.is_dry:
        return DENIED
    if entry.kind is Kind.APPROVAL and entry.ticket is not None and entry.step in (*_STEPS, ESCALATED):
        return entry.step
    return None
