"""Tokens over HTTP: whoever is known makes short-lived ones for themselves, sees them, takes them back.

INVARIANT: a token of ours makes none: what is narrow would become wide. What is made is recorded before anybody has it, and lives
no longer than the identity that asked for it. May wait for the store, as the gate does. Called by `server`.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from engine.request import Json
from gateway.audit.entry import Entry, Kind
from gateway.audit.log import AuditLog
from gateway.errors import AuditUnavailable, IdentityRefused, StoreUnavailable
from gateway.faces.asking import Caller, CallRefused, Reply
from gateway.faces.paths import REVOKE, SIGN_IN, TOKENS, WHO
from gateway.identity.logins import Login, Unproven
from gateway.identity.minting import Asker, Mint, Wish
from gateway.identity.oidc.settings import IssuerSettings
from gateway.identity.proofs import Proofs
from gateway.identity.scoped import Grant
from gateway.identity.speaking import STATED

__all__ = ["REVOKE", "SIGN_IN", "TOKENS", "WHO", "TokenCounter"]

MAX_IDS = 1_000
"""Tokens that one call takes back."""


class _Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    resources: tuple[str, ...]
    ttl: float
    job: str | None = None
    operations: tuple[str, ...] | None = None
    once: bool = False
    prompt: str | None = None


class _Ids(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ids: tuple[str, ...]


class TokenCounter:
    """Where tokens are asked for. `clock` is UTC nanoseconds; `issuer` is where people sign in, None: nowhere."""

    def __init__(
        self,
        proofs: Proofs,
        mint: Mint,
        log: AuditLog,
        clock: Callable[[], int],
        issuer: IssuerSettings | None,
    ) -> None:
        self._proofs = proofs
        self._mint = mint
        self._log = log
        self._clock = clock
        self._issuer = issuer

    def examine(self, token: str) -> Login | Unproven:
        """Whom a signed token proves the caller to be. One that is good once is used up by it."""
        login = self._proofs.examine(token, None, None)
        return login if isinstance(login, Unproven) else self._proofs.use(login) or login

    def sign_in(self) -> Reply:
        """Where people sign in; for who is nobody yet."""
        if self._issuer is None:
            return Reply(404, {"code": "NO_ISSUER", "message": "nobody can sign in here"})
        scopes: list[Json] = list(self._issuer.scopes)
        return Reply(200, {"issuer": self._issuer.issuer, "client_id": self._issuer.client_id, "scopes": scopes})

    def who(self, caller: Caller) -> Reply:
        """Who the caller is."""
        login, principal = caller.login, caller.principal
        groups: list[Json] = list(principal.groups)
        roles: list[Json] = [*sorted(caller.roles)]
        reached: list[Json] = [*sorted(login.resources)] if login is not None and login.resources is not None else []
        return Reply(
            200,
            {
                "principal": principal.name,
                "kind": principal.kind,
                "groups": groups,
                "roles": roles,
                "expires_at": None if login is None else login.expires_at,
                "job": None if login is None else login.job,
                "resources": reached or None,
            },
        )

    def issue(self, raw: bytes, caller: Caller) -> Reply:
        """A new token for the caller. Raises CallRefused."""
        asker = _asker(caller)
        try:
            wanted = msgspec.json.decode(raw, type=_Wanted)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise CallRefused(400, "INPUT_INVALID", "expected `resources`, `ttl`, and what else there is") from None
        wish = Wish(wanted.resources, wanted.ttl, wanted.job, wanted.operations, wanted.once, wanted.prompt)
        try:
            token, grant = self._mint.issue(asker, wish)
        except IdentityRefused as error:
            raise CallRefused(400, error.code, str(error)) from None
        except StoreUnavailable as error:
            raise CallRefused(503, error.code, "tokens cannot be kept at the moment") from None
        self._record("issued", caller, grant.id, grant)
        return Reply(201, {"token": token, **_told(grant)})

    def alive(self, caller: Caller) -> Reply:
        """The caller's tokens that are alive, newest first. Raises CallRefused."""
        _asker(caller)
        try:
            found = self._mint.tokens.of(caller.principal.name, self._clock())
        except StoreUnavailable as error:
            raise CallRefused(503, error.code, "tokens cannot be looked up at the moment") from None
        listed: list[Json] = [
            {**_told(one.grant), "used_at": one.used_at, "revoked_at": one.revoked_at} for one in found
        ]
        return Reply(200, {"tokens": listed})

    def revoke(self, raw: bytes, caller: Caller) -> Reply:
        """Take back tokens of the caller. Raises CallRefused."""
        _asker(caller)
        try:
            ids = msgspec.json.decode(raw, type=_Ids).ids
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise CallRefused(400, "INPUT_INVALID", "expected `ids`") from None
        if len(ids) > MAX_IDS:
            # WHY not the first of them: whoever takes tokens back must not believe that all are.
            raise CallRefused(400, "INPUT_INVALID", f"`ids` has more than {MAX_IDS}; take them back in several calls")
        try:
            done = self._mint.tokens.revoke(ids, self._clock(), caller.principal.name)
        except StoreUnavailable as error:
            raise CallRefused(503, error.code, "tokens cannot be taken back at the moment") from None
        for one in done:
            self._record("revoked", caller, one)
        return Reply(200, {"revoked": list(done)})

    def _record(self, step: str, caller: Caller, token_id: str, grant: Grant | None = None) -> None:
        entry = Entry(
            kind=Kind.TOKEN,
            time=self._clock(),
            step=step,
            principal=caller.principal.name,
            job=None if grant is None else grant.job,
            resource="" if grant is None else ",".join(grant.resources),
            note=token_id,
            attributes={STATED: list(grant.stated)} if grant is not None and grant.stated else {},
        )
        try:
            self._log.append(entry)
        except AuditUnavailable as error:
            raise CallRefused(503, error.code, "this cannot be recorded") from None


def refusal(error: CallRefused) -> Reply:
    """What is said of a call that came to nothing."""
    return Reply(error.status, {"code": error.code, "message": str(error)})


def _asker(caller: Caller) -> Asker:
    """Who asks for tokens. Raises CallRefused for who came with one."""
    login = caller.login
    if login is None:
        return Asker(caller.principal.name, caller.principal.kind, issued_by="faces", is_self=True)
    if login.token is not None:
        raise CallRefused(403, "GRANT_BY_TOKEN", "a token makes, lists and takes back no tokens")
    issuer = login.attributes.get("issuer")
    return Asker(
        caller.principal.name,
        caller.principal.kind,
        tuple(caller.principal.groups),
        issuer if isinstance(issuer, str) else "",
        login.expires_at,
        issued_by="faces",
        job=login.job,
        is_self=True,
    )


def _told(grant: Grant) -> dict[str, Json]:
    return {
        "id": grant.id,
        "principal": grant.principal,
        "resources": list(grant.resources),
        "job": grant.job,
        "operations": None if grant.effects is None else list(grant.effects),
        "once": grant.once,
        "issued_at": grant.issued_at,
        "expires_at": grant.expires_at,
        "prompt_sha256": grant.prompt_digest,
        "stated": list(grant.stated),
    }
