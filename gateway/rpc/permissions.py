"""What a caller may ask, by its roles, and whom the question is then about. Pure; used by the services."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.command.tree import ParsedCommand
from engine.request import Principal, Session
from gateway.identity.logins import Login
from gateway.identity.speaking import overstated, own_session, session_name
from gateway.rpc.codec.questions import Asked, Detail
from gateway.rpc.identity import Caller, Role
from gateway.rpc.refusals import CallRefused, Cause


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a question is about, in which session; with the limits of the token that asks it."""

    principal: Principal
    session: Session
    login: Login | None = None


def subject_of(asked: Asked, caller: Caller) -> Subject:
    """Whom the question is about. Raises CallRefused when this caller may not ask it."""
    if isinstance(asked.what, ParsedCommand) and Role.ADAPTER not in caller.roles:
        raise _not_permitted("command: only role `adapter` hands in parsed commands; send `raw`")
    if asked.detail is Detail.TRACE and not caller.may_see_details:
        raise _not_permitted("detail: TRACE is for roles `adapter` and `auditor`")
    login = caller.login
    if login is not None and not login.reaches(asked.resource.name):
        raise _not_permitted("resource: the token is not for this one")
    if caller.may_speak_for_others:
        principal, session = asked.principal or caller.principal, asked.session or Session("")
        name = session.id or session_name(caller.name, principal.name)
        # INVARIANT: the job is the token's, whatever the caller says it is.
        return Subject(principal, replace(session, id=name, job=session.job if login is None else login.job), login)
    problem = overstated(caller.principal, asked.principal, asked.session, asked.resource, asked.context)
    if problem is not None:
        raise _not_permitted(problem)
    return Subject(*own_session(caller.principal, asked.session, login, caller.address), login)


def require(caller: Caller, roles: frozenset[Role], what: str) -> None:
    """Raises CallRefused unless the caller has one of the roles."""
    if not caller.roles & roles:
        names = ", ".join(sorted(f"`{role}`" for role in roles))
        raise _not_permitted(f"{what}: needs one of the roles {names}")


def _not_permitted(message: str) -> CallRefused:
    return CallRefused(Cause.NOT_PERMITTED, "NOT_PERMITTED", message)
