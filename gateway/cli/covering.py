"""`coverage`: which policies, rules and conditions the tests of a folder try."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from engine.suite.coverage import Coverage
from gateway.cli.output import complain, json_line, say_text
from gateway.errors import PolicyUnusable


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    HTML = "html"
    COBERTURA = "cobertura"


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(coverage)


def coverage(
    folder: Annotated[Path, typer.Argument(help="The policy folder.")] = Path("policies"),
    pattern: Annotated[str, typer.Option("--run", help="Only cases whose suite or name fits this glob.")] = "*",
    format: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file instead of standard output.")] = None,
    min_condition: Annotated[
        float, typer.Option("--min-condition", min=0, max=1, help="Fail below this share of condition outcomes.")
    ] = 0.0,
    jobs: Annotated[int | None, typer.Option("--jobs", min=1, max=64, help="How many cases at once.")] = None,
) -> None:
    """Run the tests of a folder and say which conditions they saw true and false."""
    from engine.suite.coverage_report import percent
    from engine.suite.report import report_text
    from gateway.cli.suites import run_suites

    found = run_suites(folder, pattern, jobs=jobs, covers=True)
    text = _written(format, found.coverage, found.texts, folder)
    if output is not None:
        try:
            output.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise PolicyUnusable(f"`{output}` cannot be written ({error.strerror})") from error
    else:
        say_text(text)
    if not found.report.is_green:
        complain(f"the tests are not green: {report_text(found.report).splitlines()[-1]}")
    share = found.coverage.share_of_conditions
    if share < min_condition:
        complain(f"condition coverage is {percent(share)}, less than {percent(min_condition)}")
    if share < min_condition or not found.report.is_green:
        raise typer.Exit(1)


def _written(format: Format, found: Coverage, texts: dict[str, str], folder: Path) -> str:
    from engine.suite import coverage_report as report

    match format:
        case Format.TEXT:
            return report.coverage_text(found)
        case Format.JSON:
            return json_line(report.coverage_json(found))
        case Format.HTML:
            from engine.suite.coverage_page import coverage_page

            return coverage_page(found, texts)
        case Format.COBERTURA:
            return report.cobertura(found, folder.as_posix(), time.time_ns() // 10**6)
