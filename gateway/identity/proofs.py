"""Whom a signed token proves somebody to be: one of ours (`scoped`), or one of an issuer (`oidc`). May wait; called on threads.

INVARIANT: which of the two it is decides which keys are tried, and no token is tried with both. Whatever goes wrong proves
nobody. Whose name it is, `names` says.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence

from adapters.core.ports import Refusal
from engine.request import Json, Principal
from gateway.errors import IdentityRefused, StoreUnavailable
from gateway.identity.logins import CONSOLE, NOT_PROVEN, Login, Unproven
from gateway.identity.names import Names
from gateway.identity.oidc.claims import refused
from gateway.identity.oidc.issuer import Issuer
from gateway.identity.people import People
from gateway.identity.scoped import KIND, Grant, TokenKeys, digest_of
from gateway.identity.signed import Signed, Unreadable, read_signed
from gateway.identity.speaking import STATED
from gateway.identity.tokens import Tokens
from gateway.telemetry import logger

TOLD = "28001"
"""The code of refusals whose words the client gets: it had a token that was signed for it."""
UNAVAILABLE = "57P03"
_TELLING = {
    "TOKEN_EXPIRED": "the token has expired",
    "TOKEN_NOT_YET": "the token is not valid yet",
    "TOKEN_REVOKED": "the token was revoked",
    "TOKEN_USED": "the token was used already",
    "TOKEN_RESOURCE": "the token is not for this resource",
}
_FAULTS = {
    "ISSUER_UNREACHABLE": "the issuer of this token cannot be asked for its keys at the moment",
    "ISSUER_UNUSABLE": "the issuer of this token publishes nothing that can be used",
    "STORE_UNAVAILABLE": "whether this token still counts cannot be asked at the moment",
}


class Proofs:
    """Looks into signed tokens. `people` are those known now; `clock` is UTC nanoseconds."""

    def __init__(
        self,
        *,
        keys: TokenKeys,
        tokens: Tokens,
        issuers: Sequence[Issuer],
        people: Callable[[], People],
        clock: Callable[[], int],
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._issuers = {issuer.settings.issuer: issuer for issuer in issuers}
        self._people = people
        self._clock = clock
        self.names = Names(people, [issuer.settings for issuer in issuers])
        """Whose a name is, by the same people and issuers."""

    def examine(self, token: str, user: str | None, resource: str | None) -> Login | Unproven:
        """Who this is. `user`: the name a client gave with it; `resource`: where it wants to go, None where nothing has one."""
        try:
            login = self._login(token)
            if user is not None and not hmac.compare_digest(user.encode("utf-8", "replace"), login.user.encode()):
                raise refused("USER", "the token is somebody else's than the name that was given")
            # INVARIANT: a link to the console proves nobody anywhere else, also where no resource is named.
            is_link = login.resources is not None and CONSOLE in login.resources
            if (resource is not None and not login.reaches(resource)) or (is_link and resource != CONSOLE):
                raise refused("RESOURCE", "the token is not for this resource")
        except (IdentityRefused, StoreUnavailable) as error:
            logger("identity").info("a token proves nobody", code=error.code)
            return _unproven(error.code)
        return login

    def is_of_issuer(self, token: str) -> bool:
        """Whether looking into a token may mean to wait for somebody else's servers."""
        read = read_signed(token)
        return isinstance(read, Signed) and read.kind != KIND

    def use(self, login: Login) -> Unproven | None:
        """Use up a token that is good once. None: it was still good."""
        if login.token is None or not login.once:
            return None
        try:
            return None if self._tokens.use(login.token, self._clock()) else _unproven("TOKEN_USED")
        except StoreUnavailable as error:
            return _unproven(error.code)

    def _login(self, token: str) -> Login:
        read = read_signed(token)
        if isinstance(read, Unreadable):
            raise refused("MALFORMED", read.why)
        return self._of_ours(token, read) if read.kind == KIND else self._of_issuer(read)

    # --- of ours

    def _of_ours(self, token: str, read: Signed) -> Login:
        token_id, now = self._keys.id_of(read), self._clock()
        issued = self._tokens.find(token_id)
        if issued is None or not hmac.compare_digest(issued.digest, digest_of(token)):
            # WHY: a store that was put back to an earlier day knows less; what it does not know is allowed nothing.
            raise refused("UNKNOWN", "the token was not issued here")
        if issued.revoked_at is not None:
            raise refused("REVOKED", _TELLING["TOKEN_REVOKED"])
        if issued.grant.expires_at <= now:
            raise refused("EXPIRED", _TELLING["TOKEN_EXPIRED"])
        if issued.grant.once and issued.used_at is not None:
            raise refused("USED", _TELLING["TOKEN_USED"])
        return self._granted(issued.grant)

    def _granted(self, grant: Grant) -> Login:
        known = self._people().find(grant.principal)
        if grant.groups is None and known is None:
            raise refused("PRINCIPAL", "the token's principal is not known any more")
        if grant.groups is not None:
            self._check_name(grant.principal, grant.issuer)
            known = None
        attributes: dict[str, Json] = {"token": grant.id}
        if grant.issuer is not None:
            attributes["issuer"] = grant.issuer
        if grant.prompt_digest is not None:
            attributes["prompt"] = grant.prompt_digest
        if grant.stated:
            attributes[STATED] = list(grant.stated)
        principal = (
            _with(known.principal, attributes)
            if known is not None
            else Principal(grant.principal, grant.kind, grant.groups or (), attributes)
        )
        return Login(
            principal,
            grant.expires_at,
            token=grant.id,
            resources=frozenset(grant.resources),
            effects=None if grant.effects is None else frozenset(grant.effects),
            job=grant.job,
            prompt=grant.prompt,
            once=grant.once,
            is_local=known is not None,
            attributes=attributes,
        )

    # --- of an issuer

    def _of_issuer(self, read: Signed) -> Login:
        named = read.claims.get("iss")
        issuer = self._issuers.get(named) if isinstance(named, str) else None
        if issuer is None:
            raise refused("ISSUER", "the token is of nobody who is trusted here")
        who = issuer.verify(read, self._clock())
        self._check_name(who.principal, issuer.settings.name)
        attributes: dict[str, Json] = {"issuer": issuer.settings.name}
        if who.email is not None:
            attributes["email"] = who.email
        principal = Principal(who.principal, who.kind, who.groups, attributes)
        return Login(principal, who.expires_at, job=who.job, attributes=attributes, roles=who.roles)

    def current(self, login: Login) -> Principal | None:
        """The principal of a login as it is known now; None when it is not any more."""
        if login.is_local:
            known = self._people().find(login.user)
            return None if known is None else _with(known.principal, login.attributes)
        issuer = login.attributes.get("issuer")
        is_theirs = isinstance(issuer, str) and self.names.is_of(login.user, issuer)
        return login.principal if is_theirs else None

    def _check_name(self, name: str, issuer: str | None) -> None:
        problem = self.names.why_not(name, issuer)
        if problem is not None:
            raise problem


def _with(principal: Principal, attributes: Mapping[str, Json]) -> Principal:
    return Principal(principal.name, principal.kind, principal.groups, {**principal.attributes, **attributes})


def _unproven(code: str) -> Unproven:
    if code in _FAULTS:
        return Unproven(code, Refusal(UNAVAILABLE, _FAULTS[code]), is_fault=True)
    if code in _TELLING:
        return Unproven(code, Refusal(TOLD, _TELLING[code]))
    return Unproven(code, NOT_PROVEN)
