"""Shared options mean the same everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli import main
from gateway.cli.options import DEFAULT_CONFIG
from tests.strategies.gateways import settle_in


def test_the_configuration_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert str(DEFAULT_CONFIG) == "sallyport.toml"
    monkeypatch.setenv("SALLYPORT_CONFIG", str(settle_in(tmp_path)))
    assert main(["config", "check"]) == 0
    assert "fine" in capsys.readouterr().out
