"""`coverage` in every format, and a gate that fails below what was asked for."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gateway.cli import main
from tests.unit.gateway.cli.test_suites import policies

__all__ = ["policies"]


def test_the_text_names_what_was_not_tried(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage", str(policies)]) == 0
    shown = capsys.readouterr().out
    assert "shop.rego:10: never true: op.effect in" in shown
    assert "extra.gate:4: never false" not in shown
    assert "conditions" in shown


def test_too_little_is_a_problem(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage", str(policies), "--min-condition", "1"]) == 1
    assert "less than 100 %" in capsys.readouterr().err
    assert main(["coverage", str(policies), "--min-condition", "0.2"]) == 0


def test_machines_read_json_and_cobertura(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage", str(policies), "--format", "json"]) == 0
    assert 0 < json.loads(capsys.readouterr().out)["conditions"] < 1
    assert main(["coverage", str(policies), "--format", "cobertura"]) == 0
    assert ElementTree.fromstring(capsys.readouterr().out).tag == "coverage"


def test_people_get_a_page(policies: Path, tmp_path: Path) -> None:
    page = tmp_path / "coverage.html"
    assert main(["coverage", str(policies), "--format", "html", "--output", str(page)]) == 0
    assert "shop.rego" in page.read_text()


def test_a_page_that_cannot_be_written_is_told(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage", str(policies), "--output", str(policies / "none" / "page.html")]) == 3
    assert "cannot be written" in capsys.readouterr().err


def test_coverage_of_failing_tests_is_no_success(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (policies / "shop_suite.yaml").write_text("suite: x\ncases: []\n")
    assert main(["coverage", str(policies)]) == 1
    assert "not green" in capsys.readouterr().err
