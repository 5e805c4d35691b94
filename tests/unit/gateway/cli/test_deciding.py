"""`decide` and `explain` on a folder: the verdict, the rules, and why not the others."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from gateway.cli import main
from tests.strategies.gateways import settle_in

ANA = ["--principal", "ana", "--group", "data-readers", "--resource", "orders", "--label", "environment=prod"]


@pytest.fixture
def policies(tmp_path: Path) -> str:
    settle_in(tmp_path)
    return str(tmp_path / "policies")


def test_a_decision_is_told_with_its_rule_and_reason(policies: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decide", "-p", policies, *ANA, "SELECT 1"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("allow\n  allow  shop/READ  shop.rego:")
    assert "reading" in shown


def test_a_hold_names_who_must_approve(policies: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decide", "-p", policies, *ANA, "DELETE FROM orders"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("hold\n")
    assert "dba" in shown


def test_machines_get_the_whole_decision(policies: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decide", "-p", policies, "--json", "SELECT 1"]) == 0
    decision = json.loads(capsys.readouterr().out)["decision"]
    assert (decision["verdict"], decision["deny_kind"]) == ("deny", "NO_MATCH")


def test_the_command_may_come_from_standard_input(
    policies: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Input:
        buffer = io.BytesIO(b"SELECT 1")

    monkeypatch.setattr(sys, "stdin", Input)
    assert main(["decide", "-p", policies, *ANA]) == 0
    assert capsys.readouterr().out.startswith("allow")


def test_every_candidate_is_explained(policies: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "-p", policies, *ANA, "SELECT 1"]) == 0
    assert "  matched      allow  shop/READ  shop.rego:" in capsys.readouterr().out
    assert main(["explain", "-p", policies, "--json", "SELECT 1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [rule["matched"] for rule in found["rules"]] == [False] * len(found["rules"])


def test_nothing_that_could_match_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "-p", str(tmp_path), "SELECT 1"]) == 0
    assert "no rule could match" in capsys.readouterr().out


def test_a_label_that_is_none_is_wrong_usage(policies: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decide", "-p", policies, "--label", "prod", "SELECT 1"]) == 2
    assert "KEY=VALUE" in capsys.readouterr().err


def test_policies_that_do_not_compile_cannot_decide(policies: str, capsys: pytest.CaptureFixture[str]) -> None:
    (Path(policies) / "broken.rego").write_text("package")
    assert main(["decide", "-p", policies, "SELECT 1"]) == 3
    assert "broken.rego" in capsys.readouterr().err


LINE = {
    "id": 1,
    "principal": {"name": "ana", "groups": ["data-readers"]},
    "resource": {"name": "orders", "protocol": "postgres", "labels": {}},
    "command": {"protocol": "postgres", "text": "SELECT 1"},
}


@pytest.mark.parametrize("command", ["decide", "explain"])
def test_lines_are_answered_one_for_one_whatever_they_are(
    policies: str, command: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    lines = [
        json.dumps(LINE),
        "garbage",
        "",
        json.dumps({**LINE, "id": "x", "principal": 7}),
        json.dumps({**LINE, "id": 2}),
    ]

    class Input:
        buffer = io.BytesIO("\n".join(lines).encode() + b"\n")

    monkeypatch.setattr(sys, "stdin", Input)
    assert main([command, "-p", policies, "--jsonl"]) == 0
    answers = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert [answer["id"] for answer in answers] == [1, None, None, "x", 2]
    assert [answer.get("decision", {}).get("verdict") for answer in answers] == ["allow", None, None, None, "allow"]
    assert all("error" in answer for answer in answers[1:4])
    assert all(("rules" in answer) == (command == "explain") for answer in (answers[0], answers[4]))
