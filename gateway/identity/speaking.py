"""What somebody who speaks only for itself may say of itself: nothing that policies believe. One rule for every way in. Pure.

What is only said, and by nobody else vouched for, is marked so: policies read which facts those are in the principal's attributes
(`STATED`), approvers see it beside them, and the audit has it.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.request import Json, Principal, Resource, Session

STATED = "stated"
"""The attribute of a principal that lists what of its session is its own word."""
JOB, PROMPT = "job", "prompt"
OWN_WORD = " (its own word)"
"""What people are shown beside such a fact."""


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
    """What such a caller (`own`, as the configuration knows it) stated and may not; None when there is nothing."""
    if claimed is not None:
        if claimed.name != own.name:
            return "principal: this caller speaks only for itself"
        if claimed.attributes or not set(claimed.groups) <= set(own.groups):
            return "principal: groups and attributes come from the configuration, not from the caller"
    if context or (session is not None and session.state):
        return "context, session.state: taken from roles `adapter` and `asker` only"
    if resource.labels or resource.role is not None:
        return "resource: labels and role are taken from roles `adapter` and `asker` only"
    return None
