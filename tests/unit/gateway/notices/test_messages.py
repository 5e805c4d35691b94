"""Nothing in a message is taken for markup, whatever it is for."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.approvals.estimate import Estimate, PlanStep
from gateway.audit.entry import Kind
from gateway.notices.letters import letter
from gateway.notices.messages import Write, event_of, slack, teams, webhook
from gateway.notices.trackers import github, jira
from gateway.notices.words import MAX_COMMAND
from tests.strategies.notices import DENIED, HELD, LOG, TICKET, body, line, strings, told

FORMS = (webhook, slack, teams, letter, github(("x",)), jira("OPS", "Task", ("x",)))


def test_a_program_gets_every_field_by_its_name() -> None:
    assert body(webhook) == {
        "event": "held",
        "uid": f"{LOG}/7",
        "time": "2027-01-15T08:00:00Z",
        "ticket": "h-1",
        "decision": "",
        "principal": {"name": "ana", "kind": "agent", "groups": []},
        "job": "build-42",
        "resource": "orders",
        "protocol": "postgres",
        "command": HELD["text"],
        "prompt": "",
        "link": "",
        "rules": ["p/WRITE"],
        "approvers": [{"groups": ["dba"], "users": ["bo"], "quorum": 2}],
        "expires": "2027-01-15T09:00:00Z",
        "unusual": "",
        "stated": [],
        "lately": {},
        "estimate": None,
        "told": None,
        "person": "",
        "note": "",
        "more": 0,
    }


def test_a_program_gets_an_estimate_by_its_fields() -> None:
    known = Estimate(40, 2.5, True, (PlanStep("Delete", "t\x07", 40),))
    notice = told(line(), ticket=replace(TICKET, shown=replace(TICKET.shown, estimate=known)))
    assert notice is not None
    assert webhook(notice)["estimate"] == {
        "rows": 40,
        "cost": 2.5,
        "changes": True,
        "steps": [{"node": "Delete", "relation": "t\ufffd", "rows": 40, "depth": 0}],
        "why_not": "",
    }


def test_a_program_is_told_of_a_denial_in_the_same_fields() -> None:
    found = body(webhook, line(DENIED))
    assert found["event"] == "denied"
    assert found["decision"] == "d-9"
    assert found["rules"] == ["p/DROP"]
    assert found["ticket"] is None
    assert set(found) == set(body(webhook))


def test_slack_gets_blocks_in_which_only_code_is_markup() -> None:
    found = body(slack, line(text="DELETE ``` <!channel> & *x*", principal="<@ana>"))
    assert found["text"] == "&lt;@ana&gt; waits for approval on orders"
    blocks = found["blocks"]
    assert isinstance(blocks, list)
    assert blocks[0]["text"] == {"type": "plain_text", "text": "<@ana> waits for approval on orders"}
    assert blocks[1]["text"] == {"type": "mrkdwn", "text": "```DELETE ''' &lt;!channel&gt; &amp; *x*```"}
    facts = [one["text"] for one in blocks[2]["elements"]]
    assert {one["type"] for one in blocks[2]["elements"]} == {"plain_text"}
    assert "needs: 2 of group dba, bo" in facts


def test_teams_gets_a_card_of_runs_without_markdown() -> None:
    found = body(teams, line(text="[x](https://evil.example) **y**"))
    attachments = found["attachments"]
    assert isinstance(attachments, list)
    (attachment,) = attachments
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    kinds = {part["type"] for part in attachment["content"]["body"]}
    assert kinds == {"RichTextBlock"}
    assert attachment["content"]["body"][1]["inlines"][0]["text"] == "[x](https://evil.example) **y**"


def test_channels_get_a_button_to_the_console_and_programs_a_link() -> None:
    notice = told(line(), link=lambda ticket: f"https://console/holds/{ticket}")
    assert notice is not None
    link = "https://console/holds/h-1"
    blocks = json.loads(event_of(notice, slack).body)["blocks"]
    assert blocks[-1]["elements"][0]["url"] == link
    card = json.loads(event_of(notice, teams).body)["attachments"][0]["content"]
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Open in the console", "url": link}]
    assert json.loads(event_of(notice, webhook).body)["link"] == link
    assert "actions" not in body(teams)["attachments"][0]["content"]  # type: ignore[index]  # JSON


@pytest.mark.parametrize("write", FORMS)
def test_a_step_without_a_command_has_a_message_too(write: Write) -> None:
    step = line(kind=Kind.APPROVAL, step="refused", person="bo", note="please batch this", text="", rules=())
    found = json.dumps(body(write, step))
    assert "What ana asked for on orders was refused by bo" in found or write is webhook
    assert "please batch this" in found
    assert "" not in [one for one in strings(body(write, step)) if write is not webhook]


@pytest.mark.parametrize("write", FORMS)
@given(text=st.text(max_size=6_000))
def test_no_text_paints_turns_round_or_makes_a_message_too_long(write: Write, text: str) -> None:
    notice = told(line(text=text, note=text, principal=text or "x", job=text, resource=text or "x"))
    assert notice is not None
    made = event_of(notice, write).body
    assert b"\n" not in made
    assert len(made) < 64 << 10
    for shown in strings(json.loads(made)):
        assert not {"\x1b", "\x07", "\u202e", "\u2066", "\u200b", "\r", "\x00"} & set(shown)
        assert len(shown) <= MAX_COMMAND * 5 + 10
