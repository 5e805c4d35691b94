"""TLS on both legs, and a target whose certificate is not the one that was expected."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.demo.certificates import loopback_certificate
from tests.interop.http.running import Target, curl, gateway_before


def written(folder: Path, name: str) -> tuple[Path, Path]:
    made = loopback_certificate(datetime.datetime.now(datetime.UTC))
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    certificate.write_bytes(made.certificate)
    key.write_bytes(made.key)
    return certificate, key


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Target]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*written(tmp_path, "target"))
    target = Target()
    target.server.socket = context.wrap_socket(target.server.socket, server_side=True)
    yield target
    target.close()


def settings(folder: Path, authority: str) -> dict[str, str]:
    written(folder, "gateway")
    return {
        "listener": f'[listener.tls]\ncertificate = "{folder}/gateway.crt"\nkey = "{folder}/gateway.key"',
        "resource": f'[resource.tls]\nca_file = "{folder}/{authority}.crt"',
    }


def test_both_legs_are_encrypted_and_the_target_is_verified(secured: Target, tmp_path: Path) -> None:
    (tmp_path / "way").mkdir()
    address = f"127.0.0.1:{secured.port}"
    with gateway_before(tmp_path / "way", address, **settings(tmp_path, "target")) as running:
        paths = [f"https://127.0.0.1:{running.port}/{name}" for name in ("b", "c")]
        code, said = curl(running, "/a", *paths, "--cacert", str(tmp_path / "gateway.crt"), scheme="https")
        assert code == 0, said
        assert sorted(secured.paths()) == ["/a", "/b", "/c"]
        assert secured.seen[0].headers["authorization"] == f"Bearer {running.secret}"
        assert curl(running, "/a", scheme="https")[0] == 60, "curl does not know the authority"
        assert curl(running, "/a")[0] != 0, "nothing is served in clear"


def test_a_target_with_another_certificate_gets_nothing(secured: Target, tmp_path: Path) -> None:
    (tmp_path / "way").mkdir()
    with gateway_before(tmp_path / "way", f"127.0.0.1:{secured.port}", **settings(tmp_path, "gateway")) as running:
        code, said = curl(running, "/a", "-i", "--cacert", str(tmp_path / "gateway.crt"), scheme="https")
        assert code == 0
        assert said.startswith("HTTP/2 502")
        assert "TARGET_UNREACHABLE" in said
        assert secured.seen == []
