"""A kubeconfig says where the gateway is and where the user's own proof lies, and holds no secret."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from gateway.cli import main
from tests.certificates import Authority

CONFIGURATION = """
[policies]
path = "policies"
[[resource]]
name = "prod"
protocol = "kubernetes"
address = "10.0.0.1:6443"
credential = "env:GATEWAY"
[[resource]]
name = "shop"
protocol = "http"
address = "10.0.0.1:80"
[[listener]]
protocol = "kubernetes"
bind = "127.0.0.1:7443"
{bound}
[listener.tls]
certificate = "gateway.pem"
key = "gateway.pem"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "gateway.pem").write_bytes(Authority("the gateway").pem)
    (tmp_path / "sallyport.toml").write_text(CONFIGURATION.format(bound='resource = "prod"'))
    return tmp_path / "sallyport.toml"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert main(["kubeconfig", *arguments]) == 0
    made: dict[str, object] = yaml.safe_load(capsys.readouterr().out)
    return made


def test_it_names_the_gateway_its_certificate_and_the_file_with_the_token(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = printed(capsys, "prod", "--config", str(file), "--token-file", str(file.parent / "token"))
    authority = base64.b64encode((file.parent / "gateway.pem").read_bytes()).decode()
    assert made["clusters"] == [
        {
            "name": "sallyport-prod",
            "cluster": {"server": "https://127.0.0.1:7443", "certificate-authority-data": authority},
        }
    ]
    assert made["users"] == [{"name": "sallyport-prod", "user": {"tokenFile": str(file.parent / "token")}}]
    assert made["current-context"] == "sallyport-prod"


def test_a_certificate_another_address_and_another_authority(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    authority = Authority("the authority")
    (file.parent / "ca.pem").write_bytes(authority.pem)
    made = printed(
        capsys,
        *("prod", "--config", str(file), "--certificate", "/a.pem", "--key", "/b.pem"),
        *("--server", "https://k8s.example.org", "--ca", str(file.parent / "ca.pem")),
    )
    assert made["users"] == [
        {"name": "sallyport-prod", "user": {"client-certificate": "/a.pem", "client-key": "/b.pem"}}
    ]
    assert base64.b64encode(authority.pem).decode() in str(made["clusters"])
    assert "https://k8s.example.org" in str(made["clusters"])


def test_where_a_listener_serves_several_clusters_the_host_says_which(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(CONFIGURATION.format(bound=""))
    made = printed(capsys, "prod", "--config", str(file), "--token-file", "/t")
    assert "https://prod:7443" in str(made["clusters"])


@pytest.mark.parametrize(
    "proof", [(), ("--token-file", "/t", "--certificate", "/c", "--key", "/k"), ("--certificate", "/c")]
)
def test_one_proof_and_a_whole_one_is_needed(file: Path, proof: tuple[str, ...]) -> None:
    assert main(["kubeconfig", "prod", "--config", str(file), *proof]) == 2


def test_what_is_no_cluster_has_no_kubeconfig(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("shop", "nothing"):
        assert main(["kubeconfig", name, "--config", str(file), "--token-file", "/t"]) == 1
    assert "clusters: prod" in capsys.readouterr().err


def test_who_issued_it_is_asked_for_where_some_clients_need_it(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    authority = Authority("the authority")
    whole = ["kubeconfig", "prod", "--config", str(file), "--token-file", "/t"]
    said = []
    for pem in (
        authority.pem,
        authority.issue("gateway").certificate + authority.pem,
        authority.issue("gateway").certificate,
    ):
        (file.parent / "gateway.pem").write_bytes(pem)
        assert main(whole) == 0
        said.append(capsys.readouterr().err)
    assert said[:2] == ["", ""]
    assert "--ca FILE: the certificate of CN=the authority" in said[2]
    (file.parent / "ca.pem").write_bytes(authority.issue("between").certificate)
    assert main([*whole, "--ca", str(file.parent / "ca.pem")]) == 0
    assert capsys.readouterr().err == ""


def test_what_is_no_certificate_is_not_trusted(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file.parent / "ca.pem").write_text("a certificate")
    assert (
        main(["kubeconfig", "prod", "--config", str(file), "--token-file", "/t", "--ca", str(file.parent / "ca.pem")])
        == 1
    )
    out, err = capsys.readouterr()
    assert out == ""
    assert "ca.pem holds no certificate" in err
