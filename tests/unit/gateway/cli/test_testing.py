"""`test` runs suites, cases in `.gate` files and `test_` rules, and is green only when something passed and nothing failed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gateway.cli import main
from gateway.cli.testing import changes, run_again
from gateway.errors import PolicyUnusable
from tests.strategies.gateways import settle_in

SUITE = """
suite: shop
cases:
  - name: a reader reads
    principal: {name: ana, groups: [data-readers]}
    resource: {name: orders, protocol: postgres, labels: {}}
    command: {protocol: postgres, text: SELECT 1}
    expect: {verdict: allow, rules: [shop/READ]}
  - name: nobody else does
    principal: {name: eve, groups: []}
    resource: {name: orders, protocol: postgres, labels: {}}
    command: {protocol: postgres, text: SELECT 1}
    expect: {verdict: deny}
"""
GATE = """policy shop.extra "More"

deny eve "Not eve"
  when principal.name == "eve"

test "eve is refused"
  given principal "eve" groups {"data-readers"}, resource "orders" labels {}
  run postgres "SELECT 1"
  expect deny by eve
"""
REGO = "package policies.shop_test\n\ntest_numbers if { 1 + 1 == 2 }\n"


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    settle_in(tmp_path)
    folder = tmp_path / "policies"
    (folder / "shop_suite.yaml").write_text(SUITE)
    (folder / "extra.gate").write_text(GATE)
    (folder / "shop_test.rego").write_text(REGO)
    return folder


def test_every_kind_of_test_is_run(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(policies)]) == 0, capsys.readouterr().out
    assert "4 passed, 0 failed in" in capsys.readouterr().out


def test_a_failure_says_what_decided_instead(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (policies / "shop_suite.yaml").write_text(SUITE.replace("{verdict: deny}", "{verdict: allow}"))
    assert main(["test", str(policies), "--run", "nobody*"]) == 1
    shown = capsys.readouterr().out
    assert "FAILED shop_suite.yaml:" in shown
    assert "expected allow, got deny" in shown
    assert "0 passed, 1 failed" in shown


def test_machines_get_every_case(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(policies), "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["passed"], report["failed"], len(report["cases"])) == (4, 0, 4)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("shop_suite.yaml", "suite: x\nceses: []\n"),
        ("broken.rego", "package"),
        ("extra.gate", 'policy a.b "c"\n\nallow'),
    ],
)
def test_a_file_that_cannot_be_read_is_a_failure(
    policies: Path, name: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (policies / name).write_text(text)
    assert main(["test", str(policies)]) == 1
    assert name in capsys.readouterr().out


def test_nothing_to_run_is_not_green(policies: Path) -> None:
    assert main(["test", str(policies), "--run", "no such case"]) == 1


def test_a_failure_says_the_first_condition_that_failed_and_its_value(
    policies: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (policies / "shop_suite.yaml").write_text(SUITE.replace("{verdict: deny}", "{verdict: allow}"))
    assert main(["test", str(policies), "--run", "nobody*"]) == 1
    lines = capsys.readouterr().out.splitlines()
    near = next(number for number, line in enumerate(lines) if "not matched: allow shop/READ" in line)
    assert lines[near].endswith('because of "data-readers" in input.principal.groups')
    assert lines[near + 1].strip() == "input.principal.groups = []"


@pytest.mark.parametrize("language", ["yaml", "gate"])
def test_an_expectation_nobody_wrote_is_a_deny(policies: Path, language: str) -> None:
    if language == "yaml":
        (policies / "shop_suite.yaml").write_text(SUITE.replace("    expect: {verdict: deny}\n", ""))
        assert main(["test", str(policies)]) == 0
        (policies / "shop_suite.yaml").write_text(
            SUITE.replace("    expect: {verdict: allow, rules: [shop/READ]}\n", "")
        )
        assert main(["test", str(policies)]) == 1
    else:
        (policies / "extra.gate").write_text(GATE.replace("expect deny by eve", "expect allow"))
        assert main(["test", str(policies)]) == 1


def test_ci_systems_read_their_own_formats(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(policies), "--format", "junit"]) == 0
    assert ElementTree.fromstring(capsys.readouterr().out).get("tests") == "4"
    assert main(["test", str(policies), "--format", "tap"]) == 0
    assert "1..4" in capsys.readouterr().out
    (policies / "broken.rego").write_text("package policies.broken\n\nallow contains x if {")
    assert main(["test", str(policies), "--format", "github"]) == 1
    assert f"::error file={policies}/broken.rego,line=3" in capsys.readouterr().out


def test_coverage_stands_beside_the_outcomes(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(policies), "--coverage"]) == 0
    assert "shop.rego:10: never true" in capsys.readouterr().out
    assert main(["test", str(policies), "--coverage", "--format", "json"]) == 0
    assert "condition_list" in json.loads(capsys.readouterr().out)["coverage"]
    assert main(["test", str(policies), "--min-condition", "0.9"]) == 1
    assert "condition coverage is" in capsys.readouterr().err


def test_watching_runs_again_after_each_change(policies: Path) -> None:
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            (policies / "new.rego").write_text("package policies.new\n")

    next(changes(policies, wait))
    assert len(waits) == 2


def test_what_cannot_be_read_is_told_and_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    runs: list[int] = []

    def once() -> bool:
        runs.append(1)
        if len(runs) == 1:
            raise PolicyUnusable("the folder is gone")
        return True

    def twice() -> Iterator[None]:
        yield None

    run_again(once, twice())
    assert len(runs) == 2
    assert "the folder is gone" in capsys.readouterr().err
