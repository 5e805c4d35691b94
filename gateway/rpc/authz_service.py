"""`envoy.service.auth.v3.Authorization`: answers an Envoy whether a request may go on, by the same path as every question.

The caller (Envoy) must be one that may speak for others; whose request it is, is proved by the token in it. What a yes or no
cannot say (masks, obligations) is a no. Decides nothing itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import grpc

from adapters.core.ports import GATES_OWN, Answer, Question
from adapters.web.problems import UNAVAILABLE
from engine.command.tree import ParsedCommand
from engine.decision import DenyKind, Reason, Verdict
from engine.request import Json, Principal, Resource, Session
from gateway.identity.logins import Login, Unproven
from gateway.identity.speaking import session_name
from gateway.rpc.calls import Reception, UnaryCall
from gateway.rpc.codec.authz import Checked, Said, read_check, write_check
from gateway.rpc.identity import Caller, Role
from gateway.rpc.permissions import require
from gateway.tracing import Trace

NAME = "envoy.service.auth.v3.Authorization"
_METHOD = f"/{NAME}/Check"


class Decides(Protocol):
    """The gate, for questions about people who came with a token."""

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
        """Decide now; recorded before this returns. Never raises."""

    def refused(self, *, caller: str, method: str, code: str, message: str) -> None:
        """Record a deny for what was no question. Raises AuditUnavailable."""


class Bearers(Protocol):
    """Who brings which token."""

    def find(self, token: str, resource: str) -> tuple[Principal, Login | None] | Unproven:
        """Whom a token proves somebody to be, for this resource. May wait; never raises for a bad one."""


class AuthzService:
    """One for the whole program; every socket's handlers lead here."""

    def __init__(self, gate: Decides, bearers: Bearers, resource: str | None) -> None:
        """`resource` is what requests are for whose route names none; None: they are refused."""
        self._gate = gate
        self._bearers = bearers
        self._resource = resource

    def handlers(self, reception: Reception) -> Mapping[str, grpc.RpcMethodHandler[bytes, bytes]]:
        """The handlers for one socket, by method name."""
        return {"Check": grpc.stream_unary_rpc_method_handler(UnaryCall(reception, _METHOD, self.check))}

    def check(self, message: bytes, caller: Caller) -> bytes:
        """Answer for one request. Raises CallRefused for what is none; Envoy lets nothing on then."""
        require(caller, frozenset({Role.ADAPTER, Role.ASKER}), "Check")
        checked = read_check(message)
        name = checked.resource or self._resource
        if name is None:
            return self._refused(caller, 403, "NO_RESOURCE", "the route of this request names no resource")
        if checked.token is None:
            return self._refused(
                caller, 401, "NOT_AUTHENTICATED", "a valid token is needed: `Authorization: Bearer TOKEN`"
            )
        found = self._bearers.find(checked.token, name)
        if isinstance(found, Unproven):
            status = 503 if found.is_fault else 401
            return self._refused(caller, status, "NOT_AUTHENTICATED", found.refusal.message)
        return write_check(self._said(checked, name, caller, *found))

    def _said(self, checked: Checked, name: str, caller: Caller, principal: Principal, login: Login | None) -> Said:
        job = None if login is None else login.job
        answer = self._gate.decide(
            question=Question("http", checked.text),
            principal=principal,
            session=Session(
                session_name(caller.name, principal.name, (login and login.token) or ""),
                job,
                checked.application,
                checked.client_address,
            ),
            resource=Resource(name, "http"),
            context={},
            caller=caller.name,
            dry_run=False,
            login=login,
            came=caller.trace,
        )
        decision = answer.decision
        unmet = [one.type for one in decision.obligations if one.type not in GATES_OWN]
        if decision.verdict is Verdict.ALLOW and not decision.mask_plan and not unmet:
            return Said(200, answer.decision_id, hides_token=True)
        first = decision.reasons[0] if decision.reasons else Reason("", "deny", "DENIED", "this is denied")
        document: dict[str, object] = {"code": first.code, "detail": first.reason, "rule": first.rule}
        if decision.verdict is Verdict.HOLD:
            document |= {"code": "HELD", "ticket": answer.ticket, "link": answer.link}
            document["hint"] = "send the same request again when it is approved"
        elif decision.is_granted:
            what = unmet[0] if unmet else "mask"
            document |= {"code": "OBLIGATION_UNKNOWN", "detail": f"the policy demands `{what}`, which Envoy cannot do"}
        elif first.hint:
            document["hint"] = first.hint
        document["decision"] = answer.decision_id
        status = 503 if decision.deny_kind in UNAVAILABLE else 403
        if decision.deny_kind is DenyKind.NOT_AUTHENTICATED:
            status = 401
        return Said(status, answer.decision_id, document)

    def _refused(self, caller: Caller, status: int, code: str, message: str) -> bytes:
        """A no to what never became a question, recorded. Raises AuditUnavailable."""
        self._gate.refused(caller=caller.name, method=_METHOD, code=code, message=message)
        return write_check(Said(status, "", {"code": code, "detail": message}))
