"""The engine's program as the gate asks it: texts, trees, approvals."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec.structs import replace as changed

from engine import command_reader, compile_policies, parse_command
from engine.decision import Decision, DenyKind, Reason, Verdict
from engine.evaluator.cache import Judgement
from engine.request import Approval
from engine.source import Source
from gateway.asked import Asked
from gateway.identity.logins import Login
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


def narrowed(judge: Judge, text: str, *effects: str) -> tuple[Verdict, str]:
    login = Login(ANA, NOW + 1, effects=frozenset(effects))
    judged = judge.judge(changed(asked(text), login=login), NOW, None)
    return judged.decision.verdict, next((reason.code for reason in judged.decision.reasons), "")


def test_a_token_for_some_operations_lets_no_others_through_whatever_the_policies_say(judge: Judge) -> None:
    assert narrowed(judge, "SELECT 1", "read")[0] is Verdict.ALLOW
    assert narrowed(judge, "SELECT 1", "write") == (Verdict.DENY, "TOKEN_SCOPE")
    assert narrowed(judge, "INSERT INTO a VALUES (1)", "read") == (Verdict.DENY, "TOKEN_SCOPE")
    assert narrowed(judge, "INSERT INTO a VALUES (1)", "read", "write")[0] is Verdict.HOLD
    assert (
        narrowed(judge, "WITH x AS (INSERT INTO a VALUES (1) RETURNING 1) SELECT * FROM x", "read")[1] == "TOKEN_SCOPE"
    )
    assert narrowed(judge, "SELECT 1; INSERT INTO a VALUES (1)", "read")[1] == "TOKEN_SCOPE"
    assert narrowed(judge, "BEGIN", "read", "session")[1] != "TOKEN_SCOPE"


def test_what_nobody_can_read_to_its_bottom_is_beyond_every_token() -> None:
    everything = Judge(
        compile_policies(
            [
                Source(
                    "all.rego",
                    'package policies.shop\n\nallow contains {"code": "ALL", "reason": "all"} if input.command\n',
                )
            ]
        )
    )
    assert narrowed(everything, "SELECT 1", "read")[0] is Verdict.ALLOW
    effects = ("read", "write", "create", "delete", "execute", "grant", "session")
    assert narrowed(everything, "SELECT nobody_knows_what(1)", *effects) == (Verdict.DENY, "TOKEN_SCOPE")
    # The same shape, once read as harmless, is read anew: the memory of shapes is not asked what a token allows.
    assert narrowed(everything, "SELECT 2", "read")[0] is Verdict.ALLOW
    assert narrowed(everything, "SELECT 3", "write") == (Verdict.DENY, "TOKEN_SCOPE")


def test_an_approval_does_not_widen_a_token(judge: Judge) -> None:
    what = changed(asked("INSERT INTO a VALUES (1)"), login=Login(ANA, NOW + 1, effects=frozenset({"read"})))
    approval = Approval("h-1", ("bo",), ("shop/WRITE",), NOW)
    assert judge.judge(what, NOW, approval).decision.reasons[0].code == "TOKEN_SCOPE"


class OfAShape:
    """A program that remembers a harmless command of the same shape, whatever it is asked."""

    revision = "r1"
    reader = command_reader()

    def decide_text(self, question: object) -> Judgement:
        allowed = Decision(Verdict.ALLOW, None, (Reason("p/ALL", "allow", "ALL", "all"),), revision="r1")
        return Judgement(allowed, parse_command("postgres", "SELECT 1"), exact=False)


def test_the_tree_of_another_text_says_nothing_about_what_a_token_allows() -> None:
    judge = Judge(OfAShape())  # type: ignore[arg-type]  # what of a program is asked here
    assert narrowed(judge, "SELECT 2", "read")[0] is Verdict.ALLOW
    assert narrowed(judge, "DELETE FROM a", "read") == (Verdict.DENY, "TOKEN_SCOPE")
