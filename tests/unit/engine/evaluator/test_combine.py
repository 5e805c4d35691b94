"""Single cases of combining: what stands in a decision, in which order, in which words."""

from __future__ import annotations

from typing import Any

import pytest

from engine.command.tree import Access, Command, Effect, Operation, Output, ParsedCommand, Sql, Target
from engine.decision import Decision, DenyKind, Location, MaskItem, Obligation, Reason, Verdict
from engine.evaluator import combine as module
from engine.evaluator.combine import refusal
from engine.evaluator.results import Answer, Failed, Results, Rule
from engine.rego.contract import HoldResult, RuleKind, check_result
from engine.request import Approval

PAN = "shop.cards.pan"
CARDS = Target("table", "shop.cards", Access.READ, "shop", "cards", resolved=True)
COMMAND = Command(
    protocol="postgres",
    text="SELECT pan FROM shop.cards",
    digest="d",
    operations=(Operation("select", Effect.READ, ("top",), (CARDS,)),),
    complete=True,
    sql=Sql(
        reads=(PAN,), relations=("shop.cards",), outputs=(Output("pan", (PAN,), proven=True),), outputs_proven=True
    ),
)


def said(kind: str, code: str, package: str = "pg", line: int = 1, **more: Any) -> Answer:
    rule = Rule(package, RuleKind(kind), Location("pg.rego", line))
    return Answer(rule, check_result(RuleKind(kind), {"code": code, **more}))


ALLOW = said("allow", "READ", reason="reading")
HOLD = said("hold", "WRITE", approvers={"groups": ["dba"], "users": ["bo"]}, expires="15m", reason="a DBA looks")


def decide(*answers: Answer, failed: tuple[Failed, ...] = (), approval: Approval | None = None) -> Decision:
    return module.combine(Results(answers, failed), ParsedCommand.of(COMMAND), approval, "rev")


def test_an_allow_names_its_rule_and_where_it_stands() -> None:
    got = decide(ALLOW)
    assert got == Decision(
        Verdict.ALLOW,
        None,
        (Reason("pg/READ", "allow", "READ", "reading", location=Location("pg.rego", 1)),),
        revision="rev",
        cacheable=True,
    )


def test_a_mask_that_concerns_no_output_is_in_force_all_the_same() -> None:
    elsewhere = said("mask", "MAIL", columns=["*.*.mail"], method="null")
    got = decide(ALLOW, elsewhere)
    assert (got.verdict, got.mask_plan, got.masks_in_force) == (Verdict.ALLOW, (), True)
    assert not decide(ALLOW).masks_in_force


def test_a_mask_and_a_limit_that_restrict_are_named_after_what_grants() -> None:
    mask = said("mask", "PAN", columns=["*.*.pan"], method="partial", params={"keep_last": 4})
    elsewhere = said("mask", "MAIL", columns=["*.*.mail"], method="null")
    rows, more_rows = said("limit", "CAP", type="rows", value=10), said("limit", "WIDE", type="rows", value=20)
    got = decide(more_rows, mask, ALLOW, rows, elsewhere)
    assert got.verdict is Verdict.MASK
    assert got.mask_plan == (MaskItem(0, (PAN,), "partial", {"keep_last": 4}, ("pg/PAN",)),)
    assert got.obligations == (Obligation("rows", 10, "pg/CAP"),)
    assert [reason.rule for reason in got.reasons] == ["pg/READ", "pg/CAP", "pg/PAN"]


def test_a_hold_says_who_must_approve_and_for_how_long() -> None:
    got = decide(HOLD, ALLOW)
    assert got.verdict is Verdict.HOLD
    assert got.hold is not None
    assert got.hold.approvers == ({"groups": ["dba"], "users": ["bo"], "quorum": 1},)
    assert (got.hold.expires, got.hold.rules, got.hold.may_withdraw) == (900, ("pg/WRITE",), True)
    assert [reason.rule for reason in got.reasons] == ["pg/WRITE"]
    assert not got.cacheable


def test_the_same_demand_of_two_holds_is_asked_once() -> None:
    other = said("hold", "OTHER", approvers={"groups": ["dba"], "users": ["bo"]})
    hold = decide(HOLD, other).hold
    assert hold is not None
    assert len(hold.approvers) == 1
    assert hold.rules == ("pg/OTHER", "pg/WRITE")


def test_the_same_people_who_are_followed_by_others_for_one_hold_are_asked_for_each() -> None:
    step = {"after": "5m", "groups": ["oncall", "leads"], "may_approve": True}
    followed = said("hold", "OTHER", approvers={"groups": ["dba"], "users": ["bo"]}, escalate=[step])
    hold = decide(HOLD, followed).hold
    assert hold is not None
    same = {"groups": ["dba"], "users": ["bo"], "quorum": 1}
    later = {"after": 300, "groups": ["leads", "oncall"], "users": [], "may_approve": True}
    assert sorted(hold.approvers, key=len) == [same, {**same, "escalate": [later]}]


def test_an_approval_is_remembered_for_the_shortest_time_and_only_where_every_hold_says_so() -> None:
    half, day = (
        said("hold", code, approvers={"groups": ["dba"]}, remember=time) for code, time in (("A", "30m"), ("B", "8h"))
    )
    times = [
        hold.remember for hold in (decide(half, day).hold, decide(day).hold, decide(day, HOLD).hold) if hold is not None
    ]
    assert times == [1800, 8 * 3600, 0]


def test_a_new_hold_beside_an_approved_one_asks_again_for_both() -> None:
    other = said("hold", "OTHER", approvers={"groups": ["security"]})
    got = decide(HOLD, other, approval=Approval("t", ("bo",), ("pg/WRITE",), 1))
    assert got.hold is not None
    assert got.hold.rules == ("pg/OTHER", "pg/WRITE")
    assert len(got.hold.approvers) == 2
    assert decide(HOLD, other) == decide(other, HOLD)


def test_an_approval_of_another_rule_does_not_grant() -> None:
    assert decide(HOLD, approval=Approval("t", ("bo",), ("pg/READ",), 1)).verdict is Verdict.HOLD


def test_an_approval_does_not_grant_what_no_policy_holds_any_more() -> None:
    assert decide(approval=Approval("t", ("bo",), ("pg/WRITE",), 1)).deny_kind is DenyKind.NO_MATCH


def test_reasons_stand_sorted_and_once() -> None:
    denies = [said("deny", code, line=line) for code, line in (("B", 1), ("A", 20), ("A", 3), ("A", 3))]
    got = decide(*denies)
    assert [(reason.rule, reason.location.line) for reason in got.reasons if reason.location] == [
        ("pg/A", 3),
        ("pg/A", 20),
        ("pg/B", 1),
    ]


def test_a_failure_tells_the_user_that_and_the_admin_what_and_where() -> None:
    rule = Rule("pg", RuleKind.DENY, Location("pg.rego", 7))
    got = decide(ALLOW, failed=(Failed(rule, "to_number of a text"), Failed(None, "out of instructions")))
    assert got.deny_kind is DenyKind.EVAL_ERROR
    unknown, known = got.reasons
    assert (known.rule, known.detail, known.location) == (
        "pg/EVAL_ERROR",
        "to_number of a text",
        Location("pg.rego", 7),
    )
    assert (unknown.rule, unknown.detail) == ("engine/EVAL_ERROR", "out of instructions")
    assert "to_number" not in known.reason


def test_a_deny_beside_a_failure_is_the_rules_and_shows_both() -> None:
    got = decide(said("deny", "NO", reason="no"), failed=(Failed(None, "broken"),))
    assert got.deny_kind is DenyKind.RULE
    assert [reason.code for reason in got.reasons] == ["NO", "EVAL_ERROR"]
    assert not got.cacheable


def test_a_failed_rule_whose_policy_holds_on_error_is_held() -> None:
    on_error = check_result(RuleKind.HOLD, {"code": "ON_ERROR", "approvers": {"groups": ["dba"]}})
    assert isinstance(on_error, HoldResult)
    rule = Rule("pg", RuleKind.DENY, Location("pg.rego", 7), on_error)
    got = decide(ALLOW, failed=(Failed(rule, "x"),))
    assert got.hold is not None
    assert got.hold.rules == ("pg/ON_ERROR",)
    also = decide(ALLOW, failed=(Failed(rule, "x"), Failed(None, "y")))
    assert also.deny_kind is DenyKind.EVAL_ERROR
    assert decide(ALLOW, failed=(Failed(rule, "x", code="PANIC"),)).deny_kind is DenyKind.EVAL_ERROR


def test_a_late_decision_is_a_timeout_and_one_that_failed_otherwise_too_is_not() -> None:
    late = Failed(Rule("pg", RuleKind.ALLOW, Location("pg.rego", 7)), "too late", code="TIMEOUT")
    got = decide(ALLOW, failed=(late,))
    assert got.deny_kind is DenyKind.TIMEOUT
    assert got.reasons[0].code == "TIMEOUT"
    assert decide(ALLOW, failed=(late, Failed(None, "y"))).deny_kind is DenyKind.EVAL_ERROR


@pytest.mark.parametrize("shape", [{"values": ["pii.email"]}, {"paths": ["$.a"]}, {"streams": ["stdout"]}])
def test_masks_this_version_cannot_do_deny_by_name(shape: dict[str, Any]) -> None:
    got = decide(ALLOW, said("mask", "M", method="redact", **shape))
    assert got.deny_kind is DenyKind.MASK_UNPROVEN
    assert "pg/M" in got.reasons[0].detail


def test_an_unknown_obligation_denies_by_name() -> None:
    got = decide(ALLOW, said("limit", "L", type="quantum", value=1))
    assert got.deny_kind is DenyKind.OBLIGATION_UNKNOWN
    assert "quantum" in got.reasons[0].detail


def test_who_is_notified_by_several_rules_is_united() -> None:
    got = decide(
        ALLOW, said("limit", "B", type="notify", value="b"), said("limit", "A", type="notify", value=["c", "a"])
    )
    assert got.obligations == (Obligation("notify", ["a", "b", "c"], "pg/A"),)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["best_effort", "best_effort"], ["best_effort"]),
        (["best_effort", True], True),
        ([True, "best_effort"], True),
        (["best_effort", "results"], ["results"]),
        ([["best_effort", "results"], ["best_effort", "parameters"]], ["best_effort", "parameters", "results"]),
        (["best_effort", True, "best_effort"], True),
    ],
)
def test_what_one_rule_wants_recorded_strictly_is_strict(values: list[Any], expected: Any) -> None:
    rules = [said("limit", f"L{number}", type="record", value=value) for number, value in enumerate(values)]
    assert [one.value for one in decide(ALLOW, *rules).obligations] == [expected]
    both = decide(*(said("limit", name, type="notify", value="best_effort") for name in ("A", "B")), ALLOW)
    assert both.obligations[0].value == ["best_effort"]


@pytest.mark.parametrize("kind", list(DenyKind))
def test_every_refusal_of_the_engine_has_words(kind: DenyKind) -> None:
    got = refusal(kind, "what", "rev")
    assert (got.verdict, got.deny_kind, got.revision, got.cacheable) == (Verdict.DENY, kind, "rev", False)
    assert got.reasons[0].reason
    assert got.reasons[0].detail == "what"
