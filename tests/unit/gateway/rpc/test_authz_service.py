"""Envoy gets a yes for what is allowed as it stands, and a no for everything else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from adapters.core.ports import Answer, Question, Refusal
from engine.command.tree import ParsedCommand
from engine.decision import Decision, DenyKind, MaskItem, Obligation, Reason, Verdict
from engine.request import Json, Principal, Resource, Session
from gateway.errors import AuditUnavailable
from gateway.identity.logins import Login, Unproven
from gateway.identity.speaking import session_name
from gateway.rpc.authz_service import AuthzService
from gateway.rpc.refusals import CallRefused
from gateway.tracing import Trace
from grpc_proto.sallyport.envoy.v3 import external_auth_pb2 as pb
from tests.rpc_stand_ins import ADAPTER, AGENT, ALLOWED, ASKER, DENIED, HELD
from tests.unit.gateway.rpc.codec.test_authz import request

ANA = Principal("ana", "agent", ("viewers",))
JOB = Login(ANA, 1, job="build-42")


class Gate:
    def __init__(self, decision: Decision = ALLOWED) -> None:
        self.decision = decision
        self.asked: list[tuple[Question | ParsedCommand, Principal, Session, Resource, str, Login | None]] = []
        self.refusals: list[tuple[str, str]] = []
        self.is_full = False

    def decide(
        self,
        *,
        question: Question | ParsedCommand,
        principal: Principal,
        session: Session,
        resource: Resource,
        context: Mapping[str, Json],
        caller: str,
        dry_run: bool,
        login: Login | None = None,
        came: Trace | None = None,
    ) -> Answer:
        assert not context
        assert not dry_run
        self.asked.append((question, principal, session, resource, caller, login))
        ticket = "t-1" if self.decision.verdict is Verdict.HOLD else None
        return Answer(self.decision, "d-1", ticket, "https://go/t-1" if ticket else None)

    def refused(self, *, caller: str, method: str, code: str, message: str) -> None:
        if self.is_full:
            raise AuditUnavailable("full")
        self.refusals.append((caller, code))


class Bearers:
    def find(self, token: str, resource: str) -> tuple[Principal, Login | None] | Unproven:
        known: dict[str, tuple[Principal, Login | None] | Unproven] = {"abc": (ANA, None), "job": (ANA, JOB)}
        away = Unproven("ISSUER_UNREACHABLE", Refusal("57P03", "away"), is_fault=True)
        return known.get(token, away if token == "away" else Unproven("TOKEN_UNKNOWN"))


def said(gate: Gate, made: pb.CheckRequest | None = None, resource: str | None = None) -> pb.CheckResponse:
    message = (request() if made is None else made).SerializeToString()
    return pb.CheckResponse.FromString(AuthzService(gate, Bearers(), resource).check(message, ASKER))


def body(response: pb.CheckResponse) -> dict[str, object]:
    found: dict[str, object] = json.loads(response.denied_response.body)
    return found


def test_a_request_is_asked_about_for_who_brought_the_token_and_for_the_routes_resource() -> None:
    gate = Gate()
    assert said(gate, request(authorization="Bearer job"), "other").status.code == 0
    ((question, principal, session, resource, caller, login),) = gate.asked
    assert isinstance(question, Question)
    assert question.protocol == "http"
    assert (principal, session.job, session.client_address, session.application) == (
        ANA,
        "build-42",
        "10.0.0.9",
        "curl",
    )
    assert session.id == session_name("portal", "ana", JOB.token or "")
    assert (resource, caller, login) == (Resource("shop", "http"), "portal", JOB)


def test_where_the_route_names_no_resource_the_configured_one_counts_and_without_any_nothing_goes_on() -> None:
    made = request()
    made.attributes.context_extensions.clear()
    gate = Gate()
    assert said(gate, made, "api").status.code == 0
    assert gate.asked[0][3].name == "api"
    assert body(said(gate, made))["code"] == "NO_RESOURCE"
    assert gate.refusals == [("portal", "NO_RESOURCE")]


MASKED = replace(ALLOWED, verdict=Verdict.MASK, mask_plan=(MaskItem(None, (), "redact", path="$.a"),))
LIMITED = replace(ALLOWED, obligations=(Obligation("rows", 3, "p/R"),))
SAID = Decision(reasons=(Reason("p/R", "deny", "R", "because", hint="ask"),))


@pytest.mark.parametrize(
    ("decision", "status", "code"),
    [
        (DENIED, 403, "DENIED"),
        (SAID, 403, "R"),
        (HELD, 403, "HELD"),
        (MASKED, 403, "OBLIGATION_UNKNOWN"),
        (LIMITED, 403, "OBLIGATION_UNKNOWN"),
        (replace(DENIED, deny_kind=DenyKind.AUDIT_UNAVAILABLE), 503, "DENIED"),
        (replace(DENIED, deny_kind=DenyKind.NOT_AUTHENTICATED), 401, "DENIED"),
    ],
    ids=range(7),
)
def test_whatever_is_not_plainly_allowed_is_a_no(decision: Decision, status: int, code: str) -> None:
    response = said(Gate(decision))
    assert response.status.code != 0
    assert response.denied_response.status.code == status
    assert body(response)["code"] == code
    assert not response.HasField("ok_response")


def test_a_hold_names_its_ticket_and_a_deny_its_way_on() -> None:
    assert body(said(Gate(HELD)))["ticket"] == "t-1"
    assert body(said(Gate(SAID)))["hint"] == "ask"


def test_what_only_notifies_is_a_yes() -> None:
    notified = replace(ALLOWED, obligations=(Obligation("notify", ["#x"], "p/R"),))
    assert said(Gate(notified)).status.code == 0


@pytest.mark.parametrize(
    ("token", "status"), [(None, 401), ("Bearer nobody", 401), ("Basic x", 401), ("Bearer away", 503)]
)
def test_who_proves_nobody_gets_a_no_that_is_recorded(token: str | None, status: int) -> None:
    gate = Gate()
    response = said(gate, request(authorization=token))
    assert response.status.code != 0
    assert response.denied_response.status.code == status
    assert gate.asked == []
    assert gate.refusals == [("portal", "NOT_AUTHENTICATED")]


def test_what_cannot_be_recorded_is_no_answer_at_all() -> None:
    gate = Gate()
    gate.is_full = True
    with pytest.raises(AuditUnavailable):
        said(gate, request(authorization=None))


def test_only_who_may_speak_for_others_asks() -> None:
    message = request().SerializeToString()
    service = AuthzService(Gate(), Bearers(), None)
    assert service.check(message, ADAPTER)
    with pytest.raises(CallRefused) as refused:
        service.check(message, AGENT)
    assert refused.value.code == "NOT_PERMITTED"
