"""Every kind of test of every set is run, several at once, with the same outcome whatever the number."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.suites import run_suites
from tests.strategies.gateways import settle_in
from tests.unit.gateway.cli.test_testing import GATE, REGO, SUITE


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    settle_in(tmp_path)
    folder = tmp_path / "policies"
    for name, text in (("shop_suite.yaml", SUITE), ("extra.gate", GATE), ("shop_test.rego", REGO)):
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("jobs", [1, 4])
def test_what_comes_out_does_not_depend_on_how_many_run_at_once(policies: Path, jobs: int) -> None:
    found = run_suites(policies, jobs=jobs, covers=True)
    names = [outcome.name for outcome in found.report.outcomes]
    assert names == ["a reader reads", "nobody else does", "eve is refused", "data.policies.shop_test.test_numbers"]
    assert found.report.is_green
    assert {one.file for one in found.coverage.conditions} == {"shop.rego", "extra.gate"}


def test_a_set_of_examples_is_covered_by_its_own_suites(policies: Path) -> None:
    inner = policies / "examples" / "one"
    inner.mkdir(parents=True)
    (inner / "a.rego").write_text('package policies.a\n\nallow contains {"code": "A"} if input.resource.name == "a"\n')
    found = run_suites(policies, covers=True)
    assert {one.file: one.missing for one in found.coverage.conditions}["examples/one/a.rego"] == "never tried"


def test_policies_that_do_not_compile_are_told(policies: Path) -> None:
    (policies / "shop.rego").write_text("package policies.shop\n\ndeny := 1\n")
    report = run_suites(policies).report
    assert [mistake.code for mistake in report.mistakes] == ["RULE_KIND"]
