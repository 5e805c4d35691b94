"""How diagnostics are shown."""

from __future__ import annotations

import pytest

from engine.source import Diagnostic, Severity, Span
from gateway.cli.diagnostics import fields, line, tell

FULL = Diagnostic("X", "wrong", "a.gate", Span(3, 5, 3, 9), Severity.WARNING, "do this")
BARE = Diagnostic("Y", "worse", "b.rego")


def test_a_line_can_be_followed_by_an_editor() -> None:
    assert line(FULL) == "a.gate:3:5: warning X: wrong\n    do this"
    assert line(BARE) == "b.rego: error Y: worse"


def test_machines_get_every_field() -> None:
    assert fields(FULL) == {
        "code": "X",
        "severity": "warning",
        "message": "wrong",
        "file": "a.gate",
        "help": "do this",
        "line": 3,
        "column": 5,
        "end_line": 3,
        "end_column": 9,
    }
    assert "line" not in fields(BARE)


def test_diagnostics_go_to_standard_error_with_nothing_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    tell([FULL, Diagnostic("Z", "a\x1b[2Jb", "c.gate")])
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "a.gate:3:5: warning X: wrong\n    do this\nc.gate: error Z: a\\x1b[2Jb\n"
