"""What policy authors run: problems with their places, and the input's schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli import main
from tests.strategies.gateways import settle_in


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    settle_in(tmp_path)
    return tmp_path / "policies"


def test_a_good_folder_is_fine(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(policies)]) == 0
    assert capsys.readouterr().out == f"{policies}: fine\n"


def test_a_broken_file_is_told_with_its_place(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (policies / "broken.rego").write_text("package policies.broken\n\nallow contains x if {")
    assert main(["check", str(policies)]) == 1
    assert "broken.rego:3" in capsys.readouterr().out
    assert main(["check", str(policies), "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)["diagnostics"][0]
    assert (found["file"], found["line"], found["severity"]) == ("broken.rego", 3, "error")


def test_a_folder_that_is_not_there_cannot_be_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path / "none")]) == 3
    assert "no policy folder" in capsys.readouterr().err


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["type"] == "object"


def test_examples_are_sets_of_their_own(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        (policies / "examples" / name).mkdir(parents=True)
        (policies / "examples" / name / "data.json").write_text('{"limit": 1}')
        rule = 'allow contains {"code": "A", "reason": "x"} if { data.limit == 1; input.resource.name == "a" }'
        (policies / "examples" / name / "a.rego").write_text(f"package policies.same\n{rule}\n")
    assert main(["check", str(policies)]) == 0, capsys.readouterr().out
