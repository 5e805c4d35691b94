"""The lines of the two entries that come with every command, written without building an `Entry` each time.

A form is what the entry of one remembered verdict says that stays the same; the rest is filled in, by the core. INVARIANT: a filled
form reads back as exactly the entry that `telling.decision_entry` would have made (tests/property/gateway/test_remembering.py).
Pure. Called by the gate.
"""

from __future__ import annotations

import msgspec

from adapters.core.ports import Outcome, Question
from engine._native import EntryForm
from engine._native import outcome_body as encode_outcome
from gateway.audit.entry import Entry, Kind
from gateway.errors import AuditUnavailable

_ENCODE = msgspec.json.Encoder().encode
_FIELDS = Entry.__struct_fields__
_BEFORE = _FIELDS[_FIELDS.index("decision_id") + 1 : _FIELDS.index("digest")]
_AFTER = _FIELDS[_FIELDS.index("text") + 1 :]
_HEAD = b'{"kind":"decision","time":0'


def form_of(entry: Entry, *, is_whole: bool, hides: bool) -> EntryForm:
    """The form of a decision's entry. `is_whole`: it stands for this very text, not for all of a shape.

    `hides`: secrets in the texts of a shape are hidden, each text by itself; the entry of a whole form has them hidden.
    """
    own = (entry.digest, _ENCODE(entry.text)) if is_whole else None
    # WHY: whether something was hidden is each text's own affair; the core says it.
    after = _part(entry if is_whole else msgspec.structs.replace(entry, redacted=False), _AFTER)
    return EntryForm(_part(entry, _BEFORE), after, entry.protocol, own, hides)


def fill(form: EntryForm, question: Question, decision_id: str, now: int) -> bytes:
    """The line's body for one more question with this verdict. Raises AuditUnavailable when it is too long."""
    body = form.fill(decision_id, now, question.text, question.parameters)
    if body is None:
        raise AuditUnavailable("an audit entry is too long", code="AUDIT_ENTRY")
    return body


def outcome_body(decision_id: str, outcome: Outcome, now: int) -> bytes:
    """The line's body for what became of a granted command. Raises AuditUnavailable for counts past 64 bits."""
    try:
        counts = (outcome.rows, outcome.bytes, outcome.masked)
        return encode_outcome(decision_id, now, counts, outcome.duration, outcome.error)
    except OverflowError as error:
        raise AuditUnavailable("an audit entry cannot be encoded", code="AUDIT_ENTRY") from error


def _part(entry: Entry, names: tuple[str, ...]) -> bytes:
    """Some fields of an entry as they stand in its line, behind a comma."""
    only = Entry(kind=Kind.DECISION, time=0, **{name: getattr(entry, name) for name in names})
    encoded = _ENCODE(only)
    if not encoded.startswith(_HEAD):
        raise AuditUnavailable("an audit entry cannot be encoded", code="AUDIT_ENTRY")
    return encoded[len(_HEAD) : -1]
