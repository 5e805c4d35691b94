"""`lower` and `fmt`."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from gateway.cli import main

UGLY = 'policy p deny a "no" when command.complete # why\n'
PRETTY = 'policy p\n\ndeny a "no"\n  when command.complete  # why\n'


def test_a_policy_is_printed_as_rego(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lib.gate").write_text("library\ndefine whole = command.complete\n")
    file = tmp_path / "p.gate"
    file.write_text('policy p\nimport "lib.gate"\nallow a when whole\n')
    assert main(["lower", str(file)]) == 0
    said = capsys.readouterr().out
    assert said == 'package policies.p\n\nallow contains {"code": "A"} if {\n\tinput.command.complete == true\n}\n'
    assert main(["lower", str(file), "--lines"]) == 0
    assert f"\tinput.command.complete == true  # {tmp_path}/lib.gate:2\n" in capsys.readouterr().out


def test_a_library_alone_means_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lib.gate"
    file.write_text("library\ndefine whole = command.complete\n")
    assert main(["lower", str(file)]) == 0
    assert "library" in capsys.readouterr().out


def test_a_broken_policy_is_not_lowered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "p.gate"
    file.write_text("policy p\ndeny a when resorce.name == 3\n")
    assert main(["lower", str(file)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{file}:2:13: error UNKNOWN_NAME" in said.err
    assert main(["lower", str(tmp_path / "none.gate")]) == 3


def test_files_are_written_the_one_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sub").mkdir()
    one, two = tmp_path / "one.gate", tmp_path / "sub" / "two.gate"
    one.write_text(UGLY)
    two.write_text(PRETTY)
    assert main(["fmt", "--check", str(tmp_path)]) == 1
    assert capsys.readouterr().out == f"{one}: would change\n"
    assert one.read_text() == UGLY
    assert main(["fmt", str(tmp_path)]) == 0
    assert one.read_text() == PRETTY
    assert capsys.readouterr().out == f"{one}: changed\n"
    assert main(["fmt", "--check", str(one), str(two)]) == 0


def test_what_cannot_be_read_is_told_and_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken, bytes_, good = tmp_path / "a.gate", tmp_path / "b.gate", tmp_path / "c.gate"
    broken.write_text("policy p\ndeny\n")
    bytes_.write_bytes(b"policy \xff")
    good.write_text(UGLY)
    assert main(["fmt", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "SYNTAX" in said
    assert "ENCODING" in said
    assert broken.read_text() == "policy p\ndeny\n"
    assert good.read_text() == PRETTY


class Input:
    def __init__(self, raw: bytes) -> None:
        self.buffer = io.BytesIO(raw)


def test_standard_input_is_formatted_to_standard_output(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for raw, code, out in ((UGLY.encode(), 0, PRETTY), (b"policy", 1, ""), (b"\xff", 1, "")):
        monkeypatch.setattr("sys.stdin", Input(raw))
        assert main(["fmt", "-"]) == code
        assert capsys.readouterr().out == out


def test_machines_get_rego_with_the_place_of_each_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "p.gate"
    file.write_text("policy p\nallow a when command.complete\n")
    assert main(["lower", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rego"].splitlines()[3] == "\tinput.command.complete == true"
    assert {"line": 4, "file": str(file), "at": 2, "rule": "a"} in told["lines"]
    file.write_text("library\ndefine whole = command.complete\n")
    assert main(["lower", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rego"] is None
    file.write_text("policy p\ndeny a when resorce.name == 3\n")
    assert main(["lower", str(file), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["diagnostics"][0]["code"] == "UNKNOWN_NAME"


def test_machines_get_what_would_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ugly, broken = tmp_path / "a.gate", tmp_path / "b.gate"
    ugly.write_text(UGLY)
    broken.write_text("policy p\ndeny\n")
    assert main(["fmt", "--check", "--json", str(tmp_path)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["changed"], told["written"]) == ([str(ugly)], False)
    assert told["diagnostics"][0]["file"] == str(broken)
    assert ugly.read_text() == UGLY
