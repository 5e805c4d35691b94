"""What is configured of one issuer, and what an accepted token comes to. Data only; built by `app` from `[[identity.oidc]]`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gateway.identity.signed import Algorithm


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """One issuer. `audiences` are those that tokens of services may have; signing in goes with `client_id`.

    `prefix` stands before every name that comes from here. Times are in seconds.
    """

    name: str
    issuer: str
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    audiences: tuple[str, ...] = ()
    algorithms: tuple[Algorithm, ...] = (Algorithm.RS256,)
    principal_claim: str = "sub"
    groups_claim: str = "groups"
    job_claim: str | None = None
    prefix: str = ""
    kind: str = "user"
    scopes: tuple[str, ...] = ("openid", "groups", "email")
    leeway: float = 30.0
    max_lifetime: float = 3_600.0
    ca_file: Path | None = None
    approver_groups: frozenset[str] = frozenset()
    auditor_groups: frozenset[str] = frozenset()
    operator_groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, as an issuer says. `expires_at` is UTC nanoseconds; afterwards nothing of this counts any more."""

    principal: str
    groups: tuple[str, ...]
    email: str | None
    expires_at: int
    issuer: str
    subject: str
    kind: str = "user"
    roles: tuple[str, ...] = ()
    job: str | None = None
