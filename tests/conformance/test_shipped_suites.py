"""Every suite that stands beside a shipped policy passes, against the policies it was written for."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import command_reader
from engine.compiler.stages import compile_policies
from engine.evaluator.program import Program
from engine.source import Source
from engine.suite.cases import read_suites
from engine.suite.report import Report, report_text
from engine.suite.runner import run_cases
from engine.suite.sets import PolicySet, policy_sets

POLICIES = Path(__file__).parents[2] / "policies"


def sources(*patterns: str) -> list[Source]:
    found = sorted(path for pattern in patterns for path in POLICIES.rglob(pattern))
    return [Source(path.relative_to(POLICIES).as_posix(), path.read_text(encoding="utf-8")) for path in found]


SETS = policy_sets(sources("*.rego", "*.gate"), sources("*.yaml", "*.yml"))


@pytest.mark.parametrize("policies", SETS, ids=[policies.root or "policies" for policies in SETS])
def test_the_suites_of_a_set_pass(policies: PolicySet) -> None:
    suites = read_suites(policies.suites)
    program = Program.of(compile_policies(policies.sources), command_reader())
    report = Report(run_cases(program, suites.cases), suites.mistakes)
    assert report.is_green, report_text(report)


def test_the_library_and_each_example_is_a_set() -> None:
    assert {policies.root for policies in SETS} >= {"", "examples/read-only", "examples/developer", "examples/demo"}
