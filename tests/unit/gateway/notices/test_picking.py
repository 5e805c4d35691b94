"""A notice tells what still matters, to whom it matters."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.approvals.estimate import PENDING, Estimate, no_estimate
from gateway.approvals.states import Demand, Escalation, State, Ticket, Vote
from gateway.audit.entry import Kind
from gateway.audit.export.events import NotYet
from gateway.errors import AuditUnavailable
from gateway.notices.picking import ESTIMATE_SECONDS, UNDERWAY_SECONDS, Wanted
from gateway.notices.sparing import Sparing
from tests.strategies.notices import ALL, DENIED, HOUR, NOW, TICKET, line, told


@pytest.mark.parametrize(
    "ticket",
    [None, replace(TICKET, state=State.GRANTED), replace(TICKET, expires_at=NOW), replace(TICKET, state=State.EXPIRED)],
)
def test_a_hold_that_waits_for_nobody_any_more_is_not_told(ticket: Ticket | None) -> None:
    assert told(line(), ticket=ticket) is None


def test_a_hold_is_told_as_long_as_it_waits_and_a_step_while_it_is_news() -> None:
    late = NOW + 2 * HOUR
    assert told(line(), ticket=replace(TICKET, expires_at=late + 1), now=late) is not None
    step = line(kind=Kind.APPROVAL, step="approved", person="bo", verdict="granted", text="")
    granted = replace(TICKET, state=State.GRANTED, votes=(Vote("bo", ("dba",), True, NOW),))
    assert told(step, ticket=granted, now=NOW + HOUR // 2) is not None
    assert told(step, ticket=granted, now=late) is None


def test_a_step_is_told_once_it_counts_and_one_that_never_happened_is_not() -> None:
    step = line(kind=Kind.APPROVAL, step="approved", person="bo", verdict="granted", text="")
    refused = replace(TICKET, state=State.REFUSED, votes=(Vote("cy", ("dba",), False, NOW - 1),))
    for ticket in (TICKET, refused):
        with pytest.raises(NotYet):
            told(step, ticket=ticket)
        assert told(step, ticket=ticket, now=NOW + int(UNDERWAY_SECONDS * 1e9)) is None
    assert told(step, ticket=None) is not None
    assert told(line(kind=Kind.APPROVAL, step="lost", takes_back=6, text="")) is None


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"verdict": "allow"}, ALL),
        ({"verdict": "hold", "ticket": None}, ALL),
        ({}, Wanted(frozenset({"approved"}))),
        ({}, Wanted(frozenset({"held"}), frozenset({"other"}))),
        ({"kind": Kind.APPROVAL, "step": "used"}, ALL),
        ({"kind": Kind.SHADOW, "step": "held"}, ALL),
        ({"kind": Kind.SESSION, "step": "refused"}, ALL),
        ({"verdict": "deny", "is_dry": True}, ALL),
        ({"verdict": "deny"}, Wanted(frozenset({"held"}))),
        ({"kind": Kind.SHADOW, "verdict": "deny"}, ALL),
    ],
)
def test_what_nobody_asked_for_is_not_told(fields: dict[str, object], wanted: Wanted) -> None:
    assert told(line(**fields), wanted=wanted) is None


def test_a_denial_is_told_until_the_next_day() -> None:
    notice = told(line(DENIED), now=NOW + 23 * HOUR)
    assert notice is not None
    assert (notice.event, notice.more, notice.expires) == ("denied", 0, None)
    assert told(line(DENIED), now=NOW + 25 * HOUR) is None


def test_the_same_denial_is_told_once_an_hour_and_the_others_are_counted() -> None:
    sparing = Sparing()
    assert told(line(DENIED), sparing=sparing) is not None
    for number in range(4):
        assert told(line(DENIED, text=f"DROP TABLE t{number}"), sparing=sparing) is None
    other = told(line(DENIED, job="build-43"), sparing=sparing)
    assert other is not None
    assert other.more == 0
    again = told(line(DENIED, time=NOW + HOUR), now=NOW + HOUR + 2, sparing=sparing)
    assert again is not None
    assert again.more == 4


def test_a_notice_leads_to_the_console_and_shows_what_set_the_job_off_without_its_secrets() -> None:
    secret = "ghp_" + "".join("a1B2c3D4e5F6"[at % 12] for at in range(36))
    asked = replace(TICKET, shown=replace(TICKET.shown, prompt=f"clean up, the token is {secret}"))
    notice = told(line(), ticket=asked, link=lambda ticket: f"https://console/holds/{ticket}")
    assert notice is not None
    assert notice.link == "https://console/holds/h-1"
    assert notice.prompt.startswith("clean up")
    assert secret not in notice.prompt
    # What is to be forgotten is not sent to where nobody can destroy it.
    for fields in ({"content_key": "k-1"}, {"unreadable": True}):
        closed = told(line(**fields), ticket=asked)
        assert closed is not None
        assert (closed.prompt, closed.link) == ("", "")
    step = line(kind=Kind.APPROVAL, step="refused", person="bo", verdict="refused", text="")
    over = told(step, link=lambda ticket: f"https://console/holds/{ticket}")
    assert over is not None
    assert over.link == "https://console/holds/h-1"


def test_a_line_that_is_no_entry_is_told_as_that() -> None:
    with pytest.raises(AuditUnavailable):
        told(b"{}\n")


def test_a_hold_is_told_once_with_what_the_planner_said_or_without_after_a_moment() -> None:
    asked = replace(TICKET, shown=replace(TICKET.shown, estimate=PENDING))
    with pytest.raises(NotYet):
        told(line(), ticket=asked, now=NOW + int(ESTIMATE_SECONDS * 1e9) - 1)
    late = told(line(), ticket=asked, now=NOW + int(ESTIMATE_SECONDS * 1e9))
    assert late is not None
    assert late.estimate is None
    for estimate in (Estimate(7), no_estimate("why not")):
        known = told(line(), ticket=replace(TICKET, shown=replace(TICKET.shown, estimate=estimate)))
        assert known is not None
        assert known.estimate == estimate


ONCALL, LEADS = (
    Escalation(60, groups=("oncall",)),
    Escalation(120, users=("chief",), groups=("leads",), may_approve=True),
)
TWICE = replace(TICKET, demands=(Demand(groups=("dba",), escalate=(ONCALL, LEADS)),), told_at=(NOW, NOW))


def escalation(number: int | None) -> bytes:
    return line(kind=Kind.APPROVAL, step="escalated", verdict="requested", text="", rows=number)


@pytest.mark.parametrize("number", [None, 0, 3, -1])
def test_an_escalation_that_never_happened_is_told_to_nobody(number: int | None) -> None:
    with pytest.raises(NotYet):
        told(escalation(number), ticket=TWICE)
    assert told(escalation(number), ticket=TWICE, now=NOW + HOUR // 2) is None
    with pytest.raises(NotYet):
        told(escalation(1), ticket=replace(TWICE, told_at=(NOW - 1, NOW)))


@pytest.mark.parametrize(("number", "step"), [(1, ONCALL), (2, LEADS)])
def test_an_escalation_tells_whom_its_own_step_names_and_what_the_hold_needs(number: int, step: Escalation) -> None:
    notice = told(escalation(number), ticket=TWICE)
    assert notice is not None
    assert (notice.event, notice.told, notice.approvers, notice.expires) == (
        "escalated",
        step,
        TWICE.demands,
        NOW + HOUR,
    )


@pytest.mark.parametrize("ticket", [None, replace(TWICE, state=State.GRANTED), replace(TWICE, expires_at=NOW)])
def test_an_escalation_of_what_is_decided_is_nobodys_news(ticket: Ticket | None) -> None:
    assert told(escalation(1), ticket=ticket) is None


@pytest.mark.parametrize(
    ("group", "seen"),
    [("dba", (True, False, False)), ("oncall", (False, True, False)), ("leads", (False, False, True))],
)
def test_who_listens_for_a_group_is_told_when_it_is_asked_or_told(group: str, seen: tuple[bool, ...]) -> None:
    wanted = replace(ALL, groups=frozenset({group}))
    lines = (line(), escalation(1), escalation(2))
    assert tuple(told(one, wanted=wanted, ticket=TWICE) is not None for one in lines) == seen
    step = line(kind=Kind.APPROVAL, step="approved", person="bo", verdict="granted", text="")
    voted = replace(TWICE, votes=(Vote("bo", ("dba",), True, NOW),))
    assert told(step, wanted=wanted, ticket=voted) is not None
