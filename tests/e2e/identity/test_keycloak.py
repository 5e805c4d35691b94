"""A second opinion: Keycloak's tokens, its keys rotated while it runs. Minutes to start, so only in the long run."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.demo.cluster import free_port
from gateway.errors import IdentityRefused
from gateway.identity.oidc.fetching import Web
from gateway.identity.oidc.issuer import Issuer
from gateway.identity.oidc.settings import IssuerSettings

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@dataclass(frozen=True, slots=True)
class Keycloak:
    """A running one."""

    issuer: str
    tools: Path
    folder: Path

    def tokens(self, user: str) -> Mapping[str, object]:
        """What the client `sallyport` gets for a user; passwords of the tools are the users' names."""
        form = {"client_id": "sallyport", "grant_type": "password", "username": user, "password": user}
        answer = Web()(f"{self.issuer}/protocol/openid-connect/token", {**form, "scope": "openid"})
        assert isinstance(answer.document, Mapping), answer
        assert answer.status == 200, answer.document
        return answer.document

    def rotate(self) -> None:
        """Sign with a new key from now on."""
        base = self.issuer.partition("/realms/")[0]
        words = [str(self.tools / "setup.py"), base, str(self.folder / "admin_password"), "http://127.0.0.1:9000"]
        subprocess.run([sys.executable, *words, "rotate"], check=True, timeout=120, capture_output=True)


@pytest.fixture(scope="module")
def keycloak(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    folder, place = tmp_path_factory.mktemp("keycloak") / "run", tools / "keycloak"
    said = subprocess.run(
        [str(place / "start.sh"), str(folder), str(free_port())],
        check=True,
        timeout=600,
        capture_output=True,
        text=True,
    )
    try:
        yield Keycloak(said.stdout.strip().splitlines()[-1], place, folder)
    finally:
        subprocess.run([str(place / "stop.sh"), str(folder)], check=True, timeout=60, capture_output=True)


def issuer_of(keycloak: Keycloak) -> Issuer:
    settings = IssuerSettings(
        "keycloak",
        keycloak.issuer,
        client_id="sallyport",
        audiences=("sallyport",),
        principal_claim="preferred_username",
        approver_groups=frozenset({"dba"}),
    )
    return Issuer(settings)


def test_people_come_with_their_groups_through_a_rotation(keycloak: Keycloak) -> None:
    issuer = issuer_of(keycloak)
    before = str(keycloak.tokens("alice")["id_token"])
    alice = issuer.verify(before, time.time_ns())
    assert (alice.principal, set(alice.groups), alice.roles) == ("alice", {"dba", "sre"}, ("approver",))
    keycloak.rotate()
    after = str(keycloak.tokens("alice")["id_token"])
    assert after.partition(".")[0] != before.partition(".")[0]
    for one in (after, before):
        assert issuer.verify(one, time.time_ns()).principal == "alice"


def test_an_access_token_that_is_not_said_to_be_for_us_is_refused(keycloak: Keycloak) -> None:
    access = str(keycloak.tokens("bob")["access_token"])
    with pytest.raises(IdentityRefused) as caught:
        issuer_of(keycloak).verify(access, time.time_ns())
    assert caught.value.code == "TOKEN_AUDIENCE"


def test_both_flows_are_offered(keycloak: Keycloak) -> None:
    found = issuer_of(keycloak).metadata()
    assert found.authorization_endpoint is not None
    assert found.device_endpoint is not None
    assert found.names_itself
