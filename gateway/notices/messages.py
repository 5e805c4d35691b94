"""A notice as it is posted: JSON, for a webhook of anybody, for a channel of Slack or of Microsoft Teams. Pure.

Nothing that somebody wrote is taken for markup. Called by `gateway.app`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from gateway.approvals.estimate import Estimate
from gateway.audit.export.events import Event, Severity
from gateway.notices.picking import Notice
from gateway.notices.words import MAX_COMMAND, MAX_WORD, command_of, facts_of, moment, plain, rules_of, title_of

Write: TypeAlias = Callable[[Notice], Mapping[str, object]]
"""A form of messages: the object that is sent."""

OPEN = "Open in the console"
_ENCODE = msgspec.json.Encoder().encode


def event_of(notice: Notice, write: Write) -> Event:
    """The message of a notice in a form."""
    entry = notice.entry
    return Event(entry.seq, notice.uid, entry.time, notice.event, Severity.NOTICE, _ENCODE(write(notice)))


def webhook(notice: Notice) -> Mapping[str, object]:
    """For programs: every field by its name, in the words of the audit."""
    entry = notice.entry
    return {
        "event": notice.event,
        "uid": notice.uid,
        "time": moment(entry.time),
        "ticket": entry.ticket,
        "decision": entry.decision_id,
        "principal": {
            "name": plain(entry.principal, MAX_WORD),
            "kind": entry.principal_kind,
            "groups": [plain(group, MAX_WORD) for group in entry.groups],
        },
        "job": entry.job and plain(entry.job, MAX_WORD),
        "resource": plain(entry.resource, MAX_WORD),
        "protocol": entry.protocol,
        "command": plain(entry.text, MAX_COMMAND),
        "prompt": plain(notice.prompt, MAX_WORD),
        "link": notice.link,
        "rules": rules_of(notice),
        "approvers": [
            {"groups": list(one.groups), "users": list(one.users), "quorum": one.quorum} for one in notice.approvers
        ],
        "expires": None if notice.expires is None else moment(notice.expires),
        "unusual": plain(notice.unusual, MAX_WORD),
        "stated": list(notice.stated),
        "lately": dict(notice.lately),
        "estimate": None if notice.estimate is None else _estimate(notice.estimate),
        "told": None
        if notice.told is None
        else {
            "groups": list(notice.told.groups),
            "users": list(notice.told.users),
            "may_approve": notice.told.may_approve,
        },
        "person": plain(entry.person, MAX_WORD),
        "note": plain(entry.note, MAX_WORD),
        "more": notice.more,
    }


def _estimate(estimate: Estimate) -> Mapping[str, object]:
    return {
        "rows": estimate.rows,
        "cost": estimate.cost,
        "changes": estimate.changes,
        "steps": [
            {
                "node": plain(step.node, MAX_WORD),
                "relation": plain(step.relation, MAX_WORD),
                "rows": step.rows,
                "depth": step.depth,
            }
            for step in estimate.steps
        ],
        "why_not": plain(estimate.why_not, MAX_WORD),
    }


def slack(notice: Notice) -> Mapping[str, object]:
    """Block Kit (https://docs.slack.dev/reference/block-kit): only `&`, `<` and `>` mean anything inside code."""
    title = title_of(notice)
    blocks: list[Mapping[str, object]] = [{"type": "section", "text": {"type": "plain_text", "text": title}}]
    if command := command_of(notice):
        code = _escaped(command).replace("```", "'''")
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": f"```{code}```"}})
    facts = [{"type": "plain_text", "text": f"{name}: {value}"} for name, value in facts_of(notice)]
    # WHY ten: a block of context takes no more.
    for begin in range(0, len(facts), 10):
        blocks.append({"type": "context", "elements": facts[begin : begin + 10]})
    if notice.link:
        button = {"type": "button", "text": {"type": "plain_text", "text": OPEN}, "url": notice.link}
        blocks.append({"type": "actions", "elements": [button]})
    return {"text": _escaped(title), "blocks": blocks}


def teams(notice: Notice) -> Mapping[str, object]:
    """An Adaptive Card 1.4; runs of rich text know no markdown."""
    body: list[Mapping[str, object]] = [_run(title_of(notice), weight="Bolder")]
    if command := command_of(notice):
        body.append(_run(command, fontType="Monospace"))
    body += [_run(f"{name}: {value}") for name, value in facts_of(notice)]
    card: dict[str, object] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    if notice.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": OPEN, "url": notice.link}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attachment]}


def _run(text: str, **how: str) -> Mapping[str, object]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **how}]}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
