"""What the configuration says of issuers arrives where tokens are verified."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.app.assembly import Gateway
from gateway.app.identities import code_flow_of, issuers_of, token_keys
from gateway.app.secrets import Secrets
from gateway.config import Config, load_config
from gateway.config.model import Identity, OidcIssuer, PrincipalKind, TokenAlgorithm, TokenSettings
from gateway.identity.oidc.settings import IssuerSettings
from gateway.identity.scoped import Grant, TokenKeys
from gateway.identity.signed import Algorithm, Signed, is_signed_by, read_signed
from gateway.store.database import open_database
from gateway.store.migrations import upgrade
from tests.strategies.gateways import ENVIRONMENT, settle_in

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


def test_keys_are_those_of_the_configuration_or_one_that_replicas_share(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    config = load_config(settle_in(tmp_path), {})
    grant = Grant(id="t-1", principal="ana", resources=("orders",), issued_at=0, expires_at=1)
    own = replace(config, identity=replace(config.identity, tokens=TokenSettings(keys=("env:TOKEN_KEY",))))
    found = []
    for one in (config, config, own):
        environment = {**ENVIRONMENT, "TOKEN_KEY": pem}
        secrets = Secrets(one, environment)
        database = open_database(secrets.store_url())
        upgrade(database)
        found.append(TokenKeys(token_keys(secrets, database)).print(grant))
        database.close()
    assert found[0] == found[1] != found[2]
    read = read_signed(found[2])
    assert isinstance(read, Signed)
    assert is_signed_by(read, key.public_key(), Algorithm.EDDSA)


def test_a_gateway_has_them_all(tmp_path: Path) -> None:
    gateway = Gateway(load_config(settle_in(tmp_path), {}), ENVIRONMENT)
    try:
        assert gateway.identities.issuers == []
        assert gateway.identities.sign_in is None
        assert len(gateway.identities.sign_in_key) == 32
        assert gateway.doors.takes_tokens
    finally:
        gateway.close()
