"""Proofs are random, well formed, and what goes in does not come out."""

from __future__ import annotations

import io
import sys

import pytest

from gateway.cli import main
from gateway.identity.scram import make_verifier, parse_verifier


def test_a_password_becomes_a_verifier(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("hunter2\n"))
    assert main(["scram", "--iterations", "5000"]) == 0
    shown = capsys.readouterr().out
    assert "hunter2" not in shown
    verifier = parse_verifier(shown)
    assert verifier == make_verifier("hunter2", verifier.salt, 5000)


def test_an_empty_password_is_wrong_usage(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    assert main(["scram"]) == 2
    assert "empty" in capsys.readouterr().err
