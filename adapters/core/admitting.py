"""Letting a client in: one question to the doorkeeper, and what the session is told of it. Called by `relay`."""

from __future__ import annotations

from adapters.core.effects import Admit
from adapters.core.events import Admitted, Refused
from adapters.core.ports import Doorkeeper, GateSession, Refusal
from adapters.core.reaching import NO_TARGET


def let_in(keeper: Doorkeeper, wish: Admit, client_address: str | None) -> tuple[GateSession, Admitted] | Refused:
    """A session at the gate and what its client's side is told, or why there is none."""
    admitted = keeper.admit(
        user=wish.user,
        resource=wish.resource,
        protocol=wish.protocol,
        proven=wish.proven,
        client_address=client_address,
        application=wish.application,
        database=wish.database,
        proof=wish.proof,
    )
    if isinstance(admitted, Refusal):
        return Refused(admitted)
    target = keeper.target(wish.resource)
    if target is None:
        admitted.close("no such resource")
        return Refused(NO_TARGET)
    groups = keeper.groups_of(wish.user) if wish.proof is None else wish.proof.groups
    return admitted, Admitted(admitted.id, target, tuple(groups))
