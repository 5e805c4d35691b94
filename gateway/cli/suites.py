"""Runs everything that tests a policy folder: YAML suites, cases in `.gate` files, `test_` rules; several at once.

Called by `testing.py` and `covering.py`. Every set of policies below the folder is run by itself (examples are sets).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from engine import CommandReader, Program, command_reader
from engine._native import NativeError
from engine.compiler.stages import CompiledPolicies, compile_policies
from engine.errors import PolicyRefused, SuiteInvalid
from engine.source import Diagnostic
from engine.suite.cases import Case, case_of, read_suites
from engine.suite.coverage import Coverage, Watch, merged
from engine.suite.report import Report
from engine.suite.runner import Outcome, Runner, is_chosen, run_rego_tests
from engine.suite.sets import PolicySet, policy_sets
from engine.suite.stated import DEFAULT_NOW, parse_time
from gateway.policy_store.folder import read_folder


@dataclass(frozen=True, slots=True)
class Run:
    """What came of it. `texts`: the policies by name, for those who show them."""

    report: Report
    coverage: Coverage = field(default_factory=Coverage)
    texts: dict[str, str] = field(default_factory=dict)


def run_suites(folder: Path, pattern: str = "*", *, jobs: int | None = None, covers: bool = False) -> Run:
    """Run what fits the glob, `jobs` cases at once (as many as there are processors); with `covers` watch what they try."""
    loaded, reader = read_folder(folder), command_reader()
    outcomes, mistakes, coverages = list[Outcome](), list[Diagnostic](), list[Coverage]()
    with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
        for one in policy_sets((*loaded.sources, *loaded.tests), loaded.suites):
            found = _run_set(folder, one, pattern, reader, pool, covers)
            outcomes += found.report.outcomes
            mistakes += found.report.mistakes
            coverages.append(found.coverage)
    texts = {source.name: source.text for source in loaded.sources}
    return Run(Report(tuple(outcomes), tuple(mistakes)), merged(coverages), texts)


def _run_set(
    folder: Path, one: PolicySet, pattern: str, reader: CommandReader, pool: ThreadPoolExecutor, covers: bool
) -> Run:
    # WHY read again: data files stand where they lie below the folder of their own set.
    data = read_folder(folder / one.root).data if one.root else read_folder(folder).data
    try:
        compiled = compile_policies(one.sources, data)
        watch = Watch(compiled) if covers else None
    except PolicyRefused as error:
        return Run(Report((), error.diagnostics))
    except NativeError as error:
        told = Diagnostic(error.code, f"the conditions cannot be watched: {error}", one.root or str(folder))
        return Run(Report((), (told,)))
    suites = read_suites(one.suites)
    mistakes = list(suites.mistakes)
    cases = [*suites.cases, *_own_cases(compiled, mistakes)]
    runner = Runner(Program.of(compiled, reader), clock=time.perf_counter, watch=watch)
    tests = pool.submit(run_rego_tests, compiled, pattern=pattern)
    outcomes = tuple(pool.map(runner.run, (case for case in cases if is_chosen(case, pattern))))
    if watch is not None and tests.result():
        watch.add_tests(parse_time(DEFAULT_NOW))
    coverage = watch.coverage() if watch is not None else Coverage()
    return Run(Report(outcomes + tests.result(), tuple(mistakes)), coverage)


def _own_cases(compiled: CompiledPolicies, mistakes: list[Diagnostic]) -> Iterator[Case]:
    """The cases that stand in `.gate` files."""
    for own in compiled.gate.cases:
        try:
            yield case_of(own.case, own.place.source, own.place.source, own.place.span.line)
        except SuiteInvalid as error:
            mistakes.append(Diagnostic(error.code, str(error), error.source, own.place.span))
