"""A request stated in JSON or YAML: plain objects to what the engine is asked.

Used by suites (`fixtures.py`) and by JSON lines (`decide_lines.py`). A key that is not known inside an object is an
error, never passed over: a misspelled `groups` must not turn a test green.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from engine.command.http.openapi import compile_openapi
from engine.command.sql.parse import read_catalog
from engine.errors import InputInvalid
from engine.evaluator.generations import Generations
from engine.evaluator.program import TextQuestion
from engine.evaluator.reader import Names
from engine.request import COUNTS, Approval, Json, Principal, Resource, Session, quiet_activity

DEFAULT_NOW = "2026-01-05T12:00:00Z"
"""When a case happens that does not say: a Monday at noon."""

_RFC_3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)")
_CATALOGS = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stated:
    """The parts of a request as somebody wrote them. Absent ones are None."""

    principal: Json
    resource: Json
    command: Json
    session: Json = None
    context: Json = None
    catalog: Json = None
    now: Json = None
    approval: Json = None
    openapi: Json = None


@dataclass(frozen=True, slots=True)
class Statements:
    """Turns stated requests into questions. Catalogs are built once for each content; one object serves many requests.

    `counts`: the policies read `context.activity`; what a request does not say of it is that of somebody who did nothing yet.
    """

    counts: bool = False
    _catalogs: Generations[bytes, Names] = field(default_factory=lambda: Generations(_CATALOGS, 64 * 1024 * 1024))

    def question(self, stated: Stated, now: int) -> TextQuestion:
        """The question; `now` counts where the statement says no time. Raises InputInvalid."""
        protocol, text = _command(stated.command)
        return TextQuestion(
            principal=principal_of(stated.principal),
            session=session_of(stated.session),
            resource=resource_of(stated.resource),
            protocol=protocol,
            text=text,
            now=now if stated.now is None else parse_time(stated.now),
            names=self._names(protocol, stated),
            context=self._context(_fields(stated.context, "context", None)),
            approval=None if stated.approval is None else approval_of(stated.approval, now),
        )

    def _context(self, stated: Mapping[str, Json]) -> Mapping[str, Json]:
        if not self.counts and "activity" not in stated:
            return stated
        return {**stated, "activity": activity_of(stated.get("activity"))}

    def catalog(self, document: Json) -> Names:
        """What names mean, from a document. Raises InputInvalid."""
        key = _encoded(document, "catalog")
        found = self._catalogs.get(key)
        if found is None:
            found = read_catalog(document)
            self._catalogs.put(key, found, len(key))
        return found

    def _names(self, protocol: str, stated: Stated) -> Names | None:
        # WHY before it is known which of them counts: what is no document is a mistake, whatever it is for.
        for document, where in ((stated.catalog, "catalog"), (stated.openapi, "openapi")):
            _fields(document, where, None)
        if protocol == "http" and stated.openapi is not None:
            return self._routes(stated.openapi)
        return None if stated.catalog is None else self.catalog(stated.catalog)

    def _routes(self, document: Json) -> Names:
        """The routes of an OpenAPI document. Raises InputInvalid."""
        raw = _encoded(document, "openapi")
        key = b"openapi\0" + raw
        found = self._catalogs.get(key)
        if found is None:
            found = compile_openapi(document, hashlib.sha256(raw).hexdigest())
            self._catalogs.put(key, found, len(key))
        return found


def _encoded(document: Json, name: str) -> bytes:
    try:
        return msgspec.json.encode(document)
    except (TypeError, ValueError):
        raise InputInvalid(f"`{name}` is no JSON document") from None


def principal_of(stated: Json) -> Principal:
    """`{"name", "groups"?, "kind"?, "attributes"?}`."""
    fields = _fields(stated, "principal", ("name", "groups", "kind", "attributes"))
    return Principal(
        name=_text(fields, "principal", "name"),
        kind=_text(fields, "principal", "kind", "user"),
        groups=_texts(fields, "principal", "groups"),
        attributes=_fields(fields.get("attributes"), "principal.attributes", None),
    )


def resource_of(stated: Json) -> Resource:
    """`{"name", "protocol", "labels"?, "database"?, "role"?}`."""
    fields = _fields(stated, "resource", ("name", "protocol", "labels", "database", "role"))
    labels = _fields(fields.get("labels"), "resource.labels", None)
    return Resource(
        name=_text(fields, "resource", "name"),
        protocol=_text(fields, "resource", "protocol"),
        database=_optional(fields, "resource", "database"),
        role=_optional(fields, "resource", "role"),
        labels={key: _text(labels, "resource.labels", key) for key in labels},
    )


def session_of(stated: Json) -> Session:
    """`{"id"?, "job"?, "application"?, "client_address"?, "state"?}`."""
    fields = _fields(stated, "session", ("id", "job", "application", "client_address", "state"))
    return Session(
        id=_text(fields, "session", "id", "stated"),
        job=_optional(fields, "session", "job"),
        application=_optional(fields, "session", "application"),
        client_address=_optional(fields, "session", "client_address"),
        state=_fields(fields.get("state"), "session.state", None),
    )


def approval_of(stated: Json, now: int) -> Approval:
    """`{"rules", "approvers"?, "ticket"?}`: the grant a held command was given."""
    fields = _fields(stated, "approval", ("rules", "approvers", "ticket"))
    return Approval(
        ticket=_text(fields, "approval", "ticket", "stated"),
        approvers=_texts(fields, "approval", "approvers"),
        rules=_texts(fields, "approval", "rules"),
        granted_at=now,
    )


def activity_of(stated: Json) -> dict[str, Json]:
    """`{"rows_last_hour"?, ..., "job"?, "unseen"?, ...}`: what somebody did lately; what is not said is nothing."""
    quiet = quiet_activity()
    fields = _fields(stated, "context.activity", tuple(quiet))
    job, nothing = _fields(fields.get("job"), "context.activity.job", COUNTS), dict.fromkeys(COUNTS, 0)
    unseen = fields.get("unseen")
    count = len(unseen) if isinstance(unseen, list) else 0
    return {**quiet, "unseen_count": count, **fields, "job": {**nothing, **job}}


def parse_time(stated: Json) -> int:
    """RFC 3339 as nanoseconds since 1970 in UTC."""
    found = _RFC_3339.fullmatch(stated) if isinstance(stated, str) else None
    if found is None:
        raise InputInvalid("`now` is no time such as `2026-01-05T12:00:00Z`")
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        local = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        raise InputInvalid("`now` is no time that there is") from None
    if zone not in ("Z", "z"):
        hours, minutes = int(zone[1:3]), int(zone[4:6])
        if hours > 23 or minutes > 59:
            raise InputInvalid("`now` has a time zone that there is not")
        shift = timedelta(hours=hours, minutes=minutes)
        try:
            local = local - shift if zone[0] == "+" else local + shift
        except OverflowError:
            raise InputInvalid("`now` is no time that there is") from None
    seconds = (local - _EPOCH) // timedelta(seconds=1)
    return seconds * 10**9 + int((fraction or "0").ljust(9, "0"))


def _command(stated: Json) -> tuple[str, bytes]:
    fields = _fields(stated, "command", ("protocol", "text", "parameters"))
    parameters = fields.get("parameters")
    if parameters is not None and not isinstance(parameters, list):
        raise InputInvalid("`command.parameters` is not a list")
    protocol = _text(fields, "command", "protocol")
    text = _text(fields, "command", "text")
    if protocol == "http":
        # A raw request: each character stands for one byte.
        try:
            return protocol, text.encode("latin-1")
        except UnicodeEncodeError:
            raise InputInvalid("`command.text` of protocol http has characters beyond 255") from None
    return protocol, text.encode("utf-8", "surrogatepass")


def _fields(stated: Json, where: str, known: Collection[str] | None) -> Mapping[str, Json]:
    """The fields of an object, none when it is absent; `known` None means that any may stand there."""
    if stated is None and where not in ("principal", "resource", "command", "approval"):
        return {}
    if not isinstance(stated, dict):
        raise InputInvalid(f"`{where}` is missing or no object")
    for key in stated:
        if not isinstance(key, str):
            raise InputInvalid(f"`{where}` has a key that is no text")
        if known is not None and key not in known:
            raise InputInvalid(f"`{where}` has no field `{key[:60]}`; it has {', '.join(known)}")
    return stated


def _text(fields: Mapping[str, Json], where: str, name: str, default: str | None = None) -> str:
    value = fields.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise InputInvalid(f"`{where}.{name}` is missing or no text")
    return value


def _optional(fields: Mapping[str, Json], where: str, name: str) -> str | None:
    return None if fields.get(name) is None else _text(fields, where, name)


def _texts(fields: Mapping[str, Json], where: str, name: str) -> tuple[str, ...]:
    value = fields.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputInvalid(f"`{where}.{name}` is not a list of texts")
    return tuple(str(item) for item in value)
