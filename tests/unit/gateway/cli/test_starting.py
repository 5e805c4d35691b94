"""`init` makes a repository that is whole, and never writes over anything."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gateway.cli import main
from gateway.cli.starting import PLACES, STARTER
from tests.conftest import ROOT


def test_every_file_of_the_starter_has_its_place() -> None:
    assert {file.relative_to(STARTER).as_posix() for file in STARTER.rglob("*") if file.is_file()} == set(PLACES)


def test_a_repository_is_made_whose_own_checks_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "repository"
    assert main(["init", str(folder)]) == 0
    assert f"next: sallyport test {folder}/policies" in capsys.readouterr().out
    for command in (["check", "--strict"], ["fmt", "--check"], ["test"]):
        assert main([*command, str(folder / "policies")]) == 0


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "README.md").write_text("mine")
    assert main(["init", str(tmp_path)]) == 1
    assert "there already" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["README.md"]
    (tmp_path / "file").write_text("")
    assert main(["init", str(tmp_path / "file" / "x")]) == 3


@pytest.mark.parametrize(
    "file",
    [
        *(STARTER / place for place in PLACES if place.endswith((".yml", ".yaml"))),
        ROOT / ".pre-commit-hooks.yaml",
        ROOT / ".github/actions/policies/action.yml",
    ],
    ids=lambda path: path.name,
)
def test_each_file_for_ci_is_yaml_that_calls_commands_there_are(file: Path) -> None:
    from typer.main import get_command

    from gateway.cli import build

    text = file.read_text(encoding="utf-8")
    assert yaml.safe_load(text)
    known = set(get_command(build()).commands)  # type: ignore[attr-defined]  # a group of commands
    called = {
        line.split("sallyport ", 1)[1].split()[0]
        for line in text.splitlines()
        if "sallyport " in line and ("run:" in line or "entry:" in line or "- sallyport" in line)
    }
    assert called <= known, called - known
