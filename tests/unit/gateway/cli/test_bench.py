from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from gateway.cli import bench


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    seen: list[list[str]] = []

    def run(words: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
        seen.append(words[1:])
        return subprocess.CompletedProcess(words, 1)

    monkeypatch.setattr(bench.subprocess, "run", run)
    return seen


def invoke(*words: str) -> object:
    app = typer.Typer()
    app.command("other")(lambda: None)
    bench.register(app)
    return CliRunner().invoke(app, ["bench", *words], standalone_mode=False).return_value


def test_one_area_as_json_is_its_own_document(runs: list[list[str]]) -> None:
    assert invoke("pgbench", "--json", "--seconds", "2") == 1
    assert runs == [["-m", "bench", "pgbench", "--seconds", "2", "--rounds", "3", "--raw"]]


def test_all_areas_as_json_are_promises(runs: list[list[str]]) -> None:
    invoke("--json")
    assert runs[0][-1] == "--json"


def test_without_a_checkout_it_says_so(runs: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bench, "CHECKOUT", tmp_path)
    with pytest.raises(bench.NoCheckout):
        bench.bench()
    assert runs == []
