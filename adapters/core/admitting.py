"""Letting a client in: one question to the doorkeeper, and what the session is told of it. Called by `relay`."""

from __future__ import annotations

from adapters.core.effects import Admit
from adapters.core.events import Admitted, OwnerFound, Refused, TokenChecked
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


def checked(keeper: Doorkeeper, user: str | None, token: str, resource: str) -> OwnerFound | TokenChecked | None:
    """Whose a secret is, or whether it is this user's; None where it has to be looked into (`examined`)."""
    if keeper.is_signed(token):
        return None
    return (
        OwnerFound(keeper.owner_of(token)) if user is None else TokenChecked(keeper.check_token(user, token, resource))
    )


async def examined(keeper: Doorkeeper, user: str | None, token: str, resource: str) -> OwnerFound | TokenChecked:
    """The same of a signed token."""
    proof = await keeper.examine(token, user, resource)
    return (
        OwnerFound(proof.user or None, proof)
        if user is None
        else TokenChecked(proof.user == user and user != "", proof)
    )
