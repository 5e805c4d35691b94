"""What a caller that speaks only for itself may say of itself: nothing that policies believe. One rule for gRPC and the faces. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from engine.request import Json, Principal, Resource, Session


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
