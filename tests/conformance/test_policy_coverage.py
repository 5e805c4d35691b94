"""The shipped policies and their examples: every condition is seen true and false by their suites, and matters to at least one case."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from engine.suite.coverage_report import coverage_text
from gateway.cli import main
from gateway.cli.suites import run_suites
from tests.policy_mutations import POLICIES, conditions, notices, sets

SAMPLE = 8
SEED = 20_260_301


def test_every_condition_is_seen_true_and_false() -> None:
    found = run_suites(POLICIES, covers=True)
    assert found.report.is_green
    coverage = found.coverage
    assert len(coverage.conditions) > 1_000
    assert coverage.share_of_conditions == 1, coverage_text(coverage)
    assert coverage.share_of_rules == 1, coverage_text(coverage)


def test_a_planted_condition_that_nothing_tries_is_named_and_fails_the_gate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "policies"
    shutil.copytree(POLICIES / "examples" / "demo", folder)
    policy = folder / "shop.rego"
    marker = '\t"data-readers" in input.principal.groups\n'
    text = policy.read_text(encoding="utf-8")
    assert main(["test", str(folder), "--min-condition", "1"]) == 0
    policy.write_text(text.replace(marker, f'{marker}\tinput.principal.name != "mallory"\n', 1), encoding="utf-8")
    line = text[: text.index(marker)].count("\n") + 2
    capsys.readouterr()
    assert main(["test", str(folder), "--min-condition", "1"]) == 1
    assert f'shop.rego:{line}: never false: input.principal.name != "mallory"' in capsys.readouterr().out


def every_condition() -> list[tuple[int, int]]:
    return [(number, at) for number, one in enumerate(sets()) for at, _ in enumerate(conditions(one))]


def unnoticed(chosen: list[tuple[int, int]]) -> list[str]:
    found = {number: list(conditions(one)) for number, one in enumerate(sets())}
    return [str(found[number][at]) for number, at in chosen if not notices(sets()[number], found[number][at])]


def test_a_condition_turned_round_turns_a_case_red() -> None:
    assert unnoticed(random.Random(SEED).sample(every_condition(), SAMPLE)) == []


@pytest.mark.long
def test_every_condition_turned_round_turns_a_case_red() -> None:
    chosen = every_condition()
    print(f"{len(chosen)} conditions turned round")
    assert len(chosen) > 1_000
    assert unnoticed(chosen) == []
