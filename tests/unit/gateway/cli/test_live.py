"""Sessions from the command line, through a real gRPC socket of a real gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.core.ports import Ending
from gateway.app.assembly import Gateway
from gateway.audit.entry import Kind
from gateway.audit.read import read
from gateway.cli import main
from gateway.config import load_config
from gateway.doors.adapters import GatewaySession
from tests.strategies.gates import question
from tests.strategies.gateways import ENVIRONMENT, settle_in

OPERATOR = """
[[rpc.socket]]
path = "olga.sock"
principal = "olga"

[[identity.principal]]
name = "olga"
roles = ["operator"]
"""


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    file = settle_in(tmp_path)
    file.write_text(file.read_text() + OPERATOR)
    monkeypatch.setenv("SALLYPORT_CONFIG", str(file))
    built = Gateway(load_config(file, {}), ENVIRONMENT)
    asyncio.run(built.start(listeners=False))
    yield built
    asyncio.run(built.stop(1))
    built.close()


class Wire:
    """A connection that ends when it is told to."""

    def __init__(self, session: GatewaySession) -> None:
        self.session = session
        self.told: list[Ending] = []
        session.watch(self)

    def was_active(self) -> bool:
        return False

    def end(self, ending: Ending) -> None:
        self.told.append(ending)
        self.session.close("over")


def opened(gateway: Gateway) -> tuple[GatewaySession, Wire]:
    admitted = gateway.doors.admit(
        user="ana", resource="orders", protocol="postgres", proven=True, client_address="10.0.0.9", application="psql"
    )
    assert isinstance(admitted, GatewaySession)
    return admitted, Wire(admitted)


def test_open_sessions_are_listed_with_how_they_stand(gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["live"]) == 0
    assert capsys.readouterr().out == "nobody is connected\n"
    session, _ = opened(gateway)
    assert main(["live"]) == 0
    assert f"{session.id}  " in (shown := capsys.readouterr().out)
    assert "ana@orders  postgres  last nothing yet  psql 10.0.0.9" in shown
    session.decide(question("SELECT 1"))
    assert main(["live", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["id"], found["verdict"], found["is_held"]) == (session.id, "allow", False)
    session.decide(question("DELETE FROM orders"))
    assert main(["live"]) == 0
    assert "last held" in capsys.readouterr().out


def test_an_operator_ends_a_session_and_the_audit_says_who_did(
    gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    session, wire = opened(gateway)
    assert main(["kill", session.id, "-m", "too slow"]) == 0
    assert capsys.readouterr().out.startswith(f"ended: {session.id}")
    assert wire.told[0].message == "an operator ended this session: too slow"
    told = [
        (entry.step, entry.person, entry.note)
        for entry in read(gateway.config.at(gateway.config.audit.dir))
        if entry.kind is Kind.SESSION and entry.step != "opened"
    ]
    assert told == [("killed", "olga", "too slow"), ("closed", "", "KILLED by olga: too slow")]
    assert main(["kill", session.id]) == 3
    assert "no such session" in capsys.readouterr().err


def test_who_may_not_ends_nothing(gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    session, wire = opened(gateway)
    assert main(["kill", session.id, "--as", "bo"]) == 3
    assert "operator" in capsys.readouterr().err
    assert main(["kill", session.id, "--as", "app"]) == 3
    assert "no such session" in capsys.readouterr().err
    assert wire.told == []
