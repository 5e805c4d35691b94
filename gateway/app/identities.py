"""From `[[identity.oidc]]` to issuers, and to the flow by which people sign in. Called by `assembly`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.config import Config
from gateway.identity.oidc.issuer import Issuer
from gateway.identity.oidc.login import CodeFlow
from gateway.identity.oidc.settings import IssuerSettings
from gateway.identity.signed import Algorithm


def issuers_of(config: Config, client_secret: Callable[[str], str | None]) -> list[Issuer]:
    """The issuers, none of which is asked yet. `client_secret` is given an issuer's name."""
    return [
        Issuer(
            IssuerSettings(
                name=one.name,
                issuer=one.issuer,
                client_id=one.client_id,
                client_secret=client_secret(one.name),
                audiences=one.audience or ((one.client_id,) if one.client_id is not None else ()),
                algorithms=tuple(Algorithm(algorithm.value) for algorithm in one.algorithms),
                principal_claim=one.principal_claim,
                groups_claim=one.groups_claim,
                prefix=one.prefix,
                kind=one.kind.value,
                scopes=one.scopes,
                leeway=one.leeway_seconds,
                max_lifetime=one.max_lifetime_seconds,
                ca_file=None if one.ca_file is None else config.at(one.ca_file),
                approver_groups=frozenset(one.approver_groups),
                auditor_groups=frozenset(one.auditor_groups),
            )
        )
        for one in config.identity.oidc
    ]


def code_flow_of(issuers: Sequence[Issuer], clock: Callable[[], int]) -> CodeFlow | None:
    """How people sign in with a browser: at the first issuer that knows us as a client; None when there is none."""
    found = next((one for one in issuers if one.settings.client_id is not None), None)
    return None if found is None else CodeFlow(found, clock)
