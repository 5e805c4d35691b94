"""`test` runs suites, cases in `.gate` files and `test_` rules, and is green only when something passed and nothing failed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli import main
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
