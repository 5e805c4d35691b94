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


def test_every_mistake_of_every_file_is_told_at_once(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (policies / "one.rego").write_text("package policies.one\n\nallow contains x if {")
    (policies / "two.rego").write_bytes(b"package policies.two\n# caf\xe9\n")
    (policies / "three.gate").write_text("policy three\ndeny a when resource.nme == 1\n")
    assert main(["check", str(policies)]) == 1
    shown = capsys.readouterr().out
    assert "one.rego:3:" in shown
    assert "two.rego:2:6: error ENCODING: this is not UTF-8: byte 0xe9" in shown
    assert "three.gate:2:" in shown


def test_code_scanning_and_github_read_the_same(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (policies / "broken.rego").write_text("package policies.broken\n\nallow contains x if {")
    assert main(["check", str(policies), "--format", "sarif"]) == 1
    log = json.loads(capsys.readouterr().out)
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("policies/broken.rego")
    assert main(["check", str(policies), "--format", "github"]) == 1
    assert "broken.rego,line=3" in capsys.readouterr().out


def test_a_warning_is_an_error_when_one_is_strict(policies: Path) -> None:
    (policies / "slow.rego").write_text(
        'package policies.slow\n\ndeny contains {"code": "A"} if contains(input.command.text, "x")\n'
    )
    assert main(["check", str(policies)]) == 0
    assert main(["check", str(policies), "--strict"]) == 1


def test_what_policies_read_is_listed(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(policies)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "shop"
    assert main(["inspect", str(policies), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert "input.principal.groups" in told["reads"]
    assert told["policies"]["shop"] == told["reads"]
    assert {rule["code"] for rule in told["rules"]} == {"READ", "WRITE"}


def test_the_schema_fits_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out)["type"] == "object"
