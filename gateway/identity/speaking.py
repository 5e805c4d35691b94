"""What somebody who speaks only for itself may say of itself: nothing that policies believe. One rule for every way in. Pure.

What is only said, and by nobody else vouched for, is marked so: policies read which facts those are in the principal's attributes
(`STATED`), approvers see it beside them, and the audit has it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from engine.request import Json, Principal, Resource, Session
from gateway.identity.logins import Login

STATED = "stated"
"""The attribute of a principal that lists what of its session is its own word."""
JOB, PROMPT = "job", "prompt"
OWN_WORD = " (its own word)"
"""What people are shown beside such a fact."""


def session_name(*who: str) -> str:
    """The session of questions that no connection of ours holds together: one for those who ask, and for whom.

    WHY a name of its own kind: no session of a door (`s-`) or of the console (`c-`) is ever called like it, whatever people are.
    """
    return f"q-{hashlib.sha256(chr(0).join(who).encode()).hexdigest()[:20]}"


def own_session(
    own: Principal, said: Session | None, login: Login | None, address: str | None
) -> tuple[Principal, Session]:
    """Whom and which session a question is about of who speaks only for itself, with what `overstated` leaves it to say.

    Its name and its address are what we know of it. INVARIANT: the job is a token's, whatever the caller says it is; without a
    token it is the caller's own word, and marked as that.
    """
    token = "" if login is None else login.token or ""
    job = None if said is None else said.job
    session = Session(session_name(own.name, own.name, token), job, None if said is None else said.application, address)
    if login is not None:
        return own, replace(session, job=login.job)
    return (own if job is None else replace(own, attributes={**own.attributes, STATED: [JOB]})), session


def stated_in(principal: Principal) -> tuple[str, ...]:
    """What of a principal's session is its own word."""
    found = principal.attributes.get(STATED)
    return tuple(name for name in found if isinstance(name, str)) if isinstance(found, list) else ()


def overstated(
    own: Principal,
    claimed: Principal | None,
    session: Session | None,
    resource: Resource,
    context: Mapping[str, Json],
) -> str | None:
    """What such a caller (`own`, as the configuration knows it) stated and may not; None when there is nothing.

    `session` is what it said of one: an empty `id` is none.
    """
    if claimed is not None:
        if claimed.name != own.name:
            return "principal: this caller speaks only for itself"
        if claimed.attributes or not set(claimed.groups) <= set(own.groups):
            return "principal: groups and attributes come from the configuration, not from the caller"
    if context or (session is not None and session.state):
        return "context, session.state: taken from roles `adapter` and `asker` only"
    if session is not None and (session.id or session.client_address is not None):
        # WHY: entries, holds and replays of a session are found by its name, and approvers look at where it comes from.
        return (
            "session.id, session.client_address: taken from roles `adapter` and `asker` only; the gateway knows its own"
        )
    if resource.labels or resource.role is not None:
        return "resource: labels and role are taken from roles `adapter` and `asker` only"
    return None
