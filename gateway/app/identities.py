"""From `[identity]` to issuers, tokens of ours, and the flow by which people sign in. Called by `assembly` and by `token`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from gateway.app.secrets import Secrets
from gateway.audit.log import AuditLog
from gateway.config import Config
from gateway.doors.adapters import Known
from gateway.faces.tokens import TokenCounter
from gateway.identity.minting import Mint
from gateway.identity.oidc.issuer import Issuer
from gateway.identity.oidc.login import CodeFlow
from gateway.identity.oidc.settings import IssuerSettings
from gateway.identity.proofs import Proofs
from gateway.identity.scoped import TokenKey, TokenKeys
from gateway.identity.signed import Algorithm
from gateway.identity.standing import Standing
from gateway.identity.tokens import Tokens
from gateway.store.database import Database


class Identities:
    """Everything that knows signed tokens, of one gateway.

    `sign_in` is how people sign in with a browser (None: nowhere), `sign_in_key` seals what their browsers keep meanwhile.
    """

    def __init__(self, config: Config, secrets: Secrets, database: Database, known: Callable[[], Known]) -> None:
        """`known` are people and resources at the moment."""
        self.issuers = issuers_of(config, secrets.client_secret)
        self.sign_in, self.sign_in_key = code_flow_of(self.issuers, time.time_ns), database.shared_key("sign-in")
        keys, tokens = TokenKeys(token_keys(secrets, database)), Tokens(database)
        self.use_keys = keys.use
        """Take other keys for tokens of ours, from now on."""
        self.mint = Mint(
            keys,
            tokens,
            max_ttl=config.identity.tokens.max_ttl_seconds,
            exists=lambda name: known().directory.resource(name) is not None,
            clock=time.time_ns,
        )
        self.proofs = Proofs(
            keys=keys, tokens=tokens, issuers=self.issuers, people=lambda: known().people, clock=time.time_ns
        )
        self.standing = Standing(tokens, time.time_ns, time.monotonic)

    def counter(self, log: AuditLog) -> TokenCounter:
        """Where tokens are asked for over HTTP."""
        flow = self.sign_in
        return TokenCounter(self.proofs, self.mint, log, time.time_ns, None if flow is None else flow.issuer.settings)


def token_keys(secrets: Secrets, database: Database) -> list[TokenKey]:
    """The keys that sign (the first) and verify tokens of ours: those of the configuration, or one that all replicas share."""
    own = [TokenKey.from_pem(pem) for pem in secrets.token_keys()]
    return own or [TokenKey.from_seed(database.shared_key("tokens"))]


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
                job_claim=one.job_claim,
                prefix=one.prefix,
                kind=one.kind.value,
                scopes=one.scopes,
                leeway=one.leeway_seconds,
                max_lifetime=one.max_lifetime_seconds,
                ca_file=None if one.ca_file is None else config.at(one.ca_file),
                approver_groups=frozenset(one.approver_groups),
                auditor_groups=frozenset(one.auditor_groups),
                operator_groups=frozenset(one.operator_groups),
            )
        )
        for one in config.identity.oidc
    ]


def code_flow_of(issuers: Sequence[Issuer], clock: Callable[[], int]) -> CodeFlow | None:
    """How people sign in with a browser: at the first issuer that knows us as a client; None when there is none."""
    found = next((one for one in issuers if one.settings.client_id is not None), None)
    return None if found is None else CodeFlow(found, clock)
