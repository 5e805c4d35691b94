"""A notice tells what still matters, to whom it matters, and nothing in it is taken for markup."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.approvals.states import Binding, Demand, Shown, State, Ticket
from gateway.audit.entry import Entry, Kind, encode
from gateway.errors import AuditUnavailable
from gateway.notices.messages import MAX_COMMAND, Form, Notice, Wanted, event_of, notice_of

LOG = "sallyport.audit/test"
NOW = 1_800_000_000_000_000_000
HOUR = 3_600_000_000_000
ALL = Wanted(frozenset({"held", "approved", "refused", "expired", "withdrawn", "superseded"}))
HELD: dict[str, object] = {
    "kind": Kind.DECISION,
    "time": NOW,
    "verdict": "hold",
    "ticket": "h-1",
    "principal": "ana",
    "principal_kind": "agent",
    "job": "build-42",
    "resource": "orders",
    "protocol": "postgres",
    "text": "DELETE FROM a WHERE b < 1 & c > 2",
    "rules": (("p/WRITE", "hold"), ("p/READ", "allow")),
}
TICKET = Ticket(
    "h-1",
    Binding("ana", "orders", "postgres", "d", "", "", "r1"),
    (Demand(("bo",), ("dba",), 2),),
    ("p/WRITE",),
    NOW,
    NOW + HOUR,
    Shown("DELETE FROM a"),
)


def line(**fields: object) -> bytes:
    return encode(Entry(**{**HELD, **fields}), 7)  # type: ignore[arg-type]  # fields of a test


def told(raw: bytes, *, wanted: Wanted = ALL, ticket: Ticket | None = TICKET, now: int = NOW + 1) -> Notice | None:
    return notice_of(raw, LOG, wanted, lambda name: ticket, now)


def body(form: Form, raw: bytes | None = None) -> dict[str, object]:
    notice = told(raw or line())
    assert notice is not None
    found: dict[str, object] = json.loads(event_of(notice, form).body)
    return found


def test_a_hold_is_told_with_what_it_needs_and_until_when() -> None:
    found = body(Form.WEBHOOK)
    assert found == {
        "event": "held",
        "uid": f"{LOG}/7",
        "time": "2027-01-15T08:00:00Z",
        "ticket": "h-1",
        "principal": {"name": "ana", "kind": "agent", "groups": []},
        "job": "build-42",
        "resource": "orders",
        "protocol": "postgres",
        "command": HELD["text"],
        "rules": ["p/WRITE"],
        "approvers": [{"groups": ["dba"], "users": ["bo"], "quorum": 2}],
        "expires": "2027-01-15T09:00:00Z",
        "person": "",
        "note": "",
    }


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
    assert told(step, now=NOW + HOUR // 2) is not None
    assert told(step, now=late) is None


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
    ],
)
def test_what_nobody_asked_for_is_not_told(fields: dict[str, object], wanted: Wanted) -> None:
    assert told(line(**fields), wanted=wanted) is None


def test_slack_gets_blocks_in_which_only_code_is_markup() -> None:
    found = body(Form.SLACK, line(text="DELETE ``` <!channel> & *x*", principal="<@ana>"))
    assert found["text"] == "&lt;@ana&gt; waits for approval on orders"
    blocks = found["blocks"]
    assert isinstance(blocks, list)
    assert blocks[0]["text"] == {"type": "plain_text", "text": "<@ana> waits for approval on orders"}
    assert blocks[1]["text"] == {"type": "mrkdwn", "text": "```DELETE ''' &lt;!channel&gt; &amp; *x*```"}
    facts = [one["text"] for one in blocks[2]["elements"]]
    assert {one["type"] for one in blocks[2]["elements"]} == {"plain_text"}
    assert "needs: 2 of group dba, bo" in facts
    assert "answer with: sallyport approve h-1  or  sallyport refuse h-1" in facts


def test_teams_gets_a_card_of_runs_without_markdown() -> None:
    found = body(Form.TEAMS, line(text="[x](https://evil.example) **y**"))
    (attachment,) = found["attachments"]  # type: ignore[misc]  # one
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    kinds = {part["type"] for part in attachment["content"]["body"]}
    assert kinds == {"RichTextBlock"}
    assert attachment["content"]["body"][1]["inlines"][0]["text"] == "[x](https://evil.example) **y**"


def test_what_became_of_it_says_who_said_what() -> None:
    step = line(
        kind=Kind.APPROVAL, step="refused", person="bo", note="please batch this", verdict="refused", text="", rules=()
    )
    found = body(Form.SLACK, step)
    assert found["text"] == "What ana asked for on orders was refused by bo"
    assert "said: please batch this" in json.dumps(found)


def test_a_line_that_is_no_entry_is_told_as_that() -> None:
    with pytest.raises(AuditUnavailable):
        told(b"{}\n")


@given(text=st.text(max_size=6_000), form=st.sampled_from(Form))
def test_no_text_paints_turns_round_or_makes_a_message_too_long(text: str, form: Form) -> None:
    notice = told(line(text=text, note=text, principal=text or "x", job=text, resource=text or "x"))
    assert notice is not None
    made = event_of(notice, form).body
    assert b"\n" not in made
    assert len(made) < 64 << 10

    def strings(value: object) -> list[str]:
        if isinstance(value, str):
            return [value]
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return [one for part in parts for one in strings(part)]

    for shown in strings(json.loads(made)):
        assert not {"\x1b", "\x07", "\u202e", "\u2066", "\u200b", "\r", "\x00"} & set(shown)
        assert len(shown) <= MAX_COMMAND * 5 + 10
