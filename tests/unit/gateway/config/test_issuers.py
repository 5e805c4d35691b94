"""`[[identity.oidc]]`: an issuer over TLS, an audience, names that cannot be taken for somebody else's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.config import Config, load_config, read_config
from gateway.config.issuers import find_issuer_misfits, is_issuer_url
from gateway.config.model import Identity, OidcIssuer, TokenAlgorithm

GOOD: dict[str, object] = {"name": "corp", "issuer": "https://login.example/realms/main", "client_id": "sallyport"}


def misfits(folder: Path, fields: dict[str, object]) -> list[str]:
    (folder / "ca.pem").write_text("")
    issuer = OidcIssuer(**fields)  # type: ignore[arg-type]  # fields of a test
    config = replace(Config(), identity=Identity(oidc=(issuer,)), folder=folder)
    return [".".join(str(part) for part in path) for path, _ in find_issuer_misfits(config)]


def settled(folder: Path) -> Path:
    (folder / "policies").mkdir()
    return folder / "sallyport.toml"


@pytest.mark.parametrize(
    "fields",
    [
        GOOD,
        {**GOOD, "client_secret": "env:SECRET", "ca_file": "ca.pem", "prefix": "corp:"},
        {"name": "ci", "issuer": "http://127.0.0.1:8190", "audience": ("sallyport",)},
        {**GOOD, "algorithms": (TokenAlgorithm.EDDSA, TokenAlgorithm.ES256)},
    ],
)
def test_an_issuer_that_fits(tmp_path: Path, fields: dict[str, object]) -> None:
    assert misfits(tmp_path, fields) == []


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"name": "a b"}, "name"),
        ({"issuer": "http://login.example"}, "issuer"),
        ({"issuer": "https://login.example?x=1"}, "issuer"),
        ({"prefix": "a b"}, "prefix"),
        ({"prefix": "-"}, "prefix"),
        ({"client_secret": "in the clear"}, "client_secret"),
        ({"client_id": None, "client_secret": "env:SECRET", "audience": ("x",)}, "client_secret"),
        ({"client_id": None}, "audience"),
        ({"audience": ("",)}, "audience"),
        ({"scopes": ("groups",)}, "scopes"),
        ({"scopes": ("openid", "a b")}, "scopes"),
        ({"algorithms": ()}, "algorithms"),
        ({"leeway_seconds": 301.0}, "leeway_seconds"),
        ({"leeway_seconds": -1.0}, "leeway_seconds"),
        ({"max_lifetime_seconds": 59.0}, "max_lifetime_seconds"),
        ({"max_lifetime_seconds": 86_401.0}, "max_lifetime_seconds"),
        ({"ca_file": "nowhere.pem"}, "ca_file"),
    ],
)
def test_one_thing_that_does_not_fit_is_named(tmp_path: Path, changes: dict[str, object], key: str) -> None:
    assert misfits(tmp_path, {**GOOD, **changes}) == [f"identity.oidc.0.{key}"]


def test_it_is_read_from_the_file_and_overridden_by_its_name(tmp_path: Path) -> None:
    file = settled(tmp_path)
    file.write_text(
        '[[identity.oidc]]\nname = "corp"\nissuer = "https://login.example"\nclient_id = "x"\nalgorithms = ["ES256"]\n'
    )
    config = load_config(file, {"SALLYPORT_IDENTITY__OIDC__CORP__CLIENT_ID": "sallyport"})
    (found,) = config.identity.oidc
    assert (found.client_id, found.algorithms) == ("sallyport", (TokenAlgorithm.ES256,))


def test_two_issuers_cannot_name_the_same_people(tmp_path: Path) -> None:
    file = settled(tmp_path)
    one = '[[identity.oidc]]\nname = "{0}"\nissuer = "https://{0}.example"\nclient_id = "x"\nprefix = "{1}"\n'
    file.write_text(one.format("a", "") + one.format("b", ""))
    _, problems = read_config(file, {})
    assert [problem.key for problem in problems] == ["identity.oidc[1].prefix"]
    file.write_text(one.format("a", "") + one.format("b", "b:"))
    assert read_config(file, {})[1] == []


@pytest.mark.parametrize("algorithm", ["none", "HS256", "rs256", ""])
def test_no_algorithm_with_a_shared_secret_can_be_configured(tmp_path: Path, algorithm: str) -> None:
    file = settled(tmp_path)
    file.write_text(
        f'[[identity.oidc]]\nname = "a"\nissuer = "https://a.example"\nclient_id = "x"\nalgorithms = ["{algorithm}"]\n'
    )
    assert [problem.key for problem in read_config(file, {})[1]] == ["identity.oidc[0].algorithms"]


@pytest.mark.parametrize(
    "url", ["", "https://", "ftp://x", "https://u@x", "https://x#y", "https://x:99999", "https://[x"]
)
def test_what_is_no_issuer(url: str) -> None:
    assert not is_issuer_url(url)
