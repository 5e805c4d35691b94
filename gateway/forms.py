"""The lines of the two entries that come with every command, written without building an `Entry` each time.

A `Form` is what the entry of one remembered verdict says that stays the same; the rest is filled in. INVARIANT: a filled
form reads back as exactly the entry that `telling.decision_entry` would have made (tests/property/gateway/test_remembering.py).
Pure. Called by the gate.
"""

from __future__ import annotations

import hashlib

import msgspec

from adapters.core.ports import Outcome, Question
from gateway.approvals.states import parameters_digest
from gateway.audit.entry import MAX_LINE, Entry, Kind
from gateway.errors import AuditUnavailable

_ENCODE = msgspec.json.Encoder().encode
_FIELDS = Entry.__struct_fields__
_BEFORE = _FIELDS[_FIELDS.index("decision_id") + 1 : _FIELDS.index("digest")]
_AFTER = _FIELDS[_FIELDS.index("text") + 1 :]
_HEAD = b'{"kind":"decision","time":0'


class Form(msgspec.Struct, frozen=True, gc=False):
    """The parts of a decision's entry, by where they stand. Without `digest` and `text`: they are the question's own."""

    before: bytes
    after: bytes
    protocol: bytes
    digest: bytes | None
    text: bytes | None

    @classmethod
    def of(cls, entry: Entry, *, is_whole: bool) -> Form:
        """The form of an entry of a decision. `is_whole`: it stands for this very text, not for all of a shape."""
        return cls(
            before=_part(entry, _BEFORE),
            after=_part(entry, _AFTER),
            protocol=entry.protocol.encode() + b"\0",
            digest=entry.digest.encode() if is_whole else None,
            text=_ENCODE(entry.text) if is_whole else None,
        )

    def fill(self, question: Question, decision_id: str, now: int) -> bytes:
        """The line's body for one more question with this verdict. Raises AuditUnavailable when it is too long."""
        digest, text = self.digest, self.text
        if digest is None or text is None:
            digest = hashlib.sha256(self.protocol + question.text).hexdigest().encode()
            text = _ENCODE(question.text.decode("utf-8", "backslashreplace"))
        given = question.parameters
        parameters = b"" if given is None else b',"parameters":"%b"' % parameters_digest(given).encode()
        body = b'"kind":"decision","time":%d,"decision_id":"%b"%b,"digest":"%b"%b,"text":%b%b}' % (
            *(now, decision_id.encode(), self.before, digest),
            *(parameters, text, self.after),
        )
        if len(body) > MAX_LINE:
            raise AuditUnavailable("an audit entry is too long", code="AUDIT_ENTRY")
        return body


def outcome_body(decision_id: str, outcome: Outcome, now: int) -> bytes:
    """The line's body for what became of a granted command."""
    error = b"" if outcome.error is None else b',"error":%b' % _ENCODE(outcome.error)
    return b'"kind":"outcome","time":%d,"decision_id":%b,"rows":%d,"bytes":%d,"duration":%b%b}' % (
        *(now, _ENCODE(decision_id), outcome.rows, outcome.bytes),
        *(_ENCODE(outcome.duration), error),
    )


def _part(entry: Entry, names: tuple[str, ...]) -> bytes:
    """Some fields of an entry as they stand in its line, behind a comma."""
    only = Entry(kind=Kind.DECISION, time=0, **{name: getattr(entry, name) for name in names})
    encoded = _ENCODE(only)
    if not encoded.startswith(_HEAD):
        raise AuditUnavailable("an audit entry cannot be encoded", code="AUDIT_ENTRY")
    return encoded[len(_HEAD) : -1]
