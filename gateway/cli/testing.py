"""`test`: every suite of a policy folder, the cases in its `.gate` files and its Rego `test_` rules."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.output import complain, say, say_json, say_text

if TYPE_CHECKING:
    from engine.suite.report import Report


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    TAP = "tap"
    GITHUB = "github"


LOOK_EVERY = 0.3
"""Seconds between two looks at the folder with `--watch`."""


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command(name="test")(run)


def run(
    folder: Annotated[Path, typer.Argument(help="The policy folder.")] = Path("policies"),
    pattern: Annotated[str, typer.Option("--run", help="Only cases whose suite or name fits this glob.")] = "*",
    format: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,
    coverage: Annotated[bool, typer.Option("--coverage", help="Also say which conditions were tried.")] = False,
    min_condition: Annotated[
        float | None,
        typer.Option("--min-condition", min=0, max=1, help="Fail below this share of condition outcomes."),
    ] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", min=1, max=64, help="How many cases at once.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Run again whenever a file of the folder changes.")] = False,
) -> None:
    """Run the tests of a policy folder; every failure comes with what decided instead."""
    covers = coverage or min_condition is not None

    def once() -> bool:
        return _once(folder, pattern, format, covers, min_condition, jobs)

    if watch:
        run_again(once, changes(folder, time.sleep))
    elif not once():
        raise typer.Exit(1)


def report_of(folder: Path, pattern: str = "*") -> Report:
    """What came of every test of a folder, each set of policies by itself. Raises PolicyUnusable."""
    from gateway.cli.suites import run_suites

    return run_suites(folder, pattern).report


def _once(
    folder: Path, pattern: str, format: Format, covers: bool, min_condition: float | None, jobs: int | None
) -> bool:
    from gateway.cli.suites import run_suites

    began = time.perf_counter()
    found = run_suites(folder, pattern, jobs=jobs, covers=covers)
    report, coverage = found.report, found.coverage if covers else None
    match format:
        case Format.TEXT:
            from engine.suite.report import report_text

            say_text(report_text(report, time.perf_counter() - began))
        case Format.JSON:
            from engine.suite.coverage_report import coverage_json
            from engine.suite.report import report_json

            told = report_json(report)
            say_json(told if coverage is None else {**told, "coverage": coverage_json(coverage)})
        case Format.JUNIT:
            from engine.suite.junit import junit

            say_text(junit(report, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")))
        case Format.TAP:
            from engine.suite.tap import tap

            say_text(tap(report))
        case Format.GITHUB:
            from engine.suite.annotations import of_report

            say_text(of_report(report, folder.as_posix()))
    if coverage is None:
        return report.is_green
    if format is Format.TEXT:
        from engine.suite.coverage_report import coverage_text

        say_text(coverage_text(coverage))
    return _is_enough(coverage.share_of_conditions, min_condition) and report.is_green


def _is_enough(share: float, least: float | None) -> bool:
    if least is None or share >= least:
        return True
    from engine.suite.coverage_report import percent

    complain(f"condition coverage is {percent(share)}, less than {percent(least)}")
    return False


def run_again(once: Callable[[], bool], changed: Iterator[None]) -> None:
    """Run now and after each change, whatever comes out; a folder that cannot be read is told and waited for."""
    from gateway.errors import GatewayError

    while True:
        try:
            once()
        except GatewayError as error:
            complain(str(error), help=error.help)
        if next(changed, False) is False:
            return
        say()


def changes(folder: Path, wait: Callable[[float], None]) -> Iterator[None]:
    """Something for each time that a file below the folder is another than before."""
    from gateway.policy_store.folder import fingerprint

    seen = fingerprint(folder)
    while True:
        wait(LOOK_EVERY)
        now = fingerprint(folder)
        if now != seen:
            seen = now
            yield None
