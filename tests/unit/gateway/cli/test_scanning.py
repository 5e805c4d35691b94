"""`scan` shows what a text has in it, for people, as JSON, line by line; 1 when something was found."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from gateway.cli import main

KEY = "AKI" + "A" + "Q3EGR7XZT5WLM2NB"


class Input:
    def __init__(self, raw: bytes) -> None:
        self.buffer = io.BytesIO(raw)


def test_people_see_where_what_and_not_the_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "notes"
    file.write_text(f"one\nkey {KEY}\n", encoding="utf-8")
    assert main(["scan", str(file)]) == 1
    shown = capsys.readouterr().out
    assert "secret.aws_access_key" in shown
    assert "2" in shown
    assert KEY not in shown


def test_nothing_found_is_code_0(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", Input(b"nothing here \xff"))
    assert main(["scan"]) == 0
    assert "nothing found" in capsys.readouterr().out


def test_machines_get_spans_and_the_masked_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "notes"
    file.write_text(f"é {KEY}", encoding="utf-8")
    assert main(["scan", "--json", str(file)]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "spans": [{"start": 2, "end": 22, "type": "secret.aws_access_key"}],
        "masked": "é [secret.aws_access_key]",
    }


def test_only_chosen_types_count(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    file.write_text(f"{KEY}", encoding="utf-8")
    assert main(["scan", "--type", "pii.*", str(file)]) == 0
    assert main(["scan", "--type", "pii.*", "--type", "secret.*", str(file)]) == 1
    assert main(["scan", "--type", "nothing.*", str(file)]) == 3


def test_the_text_comes_back_masked(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    file = tmp_path / "notes"
    file.write_bytes(f"\xff {KEY}".encode("latin-1"))
    assert main(["scan", "--masked", str(file)]) == 1
    assert capfdbinary.readouterr().out == b"\xff [secret.aws_access_key]"


def test_lines_are_answered(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    monkeypatch.setattr(sys, "stdin", Input(b'{"id": 1, "text": "x"}\nbad\n'))
    assert main(["scan", "--jsonl"]) == 0
    answers = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert answers[0] == {"id": 1, "spans": [], "masked": "x"}
    assert answers[1]["error"]["code"] == "INPUT_INVALID"


def test_the_page_of_detectors_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "--detectors"]) == 0
    assert capsys.readouterr().out.startswith("# Detectors")


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", str(tmp_path / "absent")]) == 3
    assert "cannot be read" in capsys.readouterr().err
