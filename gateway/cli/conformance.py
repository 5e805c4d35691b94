"""`conformance`: cases of OPA's own suite, answered line by line."""

from __future__ import annotations

import time

import typer

from engine.suite.conformance import answer_lines as answers
from gateway.cli.options import AsJsonLines
from gateway.cli.output import answer_lines


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(conformance)


def conformance(as_json_lines: AsJsonLines = True) -> None:
    """Answer OPA conformance cases from standard input: a line of JSON for each line of JSON."""
    answer_lines(lambda lines: answers(lines, time.time_ns()))
