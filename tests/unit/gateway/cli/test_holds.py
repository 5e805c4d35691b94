"""People's commands, through a real gRPC socket of a real gateway."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.app.assembly import Gateway
from gateway.cli import main
from gateway.cli.holds import _clock
from gateway.config import load_config
from gateway.doors.adapters import GatewaySession
from tests.strategies.gates import question
from tests.strategies.gateways import ENVIRONMENT, POLICY, settle_in


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    file = settle_in(tmp_path)
    monkeypatch.setenv("SALLYPORT_CONFIG", str(file))
    built = Gateway(load_config(file, {}), ENVIRONMENT)
    asyncio.run(built.start(listeners=False))
    yield built
    asyncio.run(built.stop(1))
    built.close()


def held(gateway: Gateway, row: int = 7) -> str:
    admitted = gateway.doors.admit(
        user="ana", resource="orders", protocol="postgres", proven=True, client_address=None, application=None
    )
    assert isinstance(admitted, GatewaySession)
    ticket = admitted.decide(question(f"DELETE FROM orders WHERE id = {row} /* \x1b[2J\nh-1 */")).ticket
    assert ticket is not None
    return ticket


def test_what_waits_is_listed_with_its_command_made_visible(
    gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["holds"]) == 0
    assert capsys.readouterr().out == "nothing waits\n"
    ticket = held(gateway)
    assert main(["holds"]) == 0
    shown = capsys.readouterr().out
    assert f"{ticket}  requested  ana@orders  shop/WRITE" in shown
    assert "    DELETE FROM orders WHERE id = 7 /* \\x1b[2J\n    h-1 */" in shown
    assert main(["holds", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["id"] == ticket


def test_a_yes_grants_and_a_no_refuses(gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    one = held(gateway)
    assert main(["approve", one, "-m", "fine"]) == 0
    assert capsys.readouterr().out == f"{one}: granted\n"
    two = held(gateway, 8)
    assert main(["refuse", two, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "refused"
    assert main(["holds", "--all", "--json"]) == 0
    assert {found["state"] for found in json.loads(capsys.readouterr().out)} == {"granted", "refused"}


@pytest.fixture
def escalating(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """A gateway whose holds are told on when nobody decides."""
    file = settle_in(tmp_path)
    steps = '[{"after": "1s", "groups": ["oncall"]}, {"after": "5m", "users": ["lea"], "may_approve": true}]'
    policy = POLICY.replace('"expires": "10m"', f'"expires": "10m", "escalate": {steps}')
    (tmp_path / "policies" / "shop.rego").write_text(policy)
    monkeypatch.setenv("SALLYPORT_CONFIG", str(file))
    built = Gateway(load_config(file, {}), ENVIRONMENT)
    asyncio.run(built.start(listeners=False))
    yield built
    asyncio.run(built.stop(1))
    built.close()


def test_who_was_told_and_who_is_next_stands_beside_a_hold(
    escalating: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    ticket = held(escalating)
    at = escalating.approvals.get(ticket)
    assert at is not None
    assert main(["holds"]) == 0
    shown = capsys.readouterr().out
    assert f"    tells group oncall at {_clock(at.requested_at + 10**9)}\n" in shown
    assert f"    tells lea, who may approve at {_clock(at.requested_at + 300 * 10**9)}\n" in shown
    taken = at
    while not taken.told_at:
        assert time.time_ns() < at.requested_at + 60 * 10**9
        escalating.gate.expire_overdue()
        threading.Event().wait(0.05)
        taken = escalating.approvals.get(ticket) or at
    assert main(["holds", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    first, second = found["escalations"]
    assert first == {
        "due_at": at.requested_at + 10**9,
        "told_at": taken.told_at[0],
        "users": [],
        "groups": ["oncall"],
        "may_approve": False,
    }
    assert (second["told_at"], second["users"], second["may_approve"]) == (None, ["lea"], True)
    assert main(["holds", ticket]) == 0
    assert f"    told {_clock(taken.told_at[0])}: group oncall\n" in capsys.readouterr().out
    assert main(["refuse", ticket]) == 0
    capsys.readouterr()
    assert main(["holds", ticket]) == 0
    shown = capsys.readouterr().out
    assert "group oncall" in shown
    assert "lea" not in shown, "nobody is told of it any more"


def test_who_may_not_is_told_why(gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    ticket = held(gateway)
    assert main(["approve", ticket, "--as", "app"]) == 3
    assert "approver" in capsys.readouterr().err
    assert main(["approve", "h-none"]) == 3
    assert "no ticket" in capsys.readouterr().err
    assert main(["approve", ticket, "--as", "eve"]) == 3
    assert "eve" in capsys.readouterr().err


def test_no_gateway_is_said_to_be_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SALLYPORT_CONFIG", str(settle_in(tmp_path)))
    assert main(["holds"]) == 3
    assert "is `sallyport up` running" in capsys.readouterr().err


MEMORABLE = POLICY.replace('"expires": "10m"', '"expires": "10m", "remember": "30m"')


def test_a_yes_is_remembered_listed_and_taken_back(
    gateway: Gateway, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "policies" / "shop.rego").write_text(MEMORABLE)
    assert gateway.policies.reload()
    admitted = gateway.doors.admit(
        user="ana", resource="orders", protocol="postgres", proven=True, client_address=None, application=None
    )
    assert isinstance(admitted, GatewaySession)
    admitted._session = replace(admitted._session, job="build-42")
    insert = "INSERT INTO public.orders (id) VALUES (%d)"
    ticket = admitted.decide(question(insert % 7)).ticket
    assert ticket is not None
    assert main(["holds", ticket]) == 0
    assert "may be remembered: `--remember 1800s` at most" in capsys.readouterr().out
    assert main(["approve", ticket, "--remember", "soon"]) == 2
    assert main(["approve", ticket, "--remember", "31m"]) == 3
    assert "1800 seconds at most" in capsys.readouterr().err
    assert main(["approve", ticket, "--remember", "30m"]) == 0
    assert admitted.decide(question(insert % 8)).decision.is_granted
    capsys.readouterr()
    assert main(["remembered"]) == 0
    shown = capsys.readouterr().out
    assert "ana@orders  job build-42  by bo, 1 uses" in shown
    assert f"    {insert % 7}" in shown
    assert main(["remembered", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["ticket"], found["uses"], found["rules"]) == (ticket, 1, ["shop/WRITE"])
    assert main(["remembered", "--take-back", found["id"]]) == 0
    assert "taken back" in capsys.readouterr().out
    assert not admitted.decide(question(insert % 9)).decision.is_granted
    assert main(["remembered"]) == 0
    assert capsys.readouterr().out == "nothing is remembered\n"
    assert main(["remembered", "--take-back", found["id"]]) == 3
