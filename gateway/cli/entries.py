"""Entries of the audit as the command line prints them, and times as people write them. Called by `audit`, `finding` and others."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import typer

from gateway.audit.entry import Entry, Kind, encode
from gateway.audit.unusual import unusual
from gateway.cli.output import complain
from gateway.viewing import WAYS, Way

MAX_TEXT = 120


def as_json_line(entry: Entry) -> str:
    """The entry as it stands in the log, with its content."""
    return encode(msgspec.structs.replace(entry, seq=0), entry.seq)[:-1].decode()


def as_text(entry: Entry) -> str:
    """The entry as one line for people."""
    moment = datetime.fromtimestamp(entry.time / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
    head = f"{entry.seq:>8}  {moment}  {entry.kind.value:<8}"
    match entry.kind:
        case Kind.DECISION:
            rules = ",".join(rule for rule, _ in entry.rules)
            text = "[unreadable: the key of its content is gone]" if entry.unreadable else " ".join(entry.text.split())
            shown = text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
            line = f"{head}  {entry.verdict:<5}  {entry.principal}@{entry.resource}  {rules}  {shown}"
            why = unusual(entry)
            return f"{line}  ({why})" if why else line
        case Kind.OUTCOME:
            again = f"  sent {entry.sent_again} times more" if entry.sent_again else ""
            counts = f"rows {entry.rows or 0}  bytes {entry.bytes or 0}{again}"
            return f"{head}  {entry.decision_id}  {counts}  {entry.error or ''}"
        case Kind.SHADOW:
            rules = ",".join(rule for rule, _ in entry.rules)
            return f"{head}  {entry.decision_id}  {entry.note}  {entry.principal}@{entry.resource}  {rules}"
        case Kind.RECORDING if entry.step in WAYS:
            return (
                f"{head}  {entry.step:<9}  {_looked_at(entry)}  {entry.principal}@{entry.resource}  by {entry.person}"
            )
        case Kind.RECORDING:
            return f"{head}  {entry.step:<9}  {entry.note}  {entry.principal}@{entry.resource}  chunks {entry.rows or 0}  {entry.digest[:16]}"
        case Kind.APPROVAL:
            return f"{head}  {entry.step:<5}  {entry.ticket}  {entry.person}  {entry.note}"
        case Kind.TOKEN if entry.person:
            return f"{head}  {entry.step}  {entry.principal}  {entry.resource}  {entry.note}  by {entry.person}"
        case _:
            return f"{head}  {entry.step}  {entry.principal}  {entry.resource}  {entry.revision[:12]}  {entry.note}".rstrip()


def _looked_at(entry: Entry) -> str:
    if entry.step != Way.SEARCHED:
        return entry.note
    text = "[unreadable]" if entry.unreadable else f"`{' '.join(entry.text.split())[:MAX_TEXT]}`"
    return " ".join(part for part in (text, f"in {entry.rows or 0} recordings", entry.note) if part)


def time_of(text: str | None) -> int | None:
    """UTC nanoseconds of a time as people write it."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        complain(f"`{text}` is no time", help="write it like 2026-11-21T09:00 or 2026-11-21T09:00:00+01:00")
        raise typer.Exit(2) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1_000_000_000)
