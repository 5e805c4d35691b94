"""A request as Rego's `input`: `{"principal", "session", "resource", "command", "context"}` in msgpack.

Nulls are left out (an absent field is absent, never null) and types are checked: what does not fit is `InputInvalid`.
The command's bytes go in unchanged, as its parser wrote them. Called by `program.py`; the shape is published as
`docs/input.schema.json` (`engine/schema.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeAlias

import msgspec

from engine.errors import InputInvalid
from engine.request import Approval, Json, Principal, Request, Resource, Session

Plain: TypeAlias = "dict[str, Json]"

RESERVED = frozenset({"now", "approval"})
"""Names in `context` that only the engine fills in. INVARIANT: nobody hands in an approval by way of the context."""

MAX_DEPTH = 32
MAX_SECTION_BYTES = 256 * 1024
MAX_COMMAND_BYTES = 8 * 1024 * 1024
_END_OF_TIME = 253_402_300_800 * 10**9

_PLAINEST = frozenset({int, str, bool})

_ENCODER = msgspec.msgpack.Encoder()
_ABSENT: Json = None


def encode_request(request: Request) -> bytes:
    """The whole input document."""
    return join_input(
        encode(principal_fields(request.principal), "principal"),
        encode(session_fields(request.session), "session"),
        encode(resource_fields(request.resource), "resource"),
        request.command.encoded,
        encode(context_fields(request.context, request.now, request.approval), "context"),
    )


def join_input(principal: bytes, session: bytes, resource: bytes, command: bytes, context: bytes) -> bytes:
    """Put encoded sections together to the document."""
    if len(command) > MAX_COMMAND_BYTES:
        raise InputInvalid(f"the command is longer than {MAX_COMMAND_BYTES} bytes")
    raw = msgspec.Raw
    return _ENCODER.encode(
        {
            "principal": raw(principal),
            "session": raw(session),
            "resource": raw(resource),
            "command": raw(command),
            "context": raw(context),
        }
    )


def principal_fields(principal: Principal) -> Plain:
    """What `input.principal` says."""
    return {
        "name": _name(principal.name, "principal.name"),
        "kind": _name(principal.kind, "principal.kind"),
        "groups": _strings(principal.groups, "principal.groups"),
        "attributes": _object(principal.attributes, "principal.attributes"),
    }


def session_fields(session: Session) -> Plain:
    """What `input.session` says."""
    fields: Plain = {
        "id": _name(session.id, "session.id"),
        "job": _optional(session.job, "session.job"),
        "application": _optional(session.application, "session.application"),
        "client_address": _optional(session.client_address, "session.client_address"),
        "state": _object(session.state, "session.state"),
    }
    return _present(fields)


def resource_fields(resource: Resource) -> Plain:
    """What `input.resource` says."""
    labels = _object(resource.labels, "resource.labels")
    for key, value in labels.items():
        _string(value, f"resource.labels.{key}")
    fields: Plain = {
        "name": _name(resource.name, "resource.name"),
        "protocol": _name(resource.protocol, "resource.protocol"),
        "database": _optional(resource.database, "resource.database"),
        "role": _optional(resource.role, "resource.role"),
        "labels": labels,
    }
    return _present(fields)


def context_fields(context: Mapping[str, Json], now: int, approval: Approval | None) -> Plain:
    """What `input.context` says: what the caller knows, the time, and the approval a held command was given."""
    fields = _object(context, "context")
    taken = sorted(RESERVED & fields.keys())
    if taken:
        raise InputInvalid(f"`context.{taken[0]}` is filled in by the engine alone")
    fields["now"] = rfc3339(now)
    if approval is not None:
        fields["approval"] = {
            "ticket": _name(approval.ticket, "approval.ticket"),
            "approvers": _strings(approval.approvers, "approval.approvers"),
            "rules": _strings(approval.rules, "approval.rules"),
            "granted_at": check_time(approval.granted_at, "approval.granted_at"),
        }
    return fields


def rfc3339(now: int) -> str:
    """Nanoseconds since the epoch as RFC 3339 in UTC, always with nine digits, so that texts sort as times do."""
    seconds, nanos = divmod(check_time(now, "now"), 10**9)
    return f"{_second(seconds)}.{nanos:09d}Z"


@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def encode(fields: Plain, section: str) -> bytes:
    """One section in msgpack."""
    try:
        encoded = _ENCODER.encode(fields)
    except (OverflowError, ValueError) as error:
        raise InputInvalid(f"`{section}` holds a value that no document can hold: {_cause(error)}") from None
    if len(encoded) > MAX_SECTION_BYTES:
        raise InputInvalid(f"`{section}` is larger than {MAX_SECTION_BYTES} bytes")
    return encoded


def _cause(error: OverflowError | ValueError) -> str:
    return "a number beyond 64 bits" if isinstance(error, OverflowError) else "a text that is not Unicode"


def _present(fields: Plain) -> Plain:
    return {key: value for key, value in fields.items() if value is not _ABSENT}


def _string(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise InputInvalid(f"`{path}` is not a text")
    return value


def _name(value: object, path: str) -> str:
    if not isinstance(value, str) or not value:
        raise InputInvalid(f"`{path}` is not a text, or an empty one")
    return value


def _optional(value: object, path: str) -> Json:
    return _ABSENT if value is None else _string(value, path)


def _strings(value: object, path: str) -> list[Json]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise InputInvalid(f"`{path}` is not a list of texts")
    return [_string(item, path) for item in value]


def check_time(value: object, path: str = "now") -> int:
    """A time a document can hold, or InputInvalid."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _END_OF_TIME:
        raise InputInvalid(f"`{path}` is not a time in nanoseconds since 1970, before the year 10000")
    return value


def _object(value: object, path: str) -> Plain:
    if not isinstance(value, Mapping):
        raise InputInvalid(f"`{path}` is not an object")
    return _fields(value, path, 1)


def _fields(value: Mapping[object, object], path: str, depth: int) -> Plain:
    if depth > MAX_DEPTH:
        raise InputInvalid(f"`{path}` is nested deeper than {MAX_DEPTH} levels")
    # WHY the types by themselves: nearly all keys and values are of these, and a context is looked through at each decision.
    return {
        key if type(key) is str else _string(key, f"a key of {path}"): (
            item if type(item) in _PLAINEST else _json(item, path, depth)  # type: ignore[misc]  # one of those it is
        )
        for key, item in value.items()
        if item is not None
    }


def _json(value: object, path: str, depth: int) -> Json:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            if not math.isfinite(value):
                raise InputInvalid(f"`{path}` holds a number that is not finite")
            return value
        case Mapping():
            return _fields(value, path, depth + 1)
        case list() | tuple():
            if depth >= MAX_DEPTH:
                raise InputInvalid(f"`{path}` is nested deeper than {MAX_DEPTH} levels")
            return [_json(item, path, depth + 1) for item in value]
        case _:
            raise InputInvalid(f"`{path}` holds something that is no JSON value")
