"""A gate behind a face that says what it was asked, and callers before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.core.ports import Answer, Question
from engine.command.tree import ParsedCommand
from engine.decision import Decision, DenyKind, Obligation, Reason, Verdict
from engine.request import Json, Principal, Resource, Session
from gateway.errors import AuditUnavailable
from gateway.faces.asking import Caller
from gateway.identity.logins import Login
from gateway.tracing import Trace

ADAPTER = Caller(Principal("envoy", "service"), frozenset({"adapter"}))
ANA = Caller(Principal("ana", "agent", ("viewers",)))


@dataclass
class FaceGate:
    """Allows `SELECT 1`, holds `DELETE`, masks `MASK`, limits `LIMIT`, denies the rest."""

    asked: list[tuple[Question | ParsedCommand, Principal, Session, Resource, Mapping[str, Json], str]] = field(
        default_factory=list
    )
    logins: list[Login | None] = field(default_factory=list)
    told: list[tuple[str, str, str]] = field(default_factory=list)
    traces: list[Trace | None] = field(default_factory=list)
    is_recording: bool = True

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
        assert isinstance(question, Question)
        assert not dry_run
        self.asked.append((question, principal, session, resource, context, caller))
        self.logins.append(login)
        self.traces.append(came)
        number = f"d-{len(self.asked)}"
        reason = (Reason("p/R", "allow", "R", "because"),)
        match question.text:
            case b"SELECT 1":
                return Answer(Decision(Verdict.ALLOW, None, reason), number)
            case b"NOTIFY":
                return Answer(
                    Decision(Verdict.ALLOW, None, reason, obligations=(Obligation("notify", ["#a"], "p/N"),)), number
                )
            case b"LIMIT":
                return Answer(
                    Decision(Verdict.ALLOW, None, reason, obligations=(Obligation("rows", 5, "p/L"),)), number
                )
            case b"MASK":
                return Answer(Decision(Verdict.MASK, None, reason), number)
            case b"DELETE":
                return Answer(Decision(Verdict.HOLD, None, reason), number, "t-1", "https://x/t-1")
            case _:
                return Answer(Decision(Verdict.DENY, DenyKind.NO_MATCH, reason), number)

    def refused(self, *, caller: str, method: str, code: str, message: str) -> None:
        if not self.is_recording:
            raise AuditUnavailable("full", code="AUDIT_FULL")
        self.told.append((caller, method, code))
