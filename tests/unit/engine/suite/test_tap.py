"""A line for each case, numbered to the plan; what a case is called cannot forge another line."""

from __future__ import annotations

import re

from engine.source import Diagnostic, Span
from engine.suite.report import Report
from engine.suite.runner import Outcome
from engine.suite.tap import tap

GREEN = Outcome("shop", "reads # TODO\nnot ok 1", "s.yaml", 3)
RED = Outcome("shop", "writes", "s.yaml", 9, ("expected deny, got allow\n  by shop/READ\n  ...",))
MISTAKE = Diagnostic("SYNTAX", "this is no YAML", "b.yaml", Span(4, 1, 4, 2))
LINES = tap(Report((GREEN, RED), (MISTAKE,))).splitlines()


def test_the_plan_and_the_points_agree() -> None:
    assert LINES[:2] == ["TAP version 14", "1..3"]
    points = [line for line in LINES if re.match(r"(not )?ok ", line)]
    assert points == ["ok 1 - shop: reads \\# TODO not ok 1", "not ok 2 - shop: writes", "not ok 3 - b.yaml:4"]


def test_a_failure_is_told_in_a_block() -> None:
    start = LINES.index("  ---")
    assert LINES[start : start + 7] == [
        "  ---",
        '  at: "s.yaml:9"',
        "  message: |-",
        "    expected deny, got allow",
        "      by shop/READ",
        "      ...",
        "  ...",
    ]
