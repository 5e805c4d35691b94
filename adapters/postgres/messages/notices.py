"""ErrorResponse and NoticeResponse: their fields, ours, and what is left of the server's when its words may tell too much."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.postgres.messages.conditions import condition_name
from adapters.postgres.messages.frames import Back, frame, refuse, text_at

SEVERITY = "S"
SEVERITY_FIXED = "V"
CODE = "C"
MESSAGE = "M"
DETAIL = "D"
HINT = "H"
POSITION = "P"

KEPT_OF_REDACTED = (SEVERITY, SEVERITY_FIXED, CODE, MESSAGE, POSITION, "s", "t", "c", "d", "n")
"""Severity, code, position and names of schema objects. WHY: detail, hint, context and the internal query quote values."""

ROUTINE = "R"
INTEGRITY = "23"
NAMES_ONLY = frozenset(
    {
        *("ExecConstraints", "ReportNotNullViolationError", "ExecPartitionCheckEmitError", "_bt_check_unique"),
        *("check_exclusion_or_unique_constraint", "ri_ReportViolation"),
    }
)
"""Routines of the server whose messages of class 23 hold names of relations, columns and constraints alone; the values are
in the detail. WHY by routine: what a trigger raises under the same code may say anything."""

DENIED = "42501"
UNSUPPORTED = "0A000"
SYNTAX_ERROR = "42601"
CANCELLED = "57014"
SHUTDOWN = "57P01"
IDLE_TOO_LONG = "57P05"
IDLE_IN_TRANSACTION = "25P03"
NO_TRANSACTION = "25P01"
IN_TRANSACTION = "25001"
NO_STATEMENT = "26000"
NO_PORTAL = "34000"
TOO_LARGE = "54000"
NOT_PROVEN = "28P01"
NOT_AUTHORISED = "28000"
NO_TARGET = "08006"
TOO_MANY = "53300"
WARNING_SUCCESS = "00000"


def decode_fields(body: bytes) -> dict[str, str]:
    """The fields of an error or a notice; servers may leave out any of them."""
    fields: dict[str, str] = {}
    at = 0
    while at < len(body) and body[at]:
        value, end = text_at(body, at + 1)
        fields[chr(body[at])] = value.decode("utf-8", "replace")
        at = end
    if at != len(body) - 1:
        raise refuse("an error or notice does not end with a zero byte")
    return fields


def encode_fields(kind: Back, fields: Mapping[str, str]) -> bytes:
    """An ErrorResponse or NoticeResponse. Zero bytes in values are dropped: they would end the field."""
    body = b"".join(
        name.encode() + value.replace("\0", "").encode("utf-8", "replace") + b"\0" for name, value in fields.items()
    )
    return frame(kind, body + b"\0")


def encode_error(code: str, message: str, *, detail: str = "", hint: str = "", fatal: bool = False) -> bytes:
    """An error of the gateway's own."""
    severity = "FATAL" if fatal else "ERROR"
    return encode_fields(Back.ERROR, _own(severity, code, message, detail, hint))


def encode_notice(message: str, *, detail: str = "", hint: str = "", code: str = WARNING_SUCCESS) -> bytes:
    """A notice of the gateway's own: shown by psql, no error."""
    severity = "NOTICE" if code == WARNING_SUCCESS else "WARNING"
    return encode_fields(Back.NOTICE, _own(severity, code, message, detail, hint))


def _own(severity: str, code: str, message: str, detail: str, hint: str) -> dict[str, str]:
    fields = {SEVERITY: severity, SEVERITY_FIXED: severity, CODE: code, MESSAGE: message}
    if detail:
        fields[DETAIL] = detail
    if hint:
        fields[HINT] = hint
    return fields


def redacted(kind: Back, body: bytes) -> bytes:
    """The same error or notice without words that may quote values."""
    fields = decode_fields(body)
    kept = {name: fields[name] for name in KEPT_OF_REDACTED if name in fields}
    kept[MESSAGE] = condition_name(fields.get(CODE, ""))
    return encode_fields(kind, kept)


def guarded(kind: Back, body: bytes) -> bytes:
    """An error or notice of a command that checks rows, without their values. Words that only name objects stay."""
    fields = decode_fields(body)
    if fields.get(ROUTINE) not in NAMES_ONLY or fields.get(CODE, "")[:2] != INTEGRITY:
        return redacted(kind, body)
    return encode_fields(kind, {name: fields[name] for name in KEPT_OF_REDACTED if name in fields})


def shifted(body: bytes, characters: int) -> bytes:
    """An ErrorResponse whose position counts from `characters` further left."""
    fields = decode_fields(body)
    position = fields.get(POSITION, "")
    if position.isdigit():
        fields[POSITION] = str(int(position) + characters)
    return encode_fields(Back.ERROR, fields)


def is_fatal(body: bytes) -> bool:
    """Whether an error ends the connection."""
    fields = decode_fields(body)
    return fields.get(SEVERITY_FIXED, fields.get(SEVERITY, "")) in ("FATAL", "PANIC")


def code_of(body: bytes) -> str | None:
    """The SQLSTATE of an error or notice; None when there is none (a server may leave it out)."""
    return decode_fields(body).get(CODE)
