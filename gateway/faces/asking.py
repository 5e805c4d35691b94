"""What the faces share: who calls, what they may ask, one question through the gate, and what is said of a refusal.

Nothing is decided here. Whoever is not an adapter or asker speaks for itself alone, in its own words, as over gRPC. What is
no question is recorded as a deny. Called by `opa` and `authzen`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from adapters.core.ports import GATES_OWN, Answer, Question
from engine.command.tree import ParsedCommand
from engine.decision import Verdict
from engine.errors import InputInvalid
from engine.request import Json, Principal, Resource, Session
from engine.suite.stated import Stated, Statements
from gateway.errors import GatewayError
from gateway.identity.logins import Login
from gateway.identity.rates import Over
from gateway.identity.speaking import overstated, own_session, session_name
from gateway.tracing import Trace

MAX_BODY = 4 << 20
"""Bytes of one call (the largest command and what stands around it)."""
MAX_BATCH = 256
_SPEAKS_FOR_OTHERS = frozenset({"adapter", "asker"})


class CallRefused(GatewayError):
    """A call that comes to no question. `status` is HTTP's."""

    def __init__(self, status: int, code: str, message: str, over: Over | None = None) -> None:
        """`over`: for how long to wait, where somebody asks too often."""
        super().__init__(message, code=code)
        self.status = status
        self.over = over


class Decides(Protocol):
    """The gate, as the gRPC services have it too."""

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


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as the configuration knows them."""

    principal: Principal
    roles: frozenset[str] = frozenset()
    login: Login | None = None
    """There when a signed token proved them, with its limits."""
    address: str | None = None
    """Where they call from."""
    trace: Trace | None = None
    """What they say of a trace of their own, where there are traces."""

    @property
    def speaks_for_others(self) -> bool:
        return bool(self.roles & _SPEAKS_FOR_OTHERS)


@dataclass(frozen=True, slots=True)
class Reply:
    """Status and document of an answer."""

    status: int
    document: Mapping[str, Json]


class Desk:
    """Takes stated questions to the gate."""

    def __init__(self, gate: Decides) -> None:
        self._gate = gate
        self._statements = Statements()

    def ask(self, stated: Stated, caller: Caller) -> Answer:
        """The answer to one question. Raises CallRefused for what is none, or not this caller's to ask."""
        speaks_for_others = caller.speaks_for_others
        if stated.principal is None and not speaks_for_others:
            stated = replace(stated, principal={"name": caller.principal.name})
        try:
            asked = self._statements.question(stated, 0)
        except InputInvalid as error:
            raise CallRefused(400, error.code, str(error)) from None
        principal, login, said = asked.principal, caller.login, _said_of(stated, asked.session)
        if login is not None and not login.reaches(asked.resource.name):
            raise CallRefused(403, "NOT_PERMITTED", "resource: the token is not for this one")
        if speaks_for_others:
            session = said or Session("")
            name = session.id or session_name(caller.principal.name, principal.name)
            # INVARIANT: the job is the token's, whatever the caller says it is.
            session = replace(session, id=name, job=session.job if login is None else login.job)
        else:
            problem = overstated(caller.principal, principal, said, asked.resource, asked.context)
            if problem is not None:
                raise CallRefused(403, "NOT_PERMITTED", problem)
            principal, session = own_session(caller.principal, said, login, caller.address)
        question = Question(asked.protocol, asked.text, asked.names)
        return self._gate.decide(
            question=question,
            principal=principal,
            session=session,
            resource=asked.resource,
            context=asked.context,
            caller=caller.principal.name,
            dry_run=False,
            login=login,
            came=caller.trace,
        )

    def refused(self, caller: Caller | None, method: str, refusal: CallRefused) -> None:
        """Record that a call came to no question. Raises AuditUnavailable."""
        name = "" if caller is None else caller.principal.name
        self._gate.refused(caller=name, method=method, code=refusal.code, message=str(refusal)[:500])


def _said_of(stated: Stated, session: Session) -> Session | None:
    """What was said of a session; its `id` is empty where that was not."""
    if not isinstance(stated.session, dict):
        return None
    return session if "id" in stated.session else replace(session, id="")


def is_plainly_allowed(answer: Answer) -> bool:
    """Whether yes is the whole answer. INVARIANT: who hears only yes or no can neither mask, nor wait, nor meet obligations."""
    decision = answer.decision
    unmet = [one for one in decision.obligations if one.type not in GATES_OWN]
    return decision.verdict is Verdict.ALLOW and not decision.mask_plan and not unmet


def read_object(raw: bytes) -> dict[str, Json]:
    """The JSON object of a call. Raises CallRefused."""
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise CallRefused(400, "INPUT_INVALID", "the body is no JSON") from None
    if not isinstance(document, dict):
        raise CallRefused(400, "INPUT_INVALID", "the body is no JSON object")
    return document
