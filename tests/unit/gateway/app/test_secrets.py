"""From references to people, places and keys; a secret that cannot be had names its key and nothing else."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from adapters.core.ports import Target
from adapters.mcp.facts import Server, digest_of
from gateway.app.secrets import Secrets
from gateway.config.model import (
    Config,
    Identity,
    Local,
    Masking,
    MaskKey,
    Resource,
    ResourceProtocol,
    Role,
    Store,
    TargetTls,
    TlsMode,
)
from gateway.config.tools import Listed, ServerRequest
from gateway.doors.resources import NO_LIMITS, Limits
from gateway.errors import GatewayError
from gateway.identity.scram import decoy, make_verifier, print_verifier
from tests.certificates import Authority

KEY = b"k" * 32
TOKEN = secrets.token_urlsafe(24)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(folder=tmp_path)


def people(config: Config, local: Local, **environment: str) -> Secrets:
    return Secrets(replace(config, identity=Identity((local,))), environment)


def test_a_password_becomes_a_verifier_with_the_salt_that_a_decoy_would_have(config: Config) -> None:
    found = people(config, Local("ana", password="env:P"), P="pw").people(KEY)
    verifier = found.verifier("ana")
    assert verifier == make_verifier("pw", decoy("ana", KEY).salt)
    assert verifier != decoy("ana", KEY)


def test_a_verifier_and_a_token_are_taken_as_they_are(config: Config) -> None:
    made = make_verifier("pw", b"s" * 16, 100)
    local = Local("ana", scram="env:S", token="env:T", roles=(Role.APPROVER,), uid=7)
    found = people(config, local, S=print_verifier(made), T=TOKEN).people(KEY)
    assert found.verifier("ana") == made
    assert found.is_proven("ana", TOKEN)
    assert (known := found.by_uid(7)) is not None
    assert known.roles == ("approver",)


@pytest.mark.parametrize(
    ("local", "said"),
    [
        (Local("ana", password="env:NONE"), "password of `ana`"),
        (Local("ana", scram="env:BAD"), "scram secret of `ana`"),
        (Local("ana", token="env:BAD"), "token of `ana`"),
    ],
)
def test_a_proof_that_cannot_be_used_names_whose_it_is(config: Config, local: Local, said: str) -> None:
    with pytest.raises(GatewayError) as caught:
        people(config, local, BAD="hunter2").people(KEY)
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_resource_is_where_the_configuration_says(config: Config) -> None:
    resource = Resource(
        "orders",
        ResourceProtocol.POSTGRES,
        "[::1]:5432",
        role="gateway",
        credential="env:P",
        database="shop",
        tls=TargetTls(TlsMode.REQUIRE, "ca.pem"),
        labels={"environment": "prod"},
    )
    directory = Secrets(replace(config, resource=(resource,)), {"P": "pw"}).directory()
    assert (seen := directory.resource("orders")) is not None
    assert (seen.database, seen.role, seen.labels) == ("shop", "gateway", {"environment": "prod"})
    assert (target := directory.target("orders")) is not None
    assert (target.host, target.port, target.user, target.password) == ("::1", 5432, "gateway", "pw")
    assert (target.tls, target.verify_host, target.ca_file) == (True, True, str(config.folder / "ca.pem"))
    with pytest.raises(GatewayError, match="credential of `orders`"):
        Secrets(replace(config, resource=(resource,)), {}).directory()


def test_mask_keys_are_long_enough(config: Config) -> None:
    keyed = replace(config, masking=Masking((MaskKey("k1", "env:K"),)))
    assert Secrets(keyed, {"K": "x" * 16}).mask_keys() == {"k1": b"x" * 16}
    with pytest.raises(GatewayError, match="fewer than 16 bytes"):
        Secrets(keyed, {"K": "short"}).mask_keys()


def test_the_store_is_found_from_the_folder_and_gets_its_password(config: Config) -> None:
    assert Secrets(config, {}).store_url() == f"sqlite:///{config.folder}/state/store.db"
    absolute = replace(config, store=Store("sqlite:////var/x.db"))
    assert Secrets(absolute, {}).store_url() == "sqlite:////var/x.db"
    shared = replace(config, store=Store("postgresql://u@h/d", "env:P"))
    assert Secrets(shared, {"P": "pw"}).store_url() == "postgresql://u:pw@h/d"
    with pytest.raises(GatewayError, match="no database URL"):
        Secrets(replace(config, store=Store("what")), {}).store_url()


def test_an_ssh_target_is_whole_or_the_gateway_does_not_start(config: Config) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    public = key.export_public_key().decode().strip()
    hosts = config.folder / "hosts"
    hosts.write_text(f"box {public}\n")
    box = Resource("box", ResourceProtocol.SSH, "box:22", role="me", credential="env:K", known_hosts="hosts")
    environment = {"K": key.export_private_key().decode()}
    target = Secrets(replace(config, resource=(box,)), environment).directory().target("box")
    assert target is not None
    assert (target.host, target.user, target.known_hosts) == ("box", "me", hosts.read_text())
    assert "PRIVATE" not in repr(target)
    hosts.write_text(f"other {public}\n")
    with pytest.raises(GatewayError) as caught:
        Secrets(replace(config, resource=(box,)), environment).directory()
    assert caught.value.code == "NO_HOST_KEY"
    hosts.unlink()
    with pytest.raises(GatewayError):
        Secrets(replace(config, resource=(box,)), environment).directory()


def test_public_keys_are_their_principal_s(config: Config) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    local = Local("ana", ssh_key=(key.export_public_key().decode().strip(),))
    assert people(config, local).people(KEY).has_key("ana", key.public_data)


def test_the_names_of_a_human_elsewhere_are_known(config: Config) -> None:
    assert people(config, Local("dora", also=("corp:dora",))).people(KEY).also("corp:dora") == {"dora"}


SHOP = Resource("shop", ResourceProtocol.HTTP, "api:443", credential="env:SHOP")


def test_an_http_resource_knows_its_operations_and_its_header(config: Config) -> None:
    from engine.command.http.openapi import RouteTable

    written = {
        "a.json": '{"paths": {"/things/{id}": {"get": {"operationId": "readThing"}}}}',
        "a.yaml": "paths:\n  /things/{id}:\n    get: {operationId: readThing}\n",
    }
    for name, text in written.items():
        (config.folder / name).write_text(text)
        shop = replace(SHOP, openapi=name, header="X-Api-Key")
        target = Secrets(replace(config, resource=(shop,)), {"SHOP": "s" * 20}).directory().target("shop")
        assert target is not None
        assert target.header == "X-Api-Key"
        assert isinstance(target.names, RouteTable)
        found = target.names.find("GET", "/things/7")
        assert found is not None
        assert found.operation_id == "readThing"
        assert hash(target)


@pytest.mark.parametrize("text", ["", "[]", "{", "a: [", "{}", "\x00"])
def test_what_is_no_openapi_document_is_said_to_be_none(config: Config, text: str) -> None:
    (config.folder / "a.json").write_text(text)
    with pytest.raises(GatewayError, match="openapi"):
        Secrets(replace(config, resource=(replace(SHOP, openapi="a.json"),)), {"SHOP": "s" * 20}).directory()


def test_an_mcp_server_is_known_by_its_path_its_rights_and_the_tools_that_were_approved(config: Config) -> None:
    (config.folder / "tools.json").write_text('{"tools": [{"name": "pay"}]}')
    one = Resource("tools", ResourceProtocol.MCP, "10.0.0.1:443")
    more = replace(
        one,
        path="/x",
        server_requests=(ServerRequest.ROOTS,),
        tools="tools.json",
        lists=Listed.PERMITTED,
        credential="env:T",
    )

    def target(resource: Resource) -> Target:
        made = Secrets(replace(config, resource=(resource,)), {"T": "s" * 20}).directory().target("tools")
        assert made is not None
        return made

    assert target(one).own == Server()
    assert target(more).own == Server(
        "/x", frozenset({"roots"}), {"pay": digest_of({"name": "pay"})}, hides_denied=True
    )
    (config.folder / "tools.json").write_text("{}")
    with pytest.raises(GatewayError, match="no list of tools"):
        target(more)


def test_a_credential_that_cannot_stand_in_a_header_is_found_at_the_start(config: Config) -> None:
    with pytest.raises(GatewayError, match="cannot stand in a header") as caught:
        Secrets(replace(config, resource=(SHOP,)), {"SHOP": "abc\tdef\x01"}).directory()
    assert "abc" not in str(caught.value)


def test_a_cluster_is_signed_in_to_with_a_token_or_with_a_certificate(config: Config) -> None:
    own, other = Authority().issue("gateway"), Authority().issue("gateway")
    (config.folder / "own.pem").write_bytes(own.certificate)
    one = Resource("prod", ResourceProtocol.KUBERNETES, "10.0.0.1:6443", credential="env:K")

    def target(resource: Resource, secret: bytes) -> Target:
        made = Secrets(replace(config, resource=(resource,)), {"K": secret.decode()}).directory().target("prod")
        assert made is not None
        return made

    by_token = target(one, TOKEN.encode())
    assert (by_token.password, by_token.private_key, by_token.user, by_token.tls) == (TOKEN, None, "", True)
    by_certificate = target(replace(one, certificate="own.pem"), own.key)
    assert by_certificate.password is None
    assert by_certificate.private_key == own.key.decode()
    assert own.key.decode() not in repr(by_certificate)
    for resource, secret in ((replace(one, certificate="own.pem"), other.key), (one, b"a\r\nb: c")):
        with pytest.raises(GatewayError):
            target(resource, secret)


def test_a_resource_has_the_limits_of_its_sessions(config: Config) -> None:
    free = Resource("free", ResourceProtocol.HTTP, "api:443")
    limited = replace(free, name="limited", idle_seconds=60, lifetime_seconds=3600.0, connections_per_principal=3)
    directory = Secrets(replace(config, resource=(free, limited)), {}).directory()
    assert directory.limits("limited") == Limits(60, 3600, 3)
    assert directory.limits("free") == NO_LIMITS
