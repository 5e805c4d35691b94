"""Issuing tokens: who may have which, for how long. The one place where a grant is made. Called by the command line and the faces.

A token is for its principal, for resources that exist, and never for longer than the configuration lets it, nor than whoever
asks is known for. INVARIANT: a token cannot make tokens: what is narrow and short would become wide and long.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass

from gateway.errors import IdentityRefused
from gateway.identity.scoped import SECOND, Grant, TokenKeys, digest_of
from gateway.identity.speaking import JOB, PROMPT
from gateway.identity.tokens import Tokens

EFFECTS = ("read", "write", "create", "delete", "execute", "grant", "session")
"""Classes of operations that a token may be narrowed to; what is `unknown` is in none of them."""
MAX_RESOURCES = 4
MAX_PROMPT = 64 << 10
_JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@#+=-]{0,127}")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who wants a token. `groups` None: somebody the configuration knows. `until` is when this identity ends itself.

    `job` is the run that its own proof is of. `is_self`: it is whom the token is for, and what it says of that is its own word.
    """

    principal: str
    kind: str = "user"
    groups: tuple[str, ...] | None = None
    issuer: str | None = None
    until: int | None = None
    issued_by: str = ""
    job: str | None = None
    is_self: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """What it is to allow. `ttl` in seconds."""

    resources: tuple[str, ...]
    ttl: float
    job: str | None = None
    effects: tuple[str, ...] | None = None
    once: bool = False
    prompt: str | None = None


class Mint:
    """Makes tokens. `clock` is UTC nanoseconds, `max_ttl` seconds; `exists` says whether there is such a resource."""

    def __init__(
        self,
        keys: TokenKeys,
        tokens: Tokens,
        *,
        max_ttl: float,
        exists: Callable[[str], bool],
        clock: Callable[[], int],
    ) -> None:
        self._keys = keys
        self.tokens = tokens
        self._max_ttl = max_ttl
        self._exists = exists
        self._clock = clock

    def issue(self, asker: Asker, wish: Wish) -> tuple[str, Grant]:
        """A new token and what it allows. Raises IdentityRefused, StoreUnavailable."""
        _check(wish, self._max_ttl)
        # INVARIANT: whoever is proved to work for a job gets tokens for that job and no other.
        if asker.job is not None and wish.job not in (None, asker.job):
            raise _no("GRANT_JOB", "the job is that of the identity that asks; leave it out, or say the same")
        missing = next((name for name in wish.resources if not self._exists(name)), None)
        if missing is not None:
            raise _no("GRANT_RESOURCE", "there is no such resource")
        now = self._clock()
        until = now + round(wish.ttl * SECOND)
        grant = Grant(
            id=f"t-{secrets.token_hex(8)}",
            principal=asker.principal,
            kind=asker.kind,
            groups=asker.groups,
            issuer=asker.issuer,
            resources=tuple(dict.fromkeys(wish.resources)),
            issued_at=now,
            expires_at=until if asker.until is None else min(until, asker.until),
            job=wish.job if asker.job is None else asker.job,
            effects=None if wish.effects is None else _sorted(wish.effects),
            once=wish.once,
            prompt=wish.prompt,
            issued_by=asker.issued_by,
            stated=_stated(asker, wish),
        )
        if grant.expires_at <= now:
            raise _no("GRANT_TTL", "the token would have ended before it was made")
        token = self._keys.print(grant)
        self.tokens.add(grant, digest_of(token))
        return token, grant


def _check(wish: Wish, max_ttl: float) -> None:
    if not 1 <= wish.ttl <= max_ttl:
        raise _no("GRANT_TTL", f"a token lives between a second and {max_ttl:.0f} seconds")
    if not 1 <= len(wish.resources) <= MAX_RESOURCES:
        raise _no("GRANT_RESOURCE", f"a token is for one resource, or up to {MAX_RESOURCES}")
    if wish.job is not None and not _JOB.fullmatch(wish.job):
        raise _no("GRANT_JOB", "a job's name has letters, digits and `._:/@#+=-`, 128 at most")
    if wish.effects is not None and (not wish.effects or not set(wish.effects) <= set(EFFECTS)):
        raise _no("GRANT_OPERATION", f"operations are {', '.join(EFFECTS)}")
    if wish.prompt is not None and not _is_prompt(wish.prompt):
        raise _no("GRANT_PROMPT", f"a prompt is Unicode, at most {MAX_PROMPT} bytes of UTF-8")


def _stated(asker: Asker, wish: Wish) -> tuple[str, ...]:
    """What of the job's circumstances is nobody's word but that of whom the token is for."""
    if not asker.is_self:
        return ()
    own = {JOB: wish.job is not None and asker.job is None, PROMPT: wish.prompt is not None}
    return tuple(name for name, is_own in own.items() if is_own)


def _is_prompt(text: str) -> bool:
    try:
        return len(text.encode()) <= MAX_PROMPT
    except UnicodeEncodeError:
        return False


def _sorted(effects: Collection[str]) -> tuple[str, ...]:
    return tuple(one for one in EFFECTS if one in effects)


def _no(code: str, message: str) -> IdentityRefused:
    return IdentityRefused(message, code=code)
