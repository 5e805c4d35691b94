"""What people are told when a command is held, and what became of it: for a webhook, for Slack, for Microsoft Teams. Pure.

Texts come from people and agents who may be hostile: nothing in them is taken for markup, and control characters go.
Called by `gateway.app`, entry by entry of the audit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from gateway.approvals.states import Demand, Ticket
from gateway.audit.entry import Entry, Kind, decode
from gateway.audit.export.events import Event, Severity
from gateway.audit.export.shapes import uid_of
from gateway.errors import AuditUnavailable

STALE_SECONDS = 3600.0
"""Older steps are nobody's news: after a long absence only what still waits is told."""
MAX_COMMAND = 2_000
"""Characters of a command that are shown; Slack takes 3,000 in a block."""
MAX_WORD = 300
_ENCODE = msgspec.json.Encoder().encode
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")

HELD = "held"
_STEPS = frozenset({"approved", "refused", "expired", "withdrawn", "superseded"})


class Form(StrEnum):
    """Whom a message is for."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    TEAMS = "teams"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to be told of. No `resources`: of all."""

    events: frozenset[str]
    resources: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell. `approvers` says whose yes is needed; `expires` is UTC nanoseconds."""

    event: str
    uid: str
    entry: Entry
    approvers: Sequence[Demand] = ()
    expires: int | None = None


Look = Callable[[str], Ticket | None]


def notice_of(line: bytes, log: str, wanted: Wanted, look: Look, now: int) -> Notice | None:
    """What a line of the audit has to tell; None when that is nothing, or nothing any more. `look` finds a ticket."""
    try:
        entry = decode(line)
    except ValueError as error:
        raise AuditUnavailable("the log holds a line that is no entry", code="AUDIT_ALTERED") from error
    is_hold = entry.kind is Kind.DECISION and entry.verdict == "hold"
    event = HELD if is_hold else entry.step
    is_step = entry.kind is Kind.APPROVAL and event in _STEPS
    if entry.ticket is None or not (is_hold or is_step) or event not in wanted.events:
        return None
    if wanted.resources and entry.resource not in wanted.resources:
        return None
    uid = uid_of(log, entry.seq)
    if not is_hold:
        return None if now - entry.time > STALE_SECONDS * 1e9 else Notice(event, uid, entry)
    ticket = look(entry.ticket)
    if ticket is None or not ticket.is_open or ticket.expires_at <= now:
        return None
    return Notice(event, uid, entry, ticket.demands, ticket.expires_at)


def event_of(notice: Notice, form: Form) -> Event:
    """The message as it is posted."""
    write = {Form.WEBHOOK: _webhook, Form.SLACK: _slack, Form.TEAMS: _teams}[form]
    entry = notice.entry
    return Event(entry.seq, notice.uid, entry.time, notice.event, Severity.NOTICE, _ENCODE(write(notice)))


# --- forms ------------------------------------------------------------------------------------------------------------


def _webhook(notice: Notice) -> Mapping[str, object]:
    entry = notice.entry
    return {
        "event": notice.event,
        "uid": notice.uid,
        "time": _moment(entry.time),
        "ticket": entry.ticket,
        "principal": {
            "name": _plain(entry.principal, MAX_WORD),
            "kind": entry.principal_kind,
            "groups": [_plain(group, MAX_WORD) for group in entry.groups],
        },
        "job": entry.job and _plain(entry.job, MAX_WORD),
        "resource": _plain(entry.resource, MAX_WORD),
        "protocol": entry.protocol,
        "command": _plain(entry.text, MAX_COMMAND),
        "rules": [rule for rule, kind in entry.rules if kind == "hold"],
        "approvers": [
            {"groups": list(one.groups), "users": list(one.users), "quorum": one.quorum} for one in notice.approvers
        ],
        "expires": None if notice.expires is None else _moment(notice.expires),
        "person": _plain(entry.person, MAX_WORD),
        "note": _plain(entry.note, MAX_WORD),
    }


def _slack(notice: Notice) -> Mapping[str, object]:
    """Block Kit (https://docs.slack.dev/reference/block-kit): only `&`, `<` and `>` mean anything inside code."""
    title = _title(notice)
    blocks: list[Mapping[str, object]] = [{"type": "section", "text": {"type": "plain_text", "text": title}}]
    if notice.entry.text:
        code = _escaped(_plain(notice.entry.text, MAX_COMMAND)).replace("```", "'''")
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": f"```{code}```"}})
    facts = [{"type": "plain_text", "text": f"{name}: {value}"} for name, value in _facts(notice)]
    if facts:
        blocks.append({"type": "context", "elements": facts[:10]})
    return {"text": _escaped(title), "blocks": blocks}


def _teams(notice: Notice) -> Mapping[str, object]:
    """An Adaptive Card 1.4; runs of rich text know no markdown."""
    body: list[Mapping[str, object]] = [_run(_title(notice), weight="Bolder")]
    if notice.entry.text:
        body.append(_run(_plain(notice.entry.text, MAX_COMMAND), fontType="Monospace"))
    body += [_run(f"{name}: {value}") for name, value in _facts(notice)]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attachment]}


def _run(text: str, **how: str) -> Mapping[str, object]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **how}]}


# --- words ------------------------------------------------------------------------------------------------------------


def _title(notice: Notice) -> str:
    entry = notice.entry
    who, where = _plain(entry.principal, 80), _plain(entry.resource, 80)
    if notice.event == HELD:
        return f"{who} waits for approval on {where}"
    person = f" by {_plain(entry.person, 80)}" if entry.person else ""
    return f"What {who} asked for on {where} was {notice.event}{person}"


def _facts(notice: Notice) -> list[tuple[str, str]]:
    entry = notice.entry
    found = [("ticket", entry.ticket or "")]
    if entry.job:
        found.append(("job", entry.job))
    if entry.principal_kind:
        found.append(("who", f"{entry.principal_kind} {entry.principal}"))
    rules = [rule for rule, kind in entry.rules if kind == "hold"]
    if rules:
        found.append(("held by", ", ".join(rules)))
    if notice.approvers:
        found.append(("needs", "; ".join(_demand(one) for one in notice.approvers)))
    if notice.expires is not None:
        found.append(("until", _moment(notice.expires)))
        found.append(("answer with", f"sallyport approve {entry.ticket}  or  sallyport refuse {entry.ticket}"))
    if entry.note:
        found.append(("said", entry.note))
    return [(name, _plain(value, MAX_WORD)) for name, value in found]


def _demand(demand: Demand) -> str:
    who = [*(f"group {name}" for name in demand.groups), *demand.users]
    return f"{demand.quorum} of {', '.join(who)}"


def _moment(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain(text: str, most: int) -> str:
    """Without what paints, hides or turns text round; cut where it is too long."""
    shown = _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
