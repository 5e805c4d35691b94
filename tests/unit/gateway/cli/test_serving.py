"""`up` and `serve` refuse what would listen to nobody; `version` answers. What runs is tested in `app/test_running.py`."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from gateway.cli import main
from tests.strategies.gateways import settle_in


@pytest.mark.parametrize("command", ["up", "serve"])
def test_a_gateway_that_nobody_could_reach_is_not_started(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    file = settle_in(tmp_path)
    text = file.read_text()
    file.write_text(text[: text.index("[[listener]]")])
    assert main([command, "--config", str(file)]) == 3
    assert "nothing would listen" in capsys.readouterr().err
    structlog.reset_defaults()


def test_a_configuration_with_mistakes_is_not_started(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--config", str(tmp_path / "none.toml")]) == 3
    assert "config check" in capsys.readouterr().err


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out.startswith("sallyport")
