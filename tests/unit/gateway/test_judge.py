"""The engine's program as the gate asks it: texts, trees, approvals."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec.structs import replace as changed

from engine import compile_policies, parse_command
from engine.decision import DenyKind, Verdict
from engine.request import Approval
from engine.source import Source
from gateway.asked import Asked
from gateway.judge import Judge
from tests.strategies.gates import ANA, ORDERS, SESSION, asked

POLICY = """
package policies.shop

allow contains {"code": "READ", "reason": "reading"} if {
	"data-readers" in input.principal.groups
	every op in input.command.operations { op.effect == "read" }
}

hold contains {"code": "WRITE", "reason": "a DBA looks at it", "approvers": {"groups": ["dba"]}, "expires": "10m"} if {
	some op in input.command.operations
	op.effect == "write"
}
"""
NOW = 1_800_000_000_000_000_000


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(compile_policies([Source("shop.rego", POLICY)]))


def test_a_text_is_decided_and_its_tree_comes_with_it(judge: Judge) -> None:
    judged = judge.judge(asked("SELECT 1"), NOW, None)
    assert judged.decision.verdict is Verdict.ALLOW
    assert judged.decision.revision == judge.revision
    assert judged.command is not None
    assert judged.command.command.text == "SELECT 1"


def test_a_tree_is_decided_as_it_is(judge: Judge) -> None:
    tree = parse_command("postgres", "INSERT INTO a VALUES (1)")
    judged = judge.judge(Asked(tree, ANA, SESSION, ORDERS), NOW, None)
    assert judged.decision.verdict is Verdict.HOLD
    assert judged.command is tree
    assert judged.exact


def test_an_approval_releases_what_it_names(judge: Judge) -> None:
    what = asked("INSERT INTO a VALUES (1)")
    approval = Approval("h-1", ("bo",), ("shop/WRITE",), NOW)
    assert judge.judge(what, NOW, approval).decision.is_granted
    assert judge.judge(what, NOW, replace(approval, rules=("shop/OTHER",))).decision.verdict is Verdict.HOLD


def test_what_cannot_be_judged_is_a_deny(judge: Judge) -> None:
    nobody = changed(asked(), principal=replace(ANA, name=""))
    assert judge.judge(nobody, NOW, None).decision.deny_kind is DenyKind.INPUT_INVALID


def test_every_candidate_rule_is_explained(judge: Judge) -> None:
    found = {one.rule: one for one in judge.explain(asked("SELECT 1"), NOW)}
    assert found["shop/READ"].matched
    assert (place := found["shop/READ"].location) is not None
    assert place.file == "shop.rego"
    tree = parse_command("postgres", "DROP TABLE a")
    assert not any(one.matched for one in judge.explain(Asked(tree, ANA, SESSION, ORDERS), NOW))
    assert judge.program.revision == judge.revision
