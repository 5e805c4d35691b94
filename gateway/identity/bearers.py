"""Whom the token of a request proves somebody to be, where there is no session to let them into: asked for every request.

A plain secret of the configuration, or a signed token (which may have to be looked up: this waits). Called by `rpc`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.request import Principal
from gateway.identity.logins import Login, Unproven
from gateway.identity.people import Known, People
from gateway.identity.proofs import Proofs
from gateway.identity.signed import looks_signed


@dataclass(frozen=True, slots=True)
class Bearer:
    """Somebody who brought a token. `login`: it is a signed one, with its limits.

    INVARIANT: a token of ours gives no roles: whoever holds one for a job does not decide for the person it was made by.
    """

    principal: Principal
    roles: tuple[str, ...] = ()
    login: Login | None = None


class TokenBearers:
    """Looks tokens up. `people` are those known now."""

    def __init__(self, people: Callable[[], People], proofs: Proofs | None) -> None:
        self._people = people
        self._proofs = proofs

    def find(self, token: str, resource: str) -> tuple[Principal, Login | None] | Unproven:
        """Who it is, for this resource. A token that is good once is used up by this."""
        if looks_signed(token):
            found = None if self._proofs is None else self._proofs.examine(token, None, resource)
            if not isinstance(found, Login):
                return Unproven("TOKEN_UNKNOWN") if found is None else found
            if not found.reaches(resource):
                return Unproven("TOKEN_RESOURCE")
            used = None if self._proofs is None else self._proofs.use(found)
            return (found.principal, found) if used is None else used
        known = self._plain(token)
        return Unproven("TOKEN_UNKNOWN") if known is None else (known.principal, None)

    def prove(self, token: str) -> Bearer | Unproven:
        """Who it is, wherever they want to go. A token that is good once is used up by this."""
        if not looks_signed(token):
            known = self._plain(token)
            return Unproven("TOKEN_UNKNOWN") if known is None else Bearer(known.principal, tuple(known.roles))
        if self._proofs is None:
            return Unproven("TOKEN_UNKNOWN")
        found = self._proofs.examine(token, None, None)
        if not isinstance(found, Login):
            return found
        return self._proofs.use(found) or Bearer(found.principal, found.roles, found)

    def _plain(self, token: str) -> Known | None:
        people = self._people()
        name = people.owner_of(token)
        return None if name is None else people.find(name)
