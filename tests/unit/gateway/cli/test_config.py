"""`config check` lists everything at once and says by its code whether there was anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli import main
from tests.strategies.gateways import settle_in


def test_a_good_configuration_is_fine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = settle_in(tmp_path)
    assert main(["config", "check", "--config", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: fine (resources: orders; 1 listener)\n"


def test_every_mistake_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = settle_in(tmp_path)
    file.write_text(file.read_text() + "\n[colour]\n[store]\nurl = 7\n")
    assert main(["config", "check", "--config", str(file)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"{file}:") for line in lines)
    assert main(["config", "check", "--config", str(file), "--json"]) == 1
    assert [one["key"] for one in json.loads(capsys.readouterr().out)["problems"]] == ["colour", "store.url"]
