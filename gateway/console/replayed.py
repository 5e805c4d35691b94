"""A session of statements as somebody watching would have seen it go by: what the audit has of it, made into words with times. Pure.

Not what came back: rows are not recorded, only how many. Used by `recordings`, which finds the entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.audit.entry import Entry, Kind
from gateway.recording.playing import Shown
from gateway.recording.showing import words

MAX_STATEMENTS = 2_000
"""Decisions of one session that are played; those before are left out."""
MAX_TEXT = 20_000
_COLOURS = {"allow": "32", "mask": "36", "hold": "33", "deny": "31"}


@dataclass(frozen=True, slots=True)
class Went:
    """What the audit has of one session, oldest first. `is_whole`: from its beginning."""

    entries: tuple[Entry, ...]
    is_whole: bool


def entries_of(newest_first: Iterable[Entry], session: str, most: int) -> Went:
    """The entries of a session among the newest of a log, `most` of which are looked at."""
    outcomes: dict[str, Entry] = {}
    found: list[Entry] = []
    statements = 0
    for looked, entry in enumerate(newest_first):
        if looked >= most or statements >= MAX_STATEMENTS:
            return Went(_in_order(found), False)
        if entry.kind is Kind.OUTCOME:
            outcomes[entry.decision_id] = entry
        elif entry.session == session and entry.kind in (Kind.DECISION, Kind.SESSION, Kind.APPROVAL):
            if entry.kind is Kind.DECISION:
                statements += 1
                outcome = outcomes.pop(entry.decision_id, None)
                if outcome is not None:
                    found.append(outcome)
            found.append(entry)
            if entry.kind is Kind.SESSION and entry.step == "opened":
                return Went(_in_order(found), True)
    return Went(_in_order(found), bool(found))


def _in_order(found: Iterable[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(found, key=lambda one: one.seq))


def shown_of(entries: Sequence[Entry]) -> list[Shown]:
    """What a player shows, with the times at which it happened."""
    if not entries:
        return []
    began = entries[0].time
    shown: list[Shown] = []
    for entry in entries:
        at = max(0, entry.time - began) // 1_000_000
        shown.append((at, "o", _said(entry).replace("\n", "\r\n")))
        if entry.kind is Kind.DECISION:
            shown.append((at, "g", f"{entry.verdict}: {words(entry.text[:MAX_TEXT])}"))
    return shown


def _said(entry: Entry) -> str:
    match entry.kind:
        case Kind.SESSION:
            note = f" ({words(entry.note)})" if entry.note else ""
            where = f" on {words(entry.resource)}" if entry.resource else ""
            return f"\x1b[2m-- session {words(entry.step)}: {words(entry.principal)}{where}{note}\x1b[0m\n"
        case Kind.APPROVAL if entry.takes_back:
            return f"\x1b[2m-- {words(entry.note)}\x1b[0m\n"
        case Kind.APPROVAL:
            person = f" by {words(entry.person)}" if entry.person else ""
            note = f": {words(entry.note)}" if entry.note and entry.step != "estimated" else ""
            return f"\x1b[33m-- {words(entry.step)}{person}{note}\x1b[0m\n"
        case Kind.OUTCOME if entry.error:
            return f"\x1b[31m-- failed: {words(entry.error)}\x1b[0m\n"
        case Kind.OUTCOME:
            took = "" if entry.duration is None else f", {entry.duration * 1000:.1f} ms"
            rows = f"{entry.rows or 0} row{'' if entry.rows == 1 else 's'}"
            again = f", sent {entry.sent_again} times more" if entry.sent_again else ""
            return f"\x1b[2m-- {rows}, {entry.bytes or 0} bytes{took}{again}\x1b[0m\n"
        case _:
            return _decided(entry)


def _decided(entry: Entry) -> str:
    colour = _COLOURS.get(entry.verdict, "0")
    rules = ", ".join(dict.fromkeys(words(rule) for rule, _ in entry.rules))
    text = words(entry.text[:MAX_TEXT]).rstrip("\n")
    return f"\x1b[1m{words(entry.resource)}=>\x1b[0m {text}\n\x1b[{colour}m-- {words(entry.verdict)}{f' by {rules}' if rules else ''}\x1b[0m\n"
