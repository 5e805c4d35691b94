"""The words of a notice, whoever it is for: a title, facts, the command, in plain text. Pure.

Texts come from people and agents who may be hostile: control characters go, and nothing that turns text round stays.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from gateway.approvals.estimate import step_lines, summary
from gateway.approvals.states import Demand
from gateway.identity.speaking import JOB, OWN_WORD
from gateway.notices.picking import DENIED, ESCALATED, HELD, Notice

MAX_COMMAND = 2_000
"""Characters of a command that are shown; Slack takes 3,000 in a block."""
MAX_WORD = 300
MAX_STEPS = 6
"""Nodes of a plan that a notice lists."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def title_of(notice: Notice) -> str:
    """One line: who, where, what."""
    entry = notice.entry
    who, where = _line(entry.principal), _line(entry.resource)
    if notice.event == HELD:
        return f"{who} waits for approval on {where}"
    if notice.event == ESCALATED:
        told = "" if notice.told is None else f": {_line(notice.told.people)} told"
        return f"{who} still waits for approval on {where}{told}"
    if notice.event == DENIED:
        return f"{who} was denied a command on {where}"
    person = f" by {_line(entry.person)}" if entry.person else ""
    return f"What {who} asked for on {where} was {notice.event}{person}"


def command_of(notice: Notice) -> str:
    """The command as it is shown; empty when the entry holds none."""
    return plain(notice.entry.text, MAX_COMMAND)


def rules_of(notice: Notice) -> list[str]:
    """The rules that held or denied it."""
    kind = "deny" if notice.event == DENIED else "hold"
    return [rule for rule, what in notice.entry.rules if what == kind]


def facts_of(notice: Notice) -> list[tuple[str, str]]:
    """What else there is to know, as names and values."""
    entry = notice.entry
    is_denied = notice.event == DENIED
    found = [("decision", entry.decision_id)] if is_denied else [("ticket", entry.ticket or "")]
    if entry.job:
        found.append(("job", f"{entry.job}{OWN_WORD}" if JOB in notice.stated else entry.job))
    if entry.principal_kind:
        found.append(("who", f"{entry.principal_kind} {entry.principal}"))
    if notice.prompt:
        found.append(("prompt", notice.prompt))
    if rules := rules_of(notice):
        found.append(("denied by" if is_denied else "held by", ", ".join(rules)))
    if is_denied and entry.deny_kind:
        found.append(("because of", entry.deny_kind))
    if notice.approvers:
        found.append(("needs", "; ".join(_demand(one) for one in notice.approvers)))
    if notice.unusual:
        found.append(("unusual", notice.unusual))
    if notice.lately:
        found.append(("before it", ", ".join(f"{name} {value}" for name, value in notice.lately)))
    if notice.estimate is not None:
        steps = [" ".join(line.split()) for line in step_lines(notice.estimate)[:MAX_STEPS]]
        found.append(("would touch", "; ".join([summary(notice.estimate), *steps])))
    if notice.expires is not None:
        found.append(("until", moment(notice.expires)))
        found.append(("answer with", f"sallyport approve {entry.ticket}  or  sallyport refuse {entry.ticket}"))
    if notice.link:
        found.append(("see it at", notice.link))
    if entry.note:
        found.append(("said", entry.note))
    if notice.more:
        found.append(("not told before", f"{notice.more} more like it"))
    return [(name, plain(value, MAX_WORD)) for name, value in found]


def moment(nanoseconds: int) -> str:
    """UTC nanoseconds as people and programs read them (RFC 3339)."""
    return datetime.fromtimestamp(nanoseconds // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def plain(text: str, most: int) -> str:
    """Without what paints, hides or turns text round; cut where it is too long."""
    shown = _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def _line(text: str) -> str:
    return plain(" ".join(text.split()), 80)


def _demand(demand: Demand) -> str:
    who = [*(f"group {name}" for name in demand.groups), *demand.users]
    return f"{demand.quorum} of {', '.join(who)}"
