"""Whose a name is: somebody's of the configuration, or of one issuer. The one place that says so, for every way in.

Policies, tickets and the audit know people by their names alone, so a name that two can have makes one of them the other.
INVARIANT: at any moment a name is of the configuration, or of one issuer, or of nobody. Asked by `proofs` for every token (so by the
doors, the faces and gRPC) and by the console, when somebody comes in and again whenever it counts who they are. No I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.errors import IdentityRefused
from gateway.identity.oidc.claims import refused
from gateway.identity.oidc.settings import IssuerSettings
from gateway.identity.people import People


class Names:
    """The names of one installation. `people` are those of the configuration now."""

    def __init__(self, people: Callable[[], People], issuers: Sequence[IssuerSettings]) -> None:
        self._people = people
        # WHY the longest first: `corp:eu:` inside `corp:` is meant to be taken out of it.
        self._issuers = sorted(issuers, key=lambda issuer: len(issuer.prefix), reverse=True)

    def issuer_of(self, name: str) -> IssuerSettings | None:
        """The only issuer whose people may have this name; None where it is nobody's there."""
        if self._people().find(name) is not None:
            return None
        return next((issuer for issuer in self._issuers if name.startswith(issuer.prefix)), None)

    def is_of(self, name: str, issuer: str | None) -> bool:
        """Whether somebody of an issuer (its URL, or what the configuration calls it) may have this name at the moment."""
        found = self.issuer_of(name)
        return found is not None and issuer in (found.name, found.issuer)

    def why_not(self, name: str, issuer: str | None) -> IdentityRefused | None:
        """Why somebody of an issuer may not have this name; None when they may."""
        if self.is_of(name, issuer):
            return None
        if self._people().find(name) is not None:
            return refused("NAME_TAKEN", "somebody of the configuration has that name")
        if not any(issuer in (one.name, one.issuer) for one in self._issuers):
            return refused("ISSUER", "the issuer of this name is not trusted here any more")
        return refused("NAME_TAKEN", "names like that are another issuer's")
