"""`login` waits for a person and keeps who they are; `whoami` asks the gateway; `logout` forgets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.request import Json
from gateway.cli import main, signing_in
from gateway.cli.session import Answered, Session, keep, kept, session_file
from gateway.identity.oidc import device
from gateway.identity.oidc.fetching import Fetched
from tests.issuers import NOW, URL, StandInIssuer, claims, token

GATEWAY = "https://gateway.test"
OFFER: dict[str, Json] = {"issuer": URL, "client_id": "sallyport", "scopes": ["openid", "groups"]}


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandInIssuer:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    made = StandInIssuer()
    monkeypatch.setattr("gateway.identity.oidc.issuer.Web", lambda ca_file: made)
    monkeypatch.setattr(signing_in.time, "time_ns", lambda: NOW)
    monkeypatch.setattr(signing_in.time, "sleep", lambda seconds: None)
    made.answers[f"{URL}/device"] = [
        Fetched(200, {"device_code": "d", "user_code": "AB-CD", "verification_uri": f"{URL}/device"})
    ]
    return made


def offered(monkeypatch: pytest.MonkeyPatch, status: int = 200, document: Mapping[str, Json] = OFFER) -> None:
    monkeypatch.setattr(signing_in, "call", lambda gateway, path, ca_file=None: Answered(status, document))


def test_somebody_signs_in(
    web: StandInIssuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offered(monkeypatch)
    good = token(claims())
    web.answers[f"{URL}/token"] = [
        Fetched(400, {"error": "authorization_pending"}),
        Fetched(400, {"error": "slow_down"}),
        Fetched(200, {"id_token": good}),
    ]
    assert main(["login", "--gateway", GATEWAY]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("signed in as alice until ")
    assert "AB-CD" in said.err
    assert good not in said.out + said.err
    assert kept(session_file({"XDG_CONFIG_HOME": str(tmp_path)})).token == good
    assert main(["logout"]) == 0
    assert main(["logout"]) == 0
    assert capsys.readouterr().out == "signed out\nnobody was signed in\n"


def test_who_is_refused_is_not_kept(
    web: StandInIssuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offered(monkeypatch)
    web.answers[f"{URL}/token"] = [Fetched(400, {"error": "access_denied"})]
    assert main(["login", "--gateway", GATEWAY]) == 3
    assert not (tmp_path / "sallyport").exists()
    monkeypatch.setattr(device, "MAX_WAIT", 0.0)
    web.answers[f"{URL}/device"] = [
        Fetched(200, {"device_code": "d", "user_code": "AB-CD", "verification_uri": f"{URL}/device"})
    ]
    assert main(["login", "--gateway", GATEWAY]) == 3
    assert "too long" in capsys.readouterr().err


@pytest.mark.parametrize(("status", "document"), [(404, {}), (200, {}), (200, {"issuer": 7, "client_id": "x"})])
def test_a_gateway_without_an_issuer_lets_nobody_sign_in(
    web: StandInIssuer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: int,
    document: dict[str, Json],
) -> None:
    offered(monkeypatch, status, document)
    assert main(["login", "--gateway", GATEWAY]) == 3
    assert "nobody can sign in" in capsys.readouterr().err
    assert web.asked == []


def test_the_gateway_says_who_one_is(
    web: StandInIssuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["whoami"]) == 3
    keep(Session(GATEWAY, "alice", URL, NOW, "t"), session_file({"XDG_CONFIG_HOME": str(tmp_path)}))
    found: dict[str, Json] = {"principal": "alice", "groups": ["dba"]}
    monkeypatch.setattr(signing_in, "asked", lambda session, path: found)
    capsys.readouterr()
    assert main(["whoami"]) == 0
    assert capsys.readouterr().out.startswith("alice (dba) at https://gateway.test until ")
    found["groups"] = []
    assert main(["whoami"]) == 0
    assert "(no groups)" in capsys.readouterr().out
    assert main(["whoami", "--json"]) == 0
    assert '"principal":"alice"' in capsys.readouterr().out
