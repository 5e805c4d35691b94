"""Lines of an audit that are somebody's news, and what is made of them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from gateway.approvals.states import Binding, Demand, Shown, Ticket, Vote
from gateway.audit.entry import Entry, Kind, encode
from gateway.notices.messages import Write, event_of
from gateway.notices.picking import Link, Notice, Wanted, notice_of
from gateway.notices.sparing import Sparing

LOG = "sallyport.audit/test"
NOW = 1_800_000_000_000_000_000
HOUR = 3_600_000_000_000
ALL = Wanted(frozenset({"held", "approved", "refused", "expired", "withdrawn", "superseded", "denied", "escalated"}))
HELD: Mapping[str, object] = {
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
DENIED: Mapping[str, object] = {
    **HELD,
    "verdict": "deny",
    "ticket": None,
    "decision_id": "d-9",
    "deny_kind": "policy",
    "rules": (("p/DROP", "deny"), ("p/READ", "allow")),
    "text": "DROP TABLE a",
}
TICKET = Ticket(
    "h-1",
    Binding("ana", "orders", "postgres", "d", "", "", "r1"),
    (Demand(("bo",), ("dba",), 2),),
    ("p/WRITE",),
    NOW,
    NOW + HOUR,
    Shown("DELETE FROM a"),
    votes=(Vote("bo", ("dba",), False, NOW),),
)


def line(of: Mapping[str, object] = HELD, /, **fields: object) -> bytes:
    """A line of a held command, or of another, with other fields."""
    return encode(Entry(**{**of, **fields}), 7)  # type: ignore[arg-type]  # fields of a test


def told(
    raw: bytes,
    *,
    wanted: Wanted = ALL,
    ticket: Ticket | None = TICKET,
    now: int = NOW + 1,
    sparing: Sparing | None = None,
    link: Link = lambda ticket: None,
) -> Notice | None:
    """What a line has to tell."""
    return notice_of(raw, LOG, wanted, lambda name: ticket, sparing or Sparing(), now, link)


def body(write: Write, raw: bytes | None = None, sparing: Sparing | None = None) -> dict[str, object]:
    """The message of a line in a form."""
    notice = told(raw or line(), sparing=sparing)
    assert notice is not None
    found: dict[str, object] = json.loads(event_of(notice, write).body)
    return found


def strings(value: object) -> list[str]:
    """Every string in a message."""
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [one for part in parts for one in strings(part)]
