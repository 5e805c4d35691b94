"""Questions through a face: whose words count, and what is a yes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.core.ports import Question
from engine.request import Principal, Session
from engine.suite.stated import Stated
from gateway.faces.asking import CallRefused, Desk, is_plainly_allowed, read_object
from gateway.identity.speaking import session_name, stated_in
from tests.strategies.faces import ADAPTER, ANA, FaceGate

PLACE = {"name": "orders", "protocol": "postgres"}
COMMAND = {"protocol": "postgres", "text": "SELECT 1"}


def test_an_adapter_speaks_for_others() -> None:
    gate = FaceGate()
    stated = Stated({"name": "bo", "groups": ["dba"]}, {**PLACE, "labels": {"a": "b"}}, COMMAND, context={"x": 1})
    assert is_plainly_allowed(Desk(gate).ask(stated, ADAPTER))
    question, principal, session, resource, context, caller = gate.asked[0]
    assert isinstance(question, Question)
    assert (question.protocol, question.text) == ("postgres", b"SELECT 1")
    assert (principal, resource.labels, context, caller) == (
        Principal("bo", groups=("dba",)),
        {"a": "b"},
        {"x": 1},
        "envoy",
    )
    assert session.id == session_name("envoy", "bo")
    Desk(gate).ask(replace(stated, session={"id": "s-9", "client_address": "10.0.0.7", "job": "j"}), ADAPTER)
    assert gate.asked[1][2] == Session("s-9", "j", None, "10.0.0.7")
    Desk(gate).ask(replace(stated, session={"job": "j"}), ADAPTER)
    assert gate.asked[2][2] == Session(session_name("envoy", "bo"), "j")


def test_who_speaks_for_itself_is_in_a_session_and_at_an_address_that_are_the_gateways_word() -> None:
    gate, here = FaceGate(), replace(ANA, address="192.0.2.7")
    Desk(gate).ask(Stated(None, PLACE, COMMAND), here)
    Desk(gate).ask(Stated(None, PLACE, COMMAND, session={"job": "nightly", "application": "a DBA's console"}), here)
    name = session_name("ana", "ana", "")
    assert [asked[2] for asked in gate.asked] == [
        Session(name, None, None, "192.0.2.7"),
        Session(name, "nightly", "a DBA's console", "192.0.2.7"),
    ]
    assert [stated_in(asked[1]) for asked in gate.asked] == [(), ("job",)]


def test_others_speak_for_themselves_as_the_configuration_knows_them() -> None:
    gate = FaceGate()
    for who in (None, {"name": "ana"}, {"name": "ana", "groups": ["viewers"]}):
        Desk(gate).ask(Stated(who, PLACE, COMMAND), ANA)
    assert [asked[1] for asked in gate.asked] == [ANA.principal] * 3


@pytest.mark.parametrize(
    "stated",
    [
        Stated({"name": "bo"}, PLACE, COMMAND),
        Stated({"name": "ana", "groups": ["dba"]}, PLACE, COMMAND),
        Stated({"name": "ana", "attributes": {"a": 1}}, PLACE, COMMAND),
        Stated(None, {**PLACE, "labels": {"environment": "dev"}}, COMMAND),
        Stated(None, {**PLACE, "role": "root"}, COMMAND),
        Stated(None, PLACE, COMMAND, context={"approved": True}),
        Stated(None, PLACE, COMMAND, session={"state": {"a": 1}}),
        Stated(None, PLACE, COMMAND, session={"id": "s-of-a-victim"}),
        Stated(None, PLACE, COMMAND, session={"client_address": "10.0.0.1"}),
    ],
)
def test_facts_are_not_theirs_to_state(stated: Stated) -> None:
    gate = FaceGate()
    with pytest.raises(CallRefused) as caught:
        Desk(gate).ask(stated, ANA)
    assert (caught.value.status, caught.value.code) == (403, "NOT_PERMITTED")
    assert gate.asked == []


@pytest.mark.parametrize(
    "stated",
    [
        Stated(None, None, COMMAND),
        Stated(None, PLACE, None),
        Stated(None, PLACE, {"text": 1}),
        Stated({"nam": "a"}, PLACE, COMMAND),
    ],
)
def test_what_is_no_question_is_none(stated: Stated) -> None:
    with pytest.raises(CallRefused) as caught:
        Desk(FaceGate()).ask(stated, ADAPTER)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("text", "is_yes"),
    [("SELECT 1", True), ("NOTIFY", True), ("LIMIT", False), ("MASK", False), ("DELETE", False), ("DROP", False)],
)
def test_only_a_plain_yes_is_one(text: str, is_yes: bool) -> None:
    answer = Desk(FaceGate()).ask(Stated({"name": "bo"}, PLACE, {**COMMAND, "text": text}), ADAPTER)
    assert is_plainly_allowed(answer) is is_yes


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"1", b"\xff", b"[" * 100_000, b"null"])
def test_a_body_that_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(CallRefused):
        read_object(raw)


def test_a_refused_call_is_told() -> None:
    gate = FaceGate()
    Desk(gate).refused(None, "/v1/data", CallRefused(401, "CALLER_UNKNOWN", "who"))
    assert gate.told == [("", "/v1/data", "CALLER_UNKNOWN")]
