"""An entry as an event of the Open Cybersecurity Schema Framework (OCSF 1.5.0, https://schema.ocsf.io). Pure.

| entry | class |
|---|---|
| decision about PostgreSQL | Datastore Activity (6005), Query |
| other decisions, outcomes, steps of a ticket, candidates | API Activity (6003), Other |
| session | Authentication (3002), Logon or Logoff |
| policies, keys, checkpoints | Entity Management (3004), Update |
| started, stopped | Application Lifecycle (6002) |

Allowed, denied and the like are told by the profile `security_control`. What OCSF has no place for stands in
`unmapped.sallyport`, under the names of the log. `metadata.correlation_uid` ties a decision to its outcome and its ticket.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from importlib.metadata import version
from typing import TypeAlias

import msgspec

from gateway.audit.entry import Entry, Kind

VERSION = "1.5.0"
MAX_OPERATION = 1024
"""Characters of a command that stand for the name of an operation."""
CHECKPOINT = "checkpoint"
Fields: TypeAlias = dict[str, object]

_PRODUCT: Mapping[str, object] = {"name": "Sallyport", "vendor_name": "Sallyport", "version": version("sallyport")}
_INFORMATIONAL, _LOW, _MEDIUM = 1, 2, 3
_OTHER = 99
_RELATIONAL = 1
_SUCCESS, _FAILURE = 1, 2
_CONTROLS: Mapping[str, Fields] = {
    "allow": {"action_id": 1, "disposition_id": 1, "severity_id": _INFORMATIONAL},
    "mask": {"action_id": 4, "disposition_id": 1, "severity_id": _INFORMATIONAL},
    "hold": {"action_id": _OTHER, "action": "Held", "disposition_id": 14, "severity_id": _LOW},
    "deny": {"action_id": 2, "disposition_id": 2, "severity_id": _MEDIUM},
}
_PLACED = frozenset(
    {"kind", "time", "seq", "principal", "groups", "session", "application", "client_address", "resource", "text"}
)
"""Fields of an entry that have a place of their own in every event; the others are unmapped."""


def event_of(entry: Entry, uid: str, *, is_cut: bool = False) -> Fields:
    """The event, as JSON has it. `is_cut`: parts of the entry were left out."""
    match entry.kind:
        case Kind.DECISION if entry.protocol == "postgres":
            own = _datastore(entry)
        case Kind.SESSION:
            own = _authentication(entry)
        case Kind.POLICY | Kind.KEY:
            own = _entity(entry)
        case Kind.STARTED | Kind.STOPPED:
            own = _lifecycle(entry)
        case _:
            own = _api(entry)
    metadata: Fields = {
        "version": VERSION,
        "product": dict(_PRODUCT),
        "profiles": ["security_control"],
        "uid": uid,
        "sequence": entry.seq,
        "log_name": uid.rpartition("/")[0],
        "event_code": entry.kind.value,
    }
    related = entry.decision_id or entry.ticket
    if related:
        metadata["correlation_uid"] = related
    placed = _PLACED - {"principal", "text"} if _is_about_another(entry) else _PLACED
    unmapped = {name: value for name, value in msgspec.to_builtins(entry).items() if name not in placed}
    if is_cut:
        unmapped["truncated"] = True
    return {
        "severity_id": _INFORMATIONAL,
        "action_id": 3,
        "disposition_id": 17,
        **own,
        "type_uid": int(str(own["class_uid"])) * 100 + int(str(own["activity_id"])),
        "time": entry.time // 1_000_000,
        "metadata": metadata,
        "unmapped": {"sallyport": unmapped},
    }


def checkpoint_of(note: str, size: int, uid: str, now: int) -> Fields:
    """The event of a signed checkpoint over `size` entries, as JSON has it. `now`: UTC nanoseconds."""
    return {
        "class_uid": 3004,
        "category_uid": 3,
        "activity_id": 3,
        "type_uid": 300403,
        "severity_id": _INFORMATIONAL,
        "action_id": 3,
        "disposition_id": 17,
        "status_id": _SUCCESS,
        "time": now // 1_000_000,
        "comment": f"{size} entries are sealed",
        "entity": {"name": "audit checkpoint", "type": "audit checkpoint", "type_id": _OTHER},
        "metadata": {
            "version": VERSION,
            "product": dict(_PRODUCT),
            "profiles": ["security_control"],
            "uid": uid,
            "sequence": size,
            "log_name": uid.rpartition("/")[0],
            "event_code": CHECKPOINT,
        },
        "unmapped": {"sallyport": {"kind": CHECKPOINT, "size": size, CHECKPOINT: note}},
    }


def _datastore(entry: Entry) -> Fields:
    return {
        "class_uid": 6005,
        "category_uid": 6,
        "activity_id": 4,
        **_decided(entry),
        "database": {"name": entry.database or entry.resource or "unknown", "type_id": _RELATIONAL},
        "query_info": {"uid": entry.decision_id or entry.digest or "unknown", "query_string": entry.text},
    }


def _api(entry: Entry) -> Fields:
    operation = {
        Kind.DECISION: entry.text[:MAX_OPERATION] or entry.protocol or "unknown",
        Kind.APPROVAL: f"approval.{entry.step or 'unknown'}",
        Kind.OUTCOME: "outcome",
        Kind.RECORDING: f"recording.{entry.step or 'unknown'}",
        Kind.RELOAD: f"reload.{entry.step or 'unknown'}",
    }.get(entry.kind, entry.kind.value)
    api: Fields = {"operation": operation}
    if entry.resource:
        api["service"] = {"name": entry.resource}
    if entry.decision_id:
        api["request"] = {"uid": entry.decision_id}
    if entry.error is not None:
        api["response"] = {"error": entry.error}
    decided: Fields = _decided(entry)
    if entry.kind is not Kind.DECISION:
        decided = {"actor": _actor(entry), "src_endpoint": _source(entry)}
    if entry.takes_back:
        decided |= {"status_id": _FAILURE, "status_detail": f"entry {entry.takes_back} did not happen"}
    if entry.kind is Kind.OUTCOME:
        decided["status_id"] = _SUCCESS if entry.error is None else _FAILURE
        if entry.sent_again:
            decided["status_detail"] = f"sent to the target {entry.sent_again} times more"
    return {
        "class_uid": 6003,
        "category_uid": 6,
        "activity_id": _OTHER,
        "activity_name": operation,
        **decided,
        "api": api,
    }


def _decided(entry: Entry) -> Fields:
    """What every decision says."""
    found: Fields = {
        **_CONTROLS.get(entry.verdict, {}),
        "actor": _actor(entry),
        "src_endpoint": _source(entry),
        "message": entry.text,
    }
    if entry.resource:
        found["dst_endpoint"] = {"svc_name": entry.resource}
    if entry.verdict:
        found["status_id"] = _FAILURE if entry.verdict == "deny" else _SUCCESS
    return found


def _authentication(entry: Entry) -> Fields:
    refused = entry.step == "refused"
    return {
        "class_uid": 3002,
        "category_uid": 3,
        "activity_id": 2 if entry.step in ("closed", "killed") else 1,
        **_CONTROLS["deny" if refused else "allow"],
        "status_id": _FAILURE if refused else _SUCCESS,
        "status_detail": entry.note or entry.step or "unknown",
        "user": _user(entry),
        "session": {"uid": entry.session or "unknown"},
        **({"actor": {"user": {"name": entry.person}}} if entry.person else {}),
        "service": {"name": entry.resource or "sallyport"},
        "src_endpoint": _source(entry),
    }


def _entity(entry: Entry) -> Fields:
    failed = entry.step == "failed"
    name = "policies" if entry.kind is Kind.POLICY else "audit signing key"
    entity: Fields = {"name": name, "type": name, "type_id": _OTHER}
    if entry.revision:
        entity["version"] = entry.revision
    return {
        "class_uid": 3004,
        "category_uid": 3,
        "activity_id": 3,
        "status_id": _FAILURE if failed else _SUCCESS,
        "severity_id": _MEDIUM if failed else _INFORMATIONAL,
        "comment": entry.note or entry.step or "unknown",
        "entity": entity,
    }


def _lifecycle(entry: Entry) -> Fields:
    return {
        "class_uid": 6002,
        "category_uid": 6,
        "activity_id": 3 if entry.kind is Kind.STARTED else 4,
        "app": dict(_PRODUCT),
    }


def _actor(entry: Entry) -> Fields:
    found: Fields = {"user": _user(entry)} if entry.principal or entry.person else {"app_name": "sallyport"}
    if entry.session:
        found["session"] = {"uid": entry.session}
    if entry.application:
        found["app_name"] = entry.application
    if entry.rules:
        found["authorizations"] = [
            {"decision": kind, "policy": {"name": rule, "uid": rule, "version": entry.revision}}
            for rule, kind in entry.rules
        ]
    return found


def _is_about_another(entry: Entry) -> bool:
    """Whether `person` did it, with what is the principal's: voted, looked at a recording, made a token."""
    return entry.kind in (Kind.APPROVAL, Kind.RECORDING, Kind.TOKEN) and bool(entry.person)


def _user(entry: Entry) -> Fields:
    if _is_about_another(entry):
        return {"name": entry.person}
    found: Fields = {"name": entry.principal or entry.person or "unknown"}
    if entry.principal_kind:
        # 1 is User, 4 is Service in OCSF; an agent has no number there.
        number = {"user": 1, "service": 4}.get(entry.principal_kind, _OTHER)
        found |= {"type_id": number, "type": entry.principal_kind}
    if entry.groups:
        found["groups"] = [{"name": group} for group in entry.groups]
    return found


def _source(entry: Entry) -> Fields:
    address = entry.client_address or ""
    try:
        return {"ip": str(ipaddress.ip_address(address))}
    except ValueError:
        return {"name": address or "unknown"}
