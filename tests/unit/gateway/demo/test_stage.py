from __future__ import annotations

import configparser
import tomllib
from pathlib import Path

import pytest

from gateway.demo.binaries import DemoUnavailable
from gateway.demo.certificates import Certificate
from gateway.demo.cluster import Cluster
from gateway.demo.database import GATEWAY_ROLE
from gateway.demo.parts.part import Absent, Act, Part
from gateway.demo.scenes import APPROVER, DEVELOPER, GROUPS, READER, scenes
from gateway.demo.stage import RESOURCE, Setup, example_policies, invitation, keep, prepare, set_up

CHECKOUT = Path(__file__).parents[4]
PAPERS = Certificate(certificate=b"certificate", key=b"key")


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    cluster = Cluster(port=5433, user="postgres", password="the superuser's", folder=tmp_path / "pg")
    prepare(tmp_path, PAPERS, CHECKOUT, {})
    return set_up(tmp_path, cluster, CHECKOUT / "policies", 6543)


def services(setup: Setup) -> configparser.ConfigParser:
    read = configparser.ConfigParser()
    read.read(setup.service_file)
    return read


def test_every_file_can_be_read_by_its_owner_alone(setup: Setup, tmp_path: Path) -> None:
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert len(files) >= 8
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_a_file_is_private_from_its_first_byte_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    written = Path.write_bytes

    def watch(path: Path, content: bytes) -> int:
        seen.append(path.stat().st_mode & 0o777)
        return written(path, content)

    monkeypatch.setattr(Path, "write_bytes", watch)
    keep(tmp_path / "secret", b"x")
    assert seen == [0o600]


def test_psql_is_told_where_who_and_to_check_the_certificate(setup: Setup) -> None:
    read = services(setup)
    assert set(read.sections()) == {READER, DEVELOPER}
    assert read[READER]["sslmode"] == "verify-full"
    assert read[READER]["dbname"] == RESOURCE
    assert read[READER]["port"] == "6543"
    assert Path(read[READER]["sslrootcert"]).read_bytes() == PAPERS.certificate


def test_the_gateway_and_psql_share_each_password_and_the_lines_hold_none(setup: Setup, tmp_path: Path) -> None:
    passwords = {who: (tmp_path / f"{who}.password").read_text() for who in (READER, DEVELOPER)}
    assert len(set(passwords.values())) == 2
    assert (tmp_path / "pgpass").read_text() == "".join(
        f"localhost:6543:{RESOURCE}:{who}:{password}\n" for who, password in passwords.items()
    )
    text = invitation(setup, scenes(), ("sallyport",))
    assert not any(secret in text for secret in (*passwords.values(), setup.database_password))
    assert setup.database_password not in repr(setup)


def test_the_configuration_is_what_the_gateway_expects(setup: Setup) -> None:
    read = tomllib.loads(setup.configuration.read_text())
    (resource,) = read["resource"]
    assert resource["role"] == GATEWAY_ROLE
    assert resource["labels"] == {"environment": "prod"}
    assert resource["tls"]["mode"] == "require"
    assert {one["name"]: tuple(one["groups"]) for one in read["identity"]["principal"]} == GROUPS
    assert "the superuser's" not in setup.configuration.read_text()
    assert setup.database_password not in setup.configuration.read_text()


def test_only_the_approver_may_approve(setup: Setup) -> None:
    read = tomllib.loads(setup.configuration.read_text())
    roles = {one["name"]: one.get("roles", []) for one in read["identity"]["principal"]}
    assert roles == {READER: [], DEVELOPER: [], APPROVER: ["approver", "auditor"]}


def test_the_invitation_has_a_line_for_each_verdict(setup: Setup) -> None:
    text = invitation(setup, scenes(), ("/some where/sallyport",))
    for scene in scenes():
        assert f"  # {scene.verdict}: " in text
        assert f"  {scene.line()}\n" in text
    assert f"export PGSERVICEFILE={setup.service_file}" in text
    assert f"export SALLYPORT_CONFIG={setup.configuration}" in text
    assert "  '/some where/sallyport' approve TICKET" in text


def test_the_example_policies_are_found_in_a_checkout() -> None:
    assert (example_policies(CHECKOUT) / "shop.rego").is_file()


def test_without_a_checkout_the_message_says_so(tmp_path: Path) -> None:
    with pytest.raises(DemoUnavailable) as refused:
        example_policies(tmp_path)
    assert "make demo" in refused.value.help


def test_parts_have_their_resources_people_and_lines(tmp_path: Path) -> None:
    ground = prepare(tmp_path, PAPERS, CHECKOUT, {"A": "b"})
    assert set(ground.tokens) == {READER, DEVELOPER}
    act = Act(next(iter(scenes())))
    box = Part(
        "A box",
        '\n[[resource]]\nname = "box"\nprotocol = "ssh"\naddress = "a:1"\n',
        {READER: 'ssh_key = ["k"]\n'},
        (act,),
    )
    cluster = Cluster(port=5433, user="postgres", password="the superuser's", folder=tmp_path / "pg")
    made = set_up(tmp_path, cluster, CHECKOUT / "policies", 6543, [box])
    read = tomllib.loads(made.configuration.read_text())
    assert [one["name"] for one in read["resource"]] == [RESOURCE, "box"]
    people = {one["name"]: one for one in read["identity"]["principal"]}
    assert people[READER]["ssh_key"] == ["k"]
    assert people[DEVELOPER]["token"] == f"file:{DEVELOPER}.token"
    text = invitation(made, scenes(), ("sallyport",), [box, Absent("A cluster", "nobody built it")])
    assert "A box, a line for each verdict:" in text
    assert "A cluster is not shown: nobody built it" in text
    assert "sallyport holds" in text
    assert "sallyport holds" not in invitation(made, scenes(), ("sallyport",))
