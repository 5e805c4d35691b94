"""On the command line: a backup of a gateway and its way back, told in some lines; a mistake is one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app.assembly import Gateway
from gateway.cli import main
from gateway.config import load_config
from tests.strategies.gateways import ENVIRONMENT, settle_in


def test_there_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    old, new = settle_in(tmp_path / "old"), settle_in(tmp_path / "new")
    Gateway(load_config(old, {}), ENVIRONMENT).close()
    assert main(["backup", str(tmp_path / "b"), "--config", str(old)]) == 0
    assert "no keys are in it" in capsys.readouterr().out
    assert main(["backup", str(tmp_path / "b"), "--config", str(old)]) == 3
    assert "there already" in capsys.readouterr().err
    assert main(["backup", str(tmp_path / "c"), "--keys", str(tmp_path / "k"), "--config", str(old)]) == 0
    assert "keep them elsewhere" in capsys.readouterr().out
    assert main(["restore", str(tmp_path / "c"), "--keys", str(tmp_path / "k"), "--config", str(new)]) == 0
    said = capsys.readouterr().out
    assert "entries, whole" in said
    assert "ended: 0 tokens" in said
    assert main(["restore", str(tmp_path / "c"), "--config", str(new)]) == 3
