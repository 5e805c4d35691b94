"""What a caller may ask, by its roles, and whom the question is then about. Pure; used by the services."""

from __future__ import annotations

from dataclasses import dataclass

from engine.command.tree import ParsedCommand
from engine.request import Principal, Session
from gateway.rpc.codec.questions import Asked, Detail
from gateway.rpc.identity import Caller, Role
from gateway.rpc.refusals import CallRefused, Cause


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a question is about, in which session."""

    principal: Principal
    session: Session


def subject_of(asked: Asked, caller: Caller) -> Subject:
    """Whom the question is about. Raises CallRefused when this caller may not ask it."""
    if isinstance(asked.what, ParsedCommand) and Role.ADAPTER not in caller.roles:
        raise _not_permitted("command: only role `adapter` hands in parsed commands; send `raw`")
    if asked.detail is Detail.TRACE and not caller.may_see_details:
        raise _not_permitted("detail: TRACE is for roles `adapter` and `auditor`")
    session = asked.session or Session(id=caller.name)
    if caller.may_speak_for_others:
        return Subject(asked.principal or caller.principal, session)
    _check_own_words(asked, caller)
    return Subject(caller.principal, session)


def _check_own_words(asked: Asked, caller: Caller) -> None:
    """A caller that speaks only for itself states no facts that policies believe: who it is, where, under which labels."""
    claimed = asked.principal
    if claimed is not None:
        if claimed.name != caller.name:
            raise _not_permitted("principal: this caller speaks only for itself")
        if claimed.attributes or not set(claimed.groups) <= set(caller.principal.groups):
            raise _not_permitted("principal: groups and attributes come from the configuration, not from the caller")
    if asked.context or (asked.session is not None and asked.session.state):
        raise _not_permitted("context, session.state: taken from roles `adapter` and `asker` only")
    if asked.resource.labels or asked.resource.role is not None:
        raise _not_permitted("resource: labels and role are taken from roles `adapter` and `asker` only")


def require(caller: Caller, roles: frozenset[Role], what: str) -> None:
    """Raises CallRefused unless the caller has one of the roles."""
    if not caller.roles & roles:
        names = ", ".join(sorted(f"`{role}`" for role in roles))
        raise _not_permitted(f"{what}: needs one of the roles {names}")


def _not_permitted(message: str) -> CallRefused:
    return CallRefused(Cause.NOT_PERMITTED, "NOT_PERMITTED", message)
