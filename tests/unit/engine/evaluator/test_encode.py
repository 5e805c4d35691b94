"""What a request becomes as `input`, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.command.tree import Command, Effect, Operation, ParsedCommand
from engine.errors import InputInvalid
from engine.evaluator.encode import MAX_COMMAND_BYTES, MAX_SECTION_BYTES, encode_request, rfc3339
from engine.request import Approval, Principal, Request, Resource, Session

NOW = 1_795_255_200_000_000_001
COMMAND = ParsedCommand.of(
    Command("postgres", "SELECT 1", "d", (Operation("select", Effect.READ, ("top",)),), complete=True)
)
REQUEST = Request(
    Principal("ana", groups=("dba",), attributes={"team": "core", "manager": None}),
    Session("s1"),
    Resource("orders", "postgres", labels={"environment": "prod"}),
    COMMAND,
    NOW,
)


def decoded(request: Request) -> Any:
    return msgspec.msgpack.decode(encode_request(request))


def test_the_document_has_its_five_sections_and_no_null() -> None:
    assert decoded(REQUEST) == {
        "principal": {"name": "ana", "kind": "user", "groups": ["dba"], "attributes": {"team": "core"}},
        "session": {"id": "s1", "state": {}},
        "resource": {"name": "orders", "protocol": "postgres", "labels": {"environment": "prod"}},
        "command": msgspec.msgpack.decode(COMMAND.encoded),
        "context": {"now": "2026-11-21T10:00:00.000000001Z"},
    }


def test_the_commands_bytes_stand_in_it_unchanged() -> None:
    odd = ParsedCommand(b"\xde\x00\x01\xa1a\xcd\x00\x07")
    assert odd.encoded in encode_request(replace(REQUEST, command=odd))


def test_an_approval_stands_in_the_context() -> None:
    approval = Approval("t1", ("bo",), ("pg/HOLD",), NOW)
    assert decoded(replace(REQUEST, approval=approval))["context"]["approval"] == {
        "ticket": "t1",
        "approvers": ["bo"],
        "rules": ["pg/HOLD"],
        "granted_at": NOW,
    }


@pytest.mark.parametrize("name", ["approval", "now"])
def test_nobody_hands_in_an_approval_or_a_time_by_the_context(name: str) -> None:
    with pytest.raises(InputInvalid, match=name):
        encode_request(replace(REQUEST, context={name: {"ticket": "t"}}))


def test_nulls_in_lists_keep_their_place() -> None:
    request = replace(REQUEST, context={"argv": ["ls", None], "deep": {"gone": None, "kept": 0}})
    context = decoded(request)["context"]
    assert context["argv"] == ["ls", None]
    assert context["deep"] == {"kept": 0}


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


WRONG: list[Any] = [
    replace(REQUEST, principal=Principal("")),
    replace(REQUEST, principal=Principal(b"ana")),  # type: ignore[arg-type]  # what a careless caller may hand in
    replace(REQUEST, principal=Principal("ana", groups="dba")),  # type: ignore[arg-type]  # the same
    replace(REQUEST, principal=Principal("ana", groups=(1,))),  # type: ignore[arg-type]  # the same
    replace(REQUEST, principal=Principal("ana", attributes={"x": float("nan")})),
    replace(REQUEST, principal=Principal("ana", attributes={"x": [float("inf")]})),
    replace(REQUEST, principal=Principal("ana", attributes={"x": 2**64})),
    replace(REQUEST, principal=Principal("ana", attributes={"x": "\ud800"})),
    replace(REQUEST, principal=Principal("ana", attributes={1: "x"})),  # type: ignore[dict-item]  # the same
    replace(REQUEST, principal=Principal("ana", attributes={"x": {1, 2}})),  # type: ignore[dict-item]  # the same
    replace(REQUEST, principal=Principal("ana", attributes=[])),  # type: ignore[arg-type]  # the same
    replace(REQUEST, session=Session("")),
    replace(REQUEST, session=Session("s", job=7)),  # type: ignore[arg-type]  # the same
    replace(REQUEST, resource=Resource("r", "postgres", labels={"n": 1})),  # type: ignore[dict-item]  # the same
    replace(REQUEST, context={"x": nested(40)}),
    replace(REQUEST, context={"x": "y" * MAX_SECTION_BYTES}),
    replace(REQUEST, command=ParsedCommand(bytes(MAX_COMMAND_BYTES + 1))),
    replace(REQUEST, now=-1),
    replace(REQUEST, now=253_402_300_800 * 10**9),
    replace(REQUEST, now=True),
    replace(REQUEST, now=1.5),  # type: ignore[arg-type]  # the same
    replace(REQUEST, approval=Approval("", ("bo",), (), NOW)),
    replace(REQUEST, approval=Approval("t", ("bo",), (), -1)),
]


@pytest.mark.parametrize("request_", WRONG, ids=range(len(WRONG)))
def test_what_has_not_the_shape_of_a_request_is_refused_with_its_code(request_: Request) -> None:
    with pytest.raises(InputInvalid) as caught:
        encode_request(request_)
    assert caught.value.code == "INPUT_INVALID"


def test_times_are_written_so_that_they_sort() -> None:
    assert rfc3339(0) == "1970-01-01T00:00:00.000000000Z"
    assert rfc3339(253_402_300_799 * 10**9 + 5) == "9999-12-31T23:59:59.000000005Z"


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=5), json, max_size=3))
def test_any_attributes_are_encoded_or_refused_and_never_raise_otherwise(attributes: Any) -> None:
    try:
        got = decoded(replace(REQUEST, principal=Principal("ana", attributes=attributes)))
    except InputInvalid:
        return
    assert None not in got["principal"]["attributes"].values()
