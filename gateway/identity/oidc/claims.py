"""From the claims of a token whose signature was checked to an identity, or why not. Pure; the time is an argument.

OpenID Connect Core 1.0, section 3.1.3.7 and RFC 7519. Every claim that decides has to be there and of its type.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection, Mapping

from engine.request import Json
from gateway.errors import IdentityRefused
from gateway.identity.oidc.settings import Identity, IssuerSettings

MAX_GROUPS = 500
MAX_GROUP = 256
SECOND = 1_000_000_000
LATEST = 1 << 34
"""Seconds since the epoch past which no date means anything."""
_PRINCIPAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:/=-]{0,127}")


def identity_of(
    claims: Mapping[str, Json],
    settings: IssuerSettings,
    now: int,
    *,
    audiences: Collection[str],
    nonce: str | None = None,
) -> Identity:
    """Who the claims are about. Raises IdentityRefused.

    `now` is UTC nanoseconds; `nonce` is what we asked the issuer to repeat, where we asked.
    """
    if "events" in claims:
        # WHY: a logout token has our audience and names a person, and is no word about who is here.
        raise refused("CLAIMS", "the token tells of an event, not of a person")
    if claims.get("iss") != settings.issuer:
        raise refused("ISSUER", "the token is of another issuer")
    _check_audience(claims, audiences, is_sign_in=nonce is not None)
    expires = _check_times(claims, settings, now)
    if nonce is not None and not _is_same(claims.get("nonce"), nonce):
        raise refused("NONCE", "the token was not issued for this sign-in")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise refused("CLAIMS", "the token names nobody")
    groups = _groups(claims.get(settings.groups_claim))
    email = claims.get("email")
    return Identity(
        _name(claims, settings),
        groups,
        # WHY: an address that the issuer did not look at is whatever somebody typed.
        email if isinstance(email, str) and len(email) <= MAX_GROUP and claims.get("email_verified") is True else None,
        expires,
        settings.issuer,
        subject,
        settings.kind,
        tuple(
            role
            for role, wanted in (
                ("approver", settings.approver_groups),
                ("auditor", settings.auditor_groups),
                ("operator", settings.operator_groups),
            )
            if not wanted.isdisjoint(groups)
        ),
        _job(claims, settings.job_claim),
    )


def _check_audience(claims: Mapping[str, Json], audiences: Collection[str], *, is_sign_in: bool) -> None:
    given = claims.get("aud")
    named = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    ours = [one for one in named if isinstance(one, str) and one in audiences]
    if not ours:
        raise refused("AUDIENCE", "the token is for somebody else")
    if not is_sign_in:
        return
    party = claims.get("azp")
    # WHY: who signs in here has a token that was made for us alone, not one that another of its audiences passed on.
    if (party is None and len(named) > 1) or (party is not None and party not in audiences):
        raise refused("AUDIENCE", "the token was issued to somebody else")


def _check_times(claims: Mapping[str, Json], settings: IssuerSettings, now: int) -> int:
    """Until when the token counts."""
    leeway = round(settings.leeway * SECOND)
    expires, issued = _moment(claims, "exp"), _moment(claims, "iat")
    if expires is None or issued is None:
        raise refused("CLAIMS", "the token has no date of its end or its beginning")
    if issued > now + leeway or (_moment(claims, "nbf") or 0) > now + leeway:
        raise refused("NOT_YET", "the token is not valid yet")
    # INVARIANT: however long an issuer lets its tokens live, here they live no longer than this.
    until = min(expires, issued + round(settings.max_lifetime * SECOND))
    if until + leeway <= now:
        raise refused("EXPIRED", "the token has expired")
    return until + leeway


def _moment(claims: Mapping[str, Json], name: str) -> int | None:
    """A date in nanoseconds. Raises IdentityRefused for what is none."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LATEST:
        raise refused("CLAIMS", f"`{name}` of the token is no date")
    return int(value * SECOND)


def _name(claims: Mapping[str, Json], settings: IssuerSettings) -> str:
    value = claims.get(settings.principal_claim)
    if settings.principal_claim == "email" and claims.get("email_verified") is not True:
        raise refused("CLAIMS", "the address in the token was not verified by its issuer")
    name = f"{settings.prefix}{value}" if isinstance(value, str) else ""
    if not _PRINCIPAL.fullmatch(name):
        raise refused("CLAIMS", f"`{settings.principal_claim}` of the token is no name of a principal")
    return name


def _job(claims: Mapping[str, Json], name: str | None) -> str | None:
    """The run that a service's token is of. INVARIANT: where a job is to be named, a token that names none is refused."""
    if name is None:
        return None
    value = claims.get(name)
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not 0 < len(text) <= MAX_GROUP or not text.isprintable():
        raise refused("CLAIMS", f"`{name}` of the token names no job")
    return text


def _groups(value: Json) -> tuple[str, ...]:
    """INVARIANT: groups that cannot all be read are an error: a policy may deny because of one."""
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MAX_GROUPS:
        raise refused("CLAIMS", "the groups in the token cannot be read")
    names = [one for one in value if isinstance(one, str) and 0 < len(one) <= MAX_GROUP and one.isprintable()]
    if len(names) != len(value):
        raise refused("CLAIMS", "the groups in the token cannot be read")
    return tuple(dict.fromkeys(names))


def _is_same(given: Json, wanted: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), wanted.encode())


def refused(code: str, message: str, help: str = "") -> IdentityRefused:
    """A refusal with its code: `TOKEN_` and what is wrong with it."""
    return IdentityRefused(message, help=help, code=f"TOKEN_{code}")
