"""What a cluster needs is asked for by name: verified TLS and a credential, or no start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.config.check import find_misfits
from gateway.config.model import Config, Listener, Resource, ResourceProtocol, ServerTls, TargetTls, TlsMode

KUBERNETES = ResourceProtocol.KUBERNETES
PROD = Resource(
    "prod", KUBERNETES, "10.0.0.1:6443", credential="file:key", certificate="crt", tls=TargetTls(ca_file="crt")
)
LISTENER = Listener(KUBERNETES, "127.0.0.1:6443", tls=ServerTls("crt", "crt"), resource="prod")


@pytest.fixture
def good(tmp_path: Path) -> Config:
    (tmp_path / "policies").mkdir()
    (tmp_path / "crt").write_text("")
    return Config(resource=(PROD,), listener=(LISTENER,), folder=tmp_path)


def test_a_good_one_has_no_misfits(good: Config) -> None:
    assert list(find_misfits(good)) == []


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"credential": None}, ("credential",)),
        ({"certificate": "nowhere"}, ("certificate",)),
        ({"role": "system:admin"}, ("role",)),
        ({"database": "d"}, ("database",)),
        ({"header": "X-Key"}, ("header",)),
        ({"tls": TargetTls(TlsMode.DISABLE)}, ("tls", "mode")),
        ({"tls": TargetTls(verify=False)}, ("tls", "verify")),
    ],
)
def test_what_is_missing_or_unsafe_is_named(good: Config, changes: dict[str, object], key: tuple[str, ...]) -> None:
    resource = replace(PROD, **changes)  # type: ignore[arg-type]  # fields of tests
    assert [path[2:] for path, _ in find_misfits(replace(good, resource=(resource,)))] == [key]


def test_a_listener_without_tls_is_none_on_loopback_either(good: Config) -> None:
    bare = replace(good, listener=(replace(LISTENER, tls=None),))
    assert [path for path, _ in find_misfits(bare)] == [("listener", 0, "tls")]
