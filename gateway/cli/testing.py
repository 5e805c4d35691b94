"""`test`: every suite of a policy folder, the cases in its `.gate` files and its Rego `test_` rules."""

from __future__ import annotations

import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from engine import CommandReader, Program, command_reader
from engine.compiler.stages import CompiledPolicies, compile_policies
from engine.errors import PolicyRefused, SuiteInvalid
from engine.source import Diagnostic
from engine.suite.cases import Case, case_of, read_suites
from engine.suite.report import Report, report_json, report_text
from engine.suite.runner import Outcome, run_cases, run_rego_tests
from engine.suite.sets import PolicySet, policy_sets
from gateway.cli.output import say, say_json
from gateway.policy_store.folder import read_folder


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command(name="test")(run)


def run(
    folder: Annotated[Path, typer.Argument(help="The policy folder.")] = Path("policies"),
    pattern: Annotated[str, typer.Option("--run", help="Only cases whose suite or name fits this glob.")] = "*",
    format: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,
) -> None:
    """Run the tests of a policy folder; every failure comes with what decided instead."""
    began = time.perf_counter()
    report = report_of(folder, pattern)
    if format is Format.JSON:
        say_json(report_json(report))
    else:
        say(report_text(report, time.perf_counter() - began).removesuffix("\n"))
    if not report.is_green:
        raise typer.Exit(1)


def report_of(folder: Path, pattern: str = "*") -> Report:
    """What came of every test of a folder, each set of policies by itself. Raises PolicyUnusable."""
    loaded, reader = read_folder(folder), command_reader()
    outcomes, mistakes = list[Outcome](), list[Diagnostic]()
    for one in policy_sets((*loaded.sources, *loaded.tests), loaded.suites):
        found = _run_set(folder, one, pattern, reader)
        outcomes += found.outcomes
        mistakes += found.mistakes
    return Report(tuple(outcomes), tuple(mistakes))


def _run_set(folder: Path, one: PolicySet, pattern: str, reader: CommandReader) -> Report:
    # WHY read again: data files stand where they lie below the folder of their own set.
    data = read_folder(folder / one.root).data
    try:
        compiled = compile_policies(one.sources, data)
    except PolicyRefused as error:
        return Report((), error.diagnostics)
    suites = read_suites(one.suites)
    mistakes = list(suites.mistakes)
    program = Program.of(compiled, reader)
    cases = [*suites.cases, *_own_cases(compiled, mistakes)]
    outcomes = run_cases(program, cases, pattern=pattern) + run_rego_tests(compiled, pattern=pattern)
    return Report(outcomes, tuple(mistakes))


def _own_cases(compiled: CompiledPolicies, mistakes: list[Diagnostic]) -> Iterator[Case]:
    """The cases that stand in `.gate` files."""
    for own in compiled.gate.cases:
        try:
            yield case_of(own.case, own.place.source, own.place.source, own.place.span.line)
        except SuiteInvalid as error:
            mistakes.append(Diagnostic(error.code, str(error), error.source, own.place.span))
