"""What the configuration says of issuers arrives where tokens are verified."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gateway.app.identities import code_flow_of, issuers_of
from gateway.config import Config
from gateway.config.model import Identity, OidcIssuer, PrincipalKind, TokenAlgorithm
from gateway.identity.oidc.settings import IssuerSettings
from gateway.identity.signed import Algorithm

SERVICES = OidcIssuer("ci", "https://ci.example", audience=("gateway",), prefix="ci:", kind=PrincipalKind.SERVICE)
PEOPLE = OidcIssuer(
    "corp",
    "https://login.example",
    client_id="sallyport",
    algorithms=(TokenAlgorithm.ES256,),
    ca_file="ca.pem",
    approver_groups=("dba",),
)


def configured(*issuers: OidcIssuer) -> Config:
    return replace(Config(), identity=Identity(oidc=issuers), folder=Path("/etc/sallyport"))


def test_each_key_arrives() -> None:
    services, people = issuers_of(configured(SERVICES, PEOPLE), lambda name: f"secret of {name}")
    assert services.settings == IssuerSettings(
        "ci",
        "https://ci.example",
        client_secret="secret of ci",
        audiences=("gateway",),
        prefix="ci:",
        kind="service",
    )
    assert people.settings == IssuerSettings(
        "corp",
        "https://login.example",
        client_id="sallyport",
        client_secret="secret of corp",
        audiences=("sallyport",),
        algorithms=(Algorithm.ES256,),
        ca_file=Path("/etc/sallyport/ca.pem"),
        approver_groups=frozenset({"dba"}),
    )


def test_people_sign_in_at_the_first_issuer_that_knows_us() -> None:
    issuers = issuers_of(configured(SERVICES, PEOPLE), lambda name: None)
    flow = code_flow_of(issuers, lambda: 0)
    assert flow is not None
    assert flow.issuer.settings.name == "corp"
    assert code_flow_of(issuers[:1], lambda: 0) is None
