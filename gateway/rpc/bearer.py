"""Who is calling, where a call brings a token: `authorization: Bearer TOKEN` in its metadata. Used by `server`, in front of `identity`.

The door stays what it is: who may not connect without a token may not with one. INVARIANT: a token that is there says who calls,
whole: its principal, groups, roles, job and limits, and nothing of the transport's caller. One that proves nobody is refused,
never passed over. Looked at again with each call, and with each message of a stream (`trouble_of`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.identity.bearers import Bearer
from gateway.identity.logins import Login, Unproven
from gateway.identity.proofs import TOLD
from gateway.identity.throttle import Throttle
from gateway.rpc.identity import Caller, Identify, Peer, Role, address_of
from gateway.rpc.refusals import CallRefused, Cause

KEY = "authorization"
EXAMINERS = 4
"""Calls that may look into tokens at once: fewer than there are threads, so that a slow issuer does not hold up everybody."""
PATIENCE = 0.5
"""Seconds that one more waits for its turn."""


class Bearers(Protocol):
    """Who brings which token."""

    def prove(self, token: str) -> Bearer | Unproven:
        """Whom a token proves somebody to be. May wait; never raises for a bad one."""


class Nobody:
    """A transport that says nothing about who calls: TLS without client certificates. Only a token does."""

    def __call__(self, peer: Peer) -> Caller:
        """Raises CallRefused."""
        raise CallRefused(Cause.UNKNOWN_CALLER, "CALLER_UNKNOWN", "a token is needed: `authorization: Bearer TOKEN`")


@dataclass(frozen=True, slots=True)
class Tokens:
    """What is needed to believe tokens: who looks into them, whether a login still counts, and a clock of seconds."""

    bearers: Bearers
    trouble: Callable[[Login], str | None]
    clock: Callable[[], float]


class BearerCaller:
    """The caller is whom the token of a call proves; without one, whom the transport names."""

    def __init__(self, transport: Identify, tokens: Tokens) -> None:
        self._transport = transport
        self._tokens = tokens
        self._throttle = Throttle()
        self._turns = threading.Semaphore(EXAMINERS)

    def __call__(self, peer: Peer) -> Caller:
        """Raises CallRefused."""
        given = [value for key, value in peer.invocation_metadata() or () if key == KEY]
        if isinstance(self._transport, Nobody):
            return self._transport(peer) if not given else self._of(given, peer)
        caller = self._transport(peer)
        return self._of(given, peer) if given else caller

    def _of(self, given: list[str | bytes], peer: Peer) -> Caller:
        first = given[0]
        scheme, _, token = first.partition(" ") if isinstance(first, str) else ("", "", "")
        # INVARIANT: two tokens are not one of them.
        found = (
            self._prove(token.strip())
            if len(given) == 1 and scheme.lower() == "bearer"
            else Unproven("TOKEN_MALFORMED")
        )
        if isinstance(found, Bearer):
            return Caller(found.principal, frozenset(Role(role) for role in found.roles), found.login)
        if found.is_fault:
            raise CallRefused(Cause.NOT_NOW, found.code, found.refusal.message)
        address, now = address_of(peer.peer()), self._tokens.clock()
        if self._throttle.must_wait("", address, now):
            raise CallRefused(Cause.TOO_LARGE, "TOO_MANY_LOGINS", "too many wrong tokens from here; wait a minute")
        self._throttle.failed("", address, now)
        if found.refusal.code == TOLD:
            raise CallRefused(Cause.UNKNOWN_CALLER, found.code, found.refusal.message)
        raise CallRefused(Cause.UNKNOWN_CALLER, "CALLER_UNKNOWN", "the token proves nobody")

    def _prove(self, token: str) -> Bearer | Unproven:
        if not self._turns.acquire(timeout=PATIENCE):
            raise CallRefused(Cause.NOT_NOW, "TOKENS_BUSY", "too many tokens are being looked into; ask again")
        try:
            return self._tokens.bearers.prove(token)
        finally:
            self._turns.release()


def trouble_of(caller: Caller, tokens: Tokens | None) -> CallRefused | None:
    """Why a caller who was known when a stream began is not any more; None when they are."""
    login = caller.login
    if login is None:
        return None
    told = "tokens are not taken here" if tokens is None else tokens.trouble(login)
    return None if told is None else CallRefused(Cause.UNKNOWN_CALLER, "CALLER_UNKNOWN", told)
