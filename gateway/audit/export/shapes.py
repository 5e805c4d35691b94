"""From a line of the log to an event: in OCSF, or as the line stands. Pure. Called by `exporter` and by `audit export`.

What a receiver cannot take because of its size is cut: texts first, then everything that is not needed to find the entry
in the log. A cut event says so (`truncated`).
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gateway.audit.checkpoint import read_note
from gateway.audit.entry import Entry, Kind, decode
from gateway.audit.export.events import Event, Severity
from gateway.audit.export.ocsf import CHECKPOINT, checkpoint_of, event_of
from gateway.errors import AuditUnavailable

_ENCODE = msgspec.json.Encoder().encode
_SEVERITY = {"deny": Severity.WARNING, "hold": Severity.NOTICE}


class Shape(StrEnum):
    """How events are written."""

    OCSF = "ocsf"
    NATIVE = "native"


def uid_of(log: str, seq: int) -> str:
    """An entry's uid: the same for ever, and nobody else's."""
    return f"{log}/{seq}"


def shape_event(line: bytes, log: str, shape: Shape, max_body: int) -> Event:
    """The event of a line. Raises AuditUnavailable for a line that is none."""
    try:
        entry = decode(line)
    except ValueError as error:
        raise AuditUnavailable("the log holds a line that is no entry", code="AUDIT_ALTERED") from error
    body = _body(entry, log, shape, is_cut=False)
    if len(body) > max_body:
        body = _cut(entry, log, shape, max_body)
    return Event(entry.seq, uid_of(log, entry.seq), entry.time, entry.kind.value, _severity(entry), body)


def shape_checkpoint(note: str, log: str, shape: Shape, now: int) -> Event:
    """The event of a signed checkpoint; `now` in UTC nanoseconds. Raises AuditUnavailable for a note that is none."""
    try:
        size = read_note(note)[0].size
    except ValueError as error:
        raise AuditUnavailable("the last checkpoint of the log is none", code="AUDIT_ALTERED") from error
    uid = f"{log}/{CHECKPOINT}-{size}"
    made = (
        checkpoint_of(note, size, uid, now)
        if shape is Shape.OCSF
        else {"kind": CHECKPOINT, "time": now, "size": size, CHECKPOINT: note, "uid": uid}
    )
    return Event(size, uid, now, CHECKPOINT, Severity.INFO, _ENCODE(made))


def notes_in(text: str) -> list[str]:
    """The checkpoints that somebody noted down: the note itself, or every one among the lines that an export wrote."""
    found = [note for line in text.splitlines() if line.startswith("{") and (note := _note_of(line)) is not None]
    return found or [text]


def _note_of(line: str) -> str | None:
    try:
        fields = msgspec.json.decode(line, type=_Noted)
    except (msgspec.MsgspecError, RecursionError):
        return None
    return fields.checkpoint or fields.unmapped.sallyport.checkpoint


class _Inner(msgspec.Struct, frozen=True):
    checkpoint: str | None = None


class _Unmapped(msgspec.Struct, frozen=True):
    sallyport: _Inner = _Inner()


class _Noted(msgspec.Struct, frozen=True):
    checkpoint: str | None = None
    unmapped: _Unmapped = _Unmapped()


def _severity(entry: Entry) -> Severity:
    if entry.kind is Kind.SESSION and entry.step == "refused":
        return Severity.WARNING
    return _SEVERITY.get(entry.verdict, Severity.INFO) if entry.kind is Kind.DECISION else Severity.INFO


def _body(entry: Entry, log: str, shape: Shape, *, is_cut: bool) -> bytes:
    uid = uid_of(log, entry.seq)
    if shape is Shape.OCSF:
        return _ENCODE(event_of(entry, uid, is_cut=is_cut))
    fields = msgspec.to_builtins(entry)
    fields["uid"] = uid
    if is_cut:
        fields["truncated"] = True
    return _ENCODE(fields)


def _cut(entry: Entry, log: str, shape: Shape, max_body: int) -> bytes:
    small = msgspec.structs.replace(
        entry, attributes={}, state={}, labels={}, context={}, names=b"", tree=b"", obligations=(), masks=(), text=""
    )
    bare = len(_body(small, log, shape, is_cut=True))
    # A character of a text takes at most six bytes in JSON, and OCSF shows the text twice.
    room = max(0, max_body - bare) // 12
    cut = _body(msgspec.structs.replace(small, text=entry.text[:room]), log, shape, is_cut=True)
    if len(cut) <= max_body:
        return cut
    core = Entry(
        kind=entry.kind,
        time=entry.time,
        seq=entry.seq,
        decision_id=entry.decision_id[:64],
        principal=entry.principal[:64],
        resource=entry.resource[:64],
        protocol=entry.protocol[:64],
        digest=entry.digest[:64],
        verdict=entry.verdict[:64],
        ticket=entry.ticket and entry.ticket[:64],
        step=entry.step[:64],
    )
    return _body(core, log, shape, is_cut=True)
