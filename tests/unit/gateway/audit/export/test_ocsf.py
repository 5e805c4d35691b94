"""Every kind of entry is a valid event of OCSF, by OCSF's own schema."""

from __future__ import annotations

from functools import cache

import jsonschema
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from gateway.audit.entry import Entry, Kind
from gateway.audit.export.ocsf import VERSION, checkpoint_of, event_of

UID = "sallyport.audit/test/7"
FULL: dict[str, object] = {
    "time": 1_800_000_000_123_456_789,
    "seq": 7,
    "decision_id": "d-1",
    "principal": "ana",
    "principal_kind": "agent",
    "groups": ("readers",),
    "session": "s-1",
    "job": "build-42",
    "application": "psql",
    "client_address": "10.0.0.9",
    "resource": "orders",
    "protocol": "postgres",
    "digest": "ab" * 32,
    "text": "SELECT 1",
    "rules": (("p/READ", "allow"),),
    "obligations": (("rows", 5),),
    "revision": "r1",
    "database": "shop",
    "names": b"\x01\x02",
}


@cache
def schema_of(class_uid: int) -> dict[str, object]:
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=VERSION))
    name = schema.lookup_class_name_from_uid(class_uid=class_uid)
    found: dict[str, object] = schema.get_class_schema(class_name=name, profiles=["security_control"])
    return found


def check(event: dict[str, object]) -> None:
    """By the schema of its class, without a field that the class does not know."""
    class_uid = event["class_uid"]
    assert isinstance(class_uid, int)
    schema = schema_of(class_uid)
    jsonschema.Draft202012Validator(schema).validate(event)
    properties = schema["properties"]
    assert isinstance(properties, dict)
    assert set(event) <= set(properties)


ENTRIES = {
    "shredded": Entry(kind=Kind.SHREDDED, time=1, seq=7, step="destroyed", note="default/2026-11-21.ab", person="olga"),
    **{verdict: Entry(kind=Kind.DECISION, verdict=verdict, **FULL) for verdict in ("allow", "mask", "hold", "deny")},  # type: ignore[arg-type]  # fields of a test
    "http": Entry(kind=Kind.DECISION, verdict="deny", **{**FULL, "protocol": "http"}),  # type: ignore[arg-type]  # as above
    "ssh": Entry(kind=Kind.DECISION, verdict="allow", **{**FULL, "protocol": "shell", "client_address": "unix"}),  # type: ignore[arg-type]  # as above
    "bare": Entry(kind=Kind.DECISION, time=1, seq=7),
    "bare of postgres": Entry(kind=Kind.DECISION, time=1, seq=7, protocol="postgres", verdict="deny"),
    "outcome": Entry(kind=Kind.OUTCOME, time=1, seq=7, decision_id="d-1", rows=3, bytes=9, duration=0.5),
    "outcome of two": Entry(kind=Kind.OUTCOME, time=1, seq=7, decision_id="d-1", bytes=9, sent_again=1),
    "failed outcome": Entry(kind=Kind.OUTCOME, time=1, seq=7, decision_id="d-1", error="42P01"),
    "vote": Entry(kind=Kind.APPROVAL, time=1, seq=7, ticket="h-1", step="approved", person="bo", note="ok"),
    "taken back": Entry(
        kind=Kind.APPROVAL, time=1, seq=8, ticket="h-1", step="lost", takes_back=7, person="bo", principal="ana"
    ),
    "shadow": Entry(kind=Kind.SHADOW, time=1, seq=7, decision_id="d-1", note="allow -> deny"),
    "recording": Entry(kind=Kind.RECORDING, time=1, seq=7, step="ended", note="r-1", digest="ab", rows=2, bytes=9),
    "played": Entry(
        kind=Kind.RECORDING, time=1, seq=7, step="played", note="r-1", principal="ana", session="s-1", person="vera"
    ),
    "searched": Entry(
        kind=Kind.RECORDING, time=1, seq=7, step="searched", text="plan", principal="ana", person="vera", rows=3
    ),
    "vote about somebody": Entry(
        kind=Kind.APPROVAL, time=1, seq=7, ticket="h-1", step="approved", person="bo", principal="ana"
    ),
    "token": Entry(
        kind=Kind.TOKEN, time=1, seq=7, step="issued", principal="ana", job="build-42", resource="orders", note="t-1"
    ),
    "opened": Entry(kind=Kind.SESSION, time=1, seq=7, step="opened", session="s-1", principal="ana", resource="orders"),
    "refused": Entry(kind=Kind.SESSION, time=1, seq=7, step="refused", principal="x", note="28000"),
    "closed": Entry(kind=Kind.SESSION, time=1, seq=7, step="closed", session="s-1", principal="ana", note="bye"),
    "policies": Entry(kind=Kind.POLICY, time=1, seq=7, step="loaded", revision="r2", note="abc"),
    "broken policies": Entry(kind=Kind.POLICY, time=1, seq=7, step="failed", note="a.gate:1:1: SYNTAX"),
    "key": Entry(kind=Kind.KEY, time=1, seq=7, step="handed over", note="ed25519 ..."),
    "reload": Entry(kind=Kind.RELOAD, time=1, seq=7, step="failed", note="the keys of the audit: none"),
    "started": Entry(kind=Kind.STARTED, time=1, seq=7),
    "stopped": Entry(kind=Kind.STOPPED, time=1, seq=7),
}


@pytest.mark.parametrize("name", ENTRIES)
def test_every_kind_of_entry_is_valid(name: str) -> None:
    check(event_of(ENTRIES[name], UID))


def test_every_kind_is_tried() -> None:
    assert {entry.kind for entry in ENTRIES.values()} == set(Kind)


def test_a_decision_says_who_what_where_by_which_rule_and_how_it_ended() -> None:
    event = event_of(ENTRIES["deny"], UID)
    assert (event["class_uid"], event["type_uid"]) == (6005, 600504)
    assert (event["action_id"], event["disposition_id"], event["severity_id"], event["status_id"]) == (2, 2, 3, 2)
    assert event["time"] == 1_800_000_000_123
    assert event["actor"] == {
        "user": {"name": "ana", "type_id": 99, "type": "agent", "groups": [{"name": "readers"}]},
        "session": {"uid": "s-1"},
        "app_name": "psql",
        "authorizations": [{"decision": "allow", "policy": {"name": "p/READ", "uid": "p/READ", "version": "r1"}}],
    }
    assert event["src_endpoint"] == {"ip": "10.0.0.9"}
    assert event["dst_endpoint"] == {"svc_name": "orders"}
    metadata = event["metadata"]
    assert isinstance(metadata, dict)
    assert (metadata["uid"], metadata["sequence"], metadata["correlation_uid"]) == (UID, 7, "d-1")
    assert metadata["log_name"] == "sallyport.audit/test"
    unmapped = event["unmapped"]
    assert isinstance(unmapped, dict)
    assert unmapped["sallyport"]["job"] == "build-42"
    assert "text" not in unmapped["sallyport"]


def test_what_is_held_is_delayed_and_what_is_masked_modified() -> None:
    held, masked = event_of(ENTRIES["hold"], UID), event_of(ENTRIES["mask"], UID)
    assert (held["action_id"], held["action"], held["disposition_id"]) == (99, "Held", 14)
    assert (masked["action_id"], masked["status_id"]) == (4, 1)


@pytest.mark.parametrize(
    ("name", "who", "operation", "text"),
    [
        ("played", "vera", "recording.played", None),
        ("searched", "vera", "recording.searched", "plan"),
        ("vote about somebody", "bo", "approval.approved", None),
    ],
)
def test_who_looks_or_votes_is_the_actor_and_whom_it_is_about_is_told_beside(
    name: str, who: str, operation: str, text: str | None
) -> None:
    event = event_of(ENTRIES[name], UID)
    assert event["actor"]["user"] == {"name": who}  # type: ignore[index]  # a dict
    assert event["activity_name"] == operation
    unmapped = event["unmapped"]["sallyport"]  # type: ignore[index]  # as above
    assert (unmapped["principal"], unmapped.get("text")) == ("ana", text)


def test_a_step_that_never_happened_is_told_to_have_failed() -> None:
    assert event_of(ENTRIES["outcome of two"], UID)["status_detail"] == "sent to the target 1 times more"
    event = event_of(ENTRIES["taken back"], UID)
    assert (event["status_id"], event["status_detail"]) == (2, "entry 7 did not happen")
    unmapped = event["unmapped"]
    assert isinstance(unmapped, dict)
    assert (unmapped["sallyport"]["step"], unmapped["sallyport"]["takes_back"]) == ("lost", 7)


def test_a_checkpoint_is_valid_too() -> None:
    event = checkpoint_of("note", 7, f"{UID.rpartition('/')[0]}/checkpoint-7", 1)
    check(event)
    assert event["unmapped"] == {"sallyport": {"kind": "checkpoint", "size": 7, "checkpoint": "note"}}


def test_a_cut_event_says_so() -> None:
    unmapped = event_of(ENTRIES["allow"], UID, is_cut=True)["unmapped"]
    assert isinstance(unmapped, dict)
    assert unmapped["sallyport"]["truncated"] is True
