"""Requests stated as plain objects, and what is no request."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InputInvalid
from engine.request import Approval, Json, Principal, Resource, Session, quiet_activity
from engine.suite.stated import DEFAULT_NOW, Stated, Statements, parse_time

WHO: dict[str, Any] = {"name": "ana", "groups": ["dba"]}
WHERE: dict[str, Any] = {"name": "orders", "protocol": "postgres", "labels": {"environment": "prod"}}
WHAT: dict[str, Any] = {"protocol": "postgres", "text": "SELECT 1"}


def test_a_whole_request_is_taken_as_stated() -> None:
    stated = Stated(
        principal=WHO | {"kind": "agent", "attributes": {"team": {"name": "core"}}},
        resource=WHERE | {"database": "shop", "role": "app"},
        command=WHAT | {"parameters": ["1", None]},
        session={"id": "s", "job": "j", "application": "psql", "client_address": "::1", "state": {"x": 1}},
        context={"hour": 9},
        catalog={"search_path": ["public"], "relations": {"public.orders": ["id"]}},
        now="2026-01-05T12:00:00.5+01:00",
        approval={"rules": ["a/B"], "approvers": ["bo"]},
    )
    got = Statements().question(stated, 7)
    assert got.principal == Principal("ana", "agent", ("dba",), {"team": {"name": "core"}})
    assert got.resource == Resource("orders", "postgres", "shop", "app", {"environment": "prod"})
    assert got.session == Session("s", "j", "psql", "::1", {"x": 1})
    assert (got.protocol, got.text, got.context) == ("postgres", b"SELECT 1", {"hour": 9})
    assert got.now == parse_time("2026-01-05T11:00:00.5Z")
    assert got.approval == Approval("stated", ("bo",), ("a/B",), 7)
    assert got.names is not None


def test_what_is_not_said_has_its_default() -> None:
    got = Statements().question(Stated({"name": "ana"}, {"name": "r", "protocol": "ssh"}, WHAT), 7)
    assert got.principal == Principal("ana")
    assert got.resource == Resource("r", "ssh")
    assert got.session == Session("stated")
    assert (got.now, got.names, got.context, got.approval) == (7, None, {}, None)


def test_equal_catalogs_are_built_once() -> None:
    statements = Statements()
    catalog = {"search_path": ["public"], "relations": {"public.t": ["a"]}}
    one = statements.question(Stated(WHO, WHERE, WHAT, catalog=catalog), 1)
    assert statements.question(Stated(WHO, WHERE, WHAT, catalog=dict(catalog)), 1).names is one.names


def test_a_raw_http_request_is_bytes() -> None:
    got = Statements().question(Stated(WHO, WHERE, {"protocol": "http", "text": "GET /\xff"}), 1)
    assert got.text == b"GET /\xff"
    with pytest.raises(InputInvalid, match="255"):
        Statements().question(Stated(WHO, WHERE, {"protocol": "http", "text": "GET /\u20ac"}), 1)


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("principal", {"principal": None}),
    ("principal", {"principal": "ana"}),
    ("principal.name", {"principal": {}}),
    ("principal.name", {"principal": {"name": 1}}),
    ("gruops", {"principal": {"name": "ana", "gruops": ["dba"]}}),
    ("principal.groups", {"principal": {"name": "ana", "groups": "dba"}}),
    ("principal.groups", {"principal": {"name": "ana", "groups": [1]}}),
    ("principal.attributes", {"principal": {"name": "ana", "attributes": []}}),
    ("resource", {"resource": None}),
    ("resource.protocol", {"resource": {"name": "r"}}),
    ("labels.n", {"resource": {"name": "r", "protocol": "p", "labels": {"n": 1}}}),
    ("command", {"command": None}),
    ("command.text", {"command": {"protocol": "postgres"}}),
    ("command.parameters", {"command": WHAT | {"parameters": {}}}),
    ("session", {"session": []}),
    ("session.id", {"session": {"id": 1}}),
    ("session.state", {"session": {"state": 1}}),
    ("context", {"context": 1}),
    ("catalog", {"catalog": []}),
    ("catalog", {"catalog": {"relation": {}}}),
    ("now", {"now": 5}),
    ("now", {"now": "yesterday"}),
    ("now", {"now": "2026-02-30T12:00:00Z"}),
    ("now", {"now": "2026-01-05T12:00:00"}),
    ("zone", {"now": "2026-01-05T12:00:00+25:00"}),
    ("now", {"now": "0001-01-01T00:00:00+01:00"}),
    ("approval.rules", {"approval": {"rules": "a/B"}}),
]


@pytest.mark.parametrize(("named", "parts"), WRONG)
def test_what_is_no_request_is_refused_by_the_name_of_its_part(named: str, parts: dict[str, Any]) -> None:
    whole = {"principal": WHO, "resource": WHERE, "command": WHAT} | parts
    with pytest.raises(InputInvalid, match=named):
        Statements().question(Stated(**whole), 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1970-01-01t01:00:00+01:00", 0),
        ("1969-12-31T23:00:00-01:00", 0),
        ("1970-01-01T00:00:01.25z", 1_250_000_000),
        (DEFAULT_NOW, 1_767_614_400_000_000_000),
    ],
)
def test_times_are_nanoseconds(text: str, expected: int) -> None:
    assert parse_time(text) == expected


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner, max_size=2),
    max_leaves=6,
)
named = st.dictionaries(
    st.sampled_from(["name", "groups", "protocol", "text", "labels", "id", "state", "rules"]), json, max_size=4
)


@given(named | json, named | json, named | json, json, json, json, json, json)
def test_anything_is_a_request_or_refused(
    principal: Any, resource: Any, command: Any, session: Any, context: Any, catalog: Any, now: Any, approval: Any
) -> None:
    stated = Stated(principal, resource, command, session, context, catalog, now, approval)
    with suppress(InputInvalid):
        Statements().question(stated, 1)


def test_a_request_of_http_may_bring_the_document_of_its_routes() -> None:
    document: Json = {"paths": {"/pets/{id}": {"get": {"operationId": "getPet"}}}}
    command: Json = {"protocol": "http", "text": "GET /pets/7 HTTP/1.1\r\nHost: a\r\n\r\n"}
    statements = Statements()
    principal: Json = {"name": "bo"}
    resource: Json = {"name": "pets", "protocol": "http"}
    one = statements.question(Stated(principal, resource, command, openapi=document), 0)
    again = statements.question(Stated(principal, resource, command, openapi=document), 0)
    assert one.names is again.names is not None
    with pytest.raises(InputInvalid):
        statements.question(Stated(principal, resource, command, openapi=7), 0)
    other: Json = {"protocol": "postgres", "text": "SELECT 1"}
    assert statements.question(Stated(principal, resource, other, openapi=document), 0).names is None


@pytest.mark.parametrize("wrong", [7, "x", [None], True])
def test_what_is_no_document_is_refused_also_where_it_would_not_be_read(wrong: Json) -> None:
    principal: Json = {"name": "bo"}
    for command, field in (
        ({"protocol": "postgres", "text": "SELECT 1"}, "openapi"),
        ({"protocol": "http", "text": "GET / HTTP/1.1\r\n\r\n"}, "catalog"),
    ):
        resource: Json = {"name": "pets", "protocol": command["protocol"]}
        named = {field: wrong, **({"openapi": {"openapi": "3.1.0", "paths": {}}} if field == "catalog" else {})}
        with pytest.raises(InputInvalid, match=f"`{field}` is missing or no object"):
            Statements().question(Stated(principal, resource, dict(command), **named), 0)


def test_activity_that_is_not_stated_is_that_of_somebody_who_did_nothing() -> None:
    got = Statements(counts=True).question(Stated(WHO, WHERE, WHAT, context={"ticket": "OPS-1"}), 7)
    assert got.context == {"ticket": "OPS-1", "activity": quiet_activity()}
    assert Statements().question(Stated(WHO, WHERE, WHAT), 7).context == {}


def test_activity_is_stated_by_what_differs_from_nothing() -> None:
    use: Json = {"operation": "drop_table", "effect": "delete", "object": "table a.b"}
    said: dict[str, Json] = {"rows_last_hour": 9, "job": {"denials_last_hour": 2}, "unseen": [use]}
    got = Statements().question(Stated(WHO, WHERE, WHAT, context={"activity": said}), 7).context["activity"]
    job = quiet_activity()["job"]
    assert isinstance(job, dict)
    assert got == quiet_activity() | {
        "rows_last_hour": 9,
        "unseen": [use],
        "unseen_count": 1,
        "job": {**job, "denials_last_hour": 2},
    }


@pytest.mark.parametrize("said", [{"row_last_hour": 9}, {"job": {"row": 1}}, [], {"job": 3}])
def test_activity_that_is_none_is_refused(said: Json) -> None:
    with pytest.raises(InputInvalid):
        Statements().question(Stated(WHO, WHERE, WHAT, context={"activity": said}), 7)
