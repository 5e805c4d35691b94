"""Each line of the combining rules of the policy language, for any results of any rules in any order."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from engine.command.tree import Access, Command, Effect, Operation, Output, ParsedCommand, Sql, Target
from engine.decision import Decision, DenyKind, Location, Verdict
from engine.evaluator import combine as module
from engine.evaluator.results import Answer, Failed, Results, Rule
from engine.masking.plan import Mask, concerns
from engine.rego.contract import (
    HoldResult,
    LimitResult,
    LimitType,
    MaskResult,
    RuleKind,
    check_result,
    expiry_seconds,
    remember_seconds,
)
from engine.request import Approval
from tests.strategies.commands import sql_commands
from tests.strategies.results import failures, results, some

ALLOW, DENY, HOLD, MASK, LIMIT = RuleKind.ALLOW, RuleKind.DENY, RuleKind.HOLD, RuleKind.MASK, RuleKind.LIMIT
EVERY = tuple(RuleKind)
CARDS = Target("table", "billing.cards", Access.READ, "billing", "cards", resolved=True)
CARD_COLUMNS = ("billing.cards.id", "billing.cards.pan", "billing.cards.iban")
SELECT = Command(
    protocol="postgres",
    text="SELECT id, pan, iban FROM billing.cards",
    digest="d",
    operations=(Operation("select", Effect.READ, ("top",), (CARDS,)),),
    complete=True,
    sql=Sql(
        reads=CARD_COLUMNS,
        relations=("billing.cards",),
        outputs=tuple(Output(column[14:], (column,), proven=True) for column in CARD_COLUMNS),
        outputs_proven=True,
    ),
)
granting = some(ALLOW, HOLD, least=1)
restricting = some(MASK, LIMIT)
denying = some(DENY, least=1)
anything = some(*EVERY, most=6)
fatal = st.lists(failures(), min_size=1, max_size=3).map(tuple)


def combine(results: Results, command: Command, approval: Approval | None, revision: str) -> Decision:
    return module.combine(results, ParsedCommand.of(command), approval, revision)


def approved(answers: tuple[Answer, ...]) -> Approval:
    rules = tuple({answer.id for answer in answers if isinstance(answer.result, HoldResult)})
    return Approval("t", ("bo",), rules, 1)


@given(anything, denying, st.none() | fatal, st.booleans(), sql_commands())
def test_a_deny_beats_everything(
    others: tuple[Answer, ...],
    denies: tuple[Answer, ...],
    failed: tuple[Failed, ...] | None,
    approves: bool,
    command: Command,
) -> None:
    approval = approved(others) if approves else None
    got = combine(results(others, denies, failed=failed or ()), command, approval, "r")
    assert (got.verdict, got.deny_kind) == (Verdict.DENY, DenyKind.RULE)
    assert {answer.id for answer in denies} <= {reason.rule for reason in got.reasons if reason.kind == "deny"}
    assert not got.mask_plan
    assert got.hold is None


@given(some(ALLOW, MASK, LIMIT), some(HOLD, least=1))
def test_a_hold_beats_an_allow(others: tuple[Answer, ...], holds: tuple[Answer, ...]) -> None:
    got = combine(results(others, holds), SELECT, None, "r")
    assert got.verdict is Verdict.HOLD
    assert got.deny_kind is None
    assert not got.is_granted
    assert got.hold is not None
    assert got.hold.rules == tuple(sorted({answer.id for answer in holds}))


@given(some(HOLD, least=1, most=4))
def test_the_approvers_of_all_holds_must_agree_within_the_shortest_wait(holds: tuple[Answer, ...]) -> None:
    got = combine(results(holds), SELECT, None, "r").hold
    assert got is not None
    asked = [answer.result for answer in holds if isinstance(answer.result, HoldResult)]
    for result in asked:
        demand = {
            "groups": sorted(result.approvers.groups),
            "users": sorted(result.approvers.users),
            "quorum": result.approvers.quorum,
        }
        if result.escalate:
            demand["escalate"] = [{"after": 10, "groups": [], "users": ["olga"], "may_approve": True}]
        assert demand in got.approvers
    assert len(got.approvers) == len({repr((result.approvers, result.escalate)) for result in asked})
    assert got.remember == min(remember_seconds(result) for result in asked)
    assert got.expires == min(expiry_seconds(result) for result in asked)
    assert got.may_withdraw == all(result.may_withdraw for result in asked)


@given(some(ALLOW, least=1), restricting)
def test_an_allow_grants_when_nothing_denies_or_holds(allows: tuple[Answer, ...], others: tuple[Answer, ...]) -> None:
    got = combine(results(allows, others), SELECT, None, "r")
    assert got.is_granted
    assert {answer.id for answer in allows} <= {reason.rule for reason in got.reasons}


@given(restricting, st.booleans())
def test_what_nothing_grants_is_denied(others: tuple[Answer, ...], approves: bool) -> None:
    approval = Approval("t", ("bo",), ("pg.a/ONE", "pg.b/TWO"), 1) if approves else None
    got = combine(results(others), SELECT, approval, "r")
    assert (got.verdict, got.deny_kind) == (Verdict.DENY, DenyKind.NO_MATCH)


FEW_KINDS = some(*EVERY, most=6) | some(ALLOW, HOLD, most=5) | some(ALLOW, LIMIT, most=6) | some(ALLOW, MASK, most=5)


@given(FEW_KINDS, st.none() | fatal, st.booleans(), sql_commands() | st.just(SELECT), st.randoms())
def test_the_order_of_results_never_matters(
    answers: tuple[Answer, ...],
    failed: tuple[Failed, ...] | None,
    approves: bool,
    command: Command,
    chance: random.Random,
) -> None:
    mixed, mixed_failed = list(answers), list(failed or ())
    chance.shuffle(mixed)
    chance.shuffle(mixed_failed)
    approval = approved(answers) if approves else None
    one = combine(Results(answers, tuple(failed or ())), command, approval, "r")
    other = combine(Results(tuple(mixed), tuple(mixed_failed)), command, approval, "r")
    assert one == other


@given(some(ALLOW, HOLD, MASK, LIMIT, most=5), fatal, st.booleans())
def test_a_failed_rule_denies_whatever_the_others_say(
    answers: tuple[Answer, ...], failed: tuple[Failed, ...], approves: bool
) -> None:
    got = combine(results(answers, failed=failed), SELECT, approved(answers) if approves else None, "r")
    assert (got.verdict, got.deny_kind) == (Verdict.DENY, DenyKind.EVAL_ERROR)
    assert not got.cacheable


@given(some(ALLOW, MASK, LIMIT), st.lists(failures(with_hold=True), min_size=1, max_size=2).map(tuple))
def test_a_failed_rule_of_a_policy_that_says_so_is_a_hold(
    answers: tuple[Answer, ...], failed: tuple[Failed, ...]
) -> None:
    got = combine(results(answers, failed=failed), SELECT, None, "r")
    assert got.verdict is Verdict.HOLD
    assert got.hold is not None
    assert got.hold.rules == tuple(sorted({f"{item.rule.package}/FAILED" for item in failed if item.rule}))
    again = combine(results(answers, failed=failed), SELECT, Approval("t", ("bo",), got.hold.rules, 1), "r")
    assert again.is_granted
    assert not again.cacheable


@given(some(HOLD, least=1), restricting)
def test_an_approved_hold_grants_by_itself_and_restrictions_stay(
    holds: tuple[Answer, ...], others: tuple[Answer, ...]
) -> None:
    held = combine(results(holds, others), SELECT, None, "r")
    got = combine(results(holds, others), SELECT, approved(holds), "r")
    assert got.is_granted
    assert got.hold is None
    assert (got.mask_plan, got.obligations) == (held.mask_plan, held.obligations)
    assert got.verdict is (Verdict.MASK if got.mask_plan else Verdict.ALLOW)


@given(some(HOLD, least=1), some(ALLOW), st.sampled_from(["other/RULE", None]))
def test_an_approval_counts_only_when_it_names_every_hold(
    holds: tuple[Answer, ...], allows: tuple[Answer, ...], other: str | None
) -> None:
    named = sorted({answer.id for answer in holds})[1:] + ([other] if other else [])
    got = combine(results(holds, allows), SELECT, Approval("t", ("bo",), tuple(named), 1), "r")
    assert got.verdict is Verdict.HOLD


@given(some(ALLOW, least=1), some(MASK, most=4))
def test_masks_on_different_outputs_are_united_and_on_one_the_stricter_wins(
    allows: tuple[Answer, ...], masks: tuple[Answer, ...]
) -> None:
    got = combine(results(allows, masks), SELECT, None, "r")
    assert got.verdict is (Verdict.MASK if got.mask_plan else Verdict.ALLOW)
    planned = {item.output: item for item in got.mask_plan}
    for position, column in enumerate(CARD_COLUMNS):
        hit = [
            answer
            for answer in masks
            if isinstance(answer.result, MaskResult)
            and concerns(Mask("", answer.result.method, answer.result.columns), column)
        ]
        assert (position in planned) == bool(hit)
        if hit:
            strictest = max((answer.result.method for answer in hit), key=lambda method: method.strictness)  # type: ignore[union-attr]  # masks only
            assert planned[position].method == strictest
            assert planned[position].rules == tuple(sorted({answer.id for answer in hit}))


def mask(code: str, **value: object) -> Answer:
    shape = {"code": code, "columns": ["billing.cards.pan"], **value}
    return Answer(Rule("pg.a", MASK, Location("a.rego", 1)), check_result(MASK, shape))  # type: ignore[arg-type]  # JSON


@given(granting, restricting, st.integers(0, 9), st.integers(0, 9))
def test_equal_methods_with_different_parameters_deny(
    grants: tuple[Answer, ...], others: tuple[Answer, ...], one: int, other: int
) -> None:
    pair = tuple(mask(f"M{keep}", method="partial", params={"keep_first": keep}) for keep in (one, other))
    weaker = tuple(answer for answer in others if not isinstance(answer.result, MaskResult))
    got = combine(results(grants, weaker, pair), SELECT, None, "r")
    assert (got.deny_kind is DenyKind.MASK_CONFLICT) == (one != other)


@given(granting, restricting, st.booleans())
def test_a_mask_that_lineage_cannot_prove_denies_held_commands_too(
    grants: tuple[Answer, ...], others: tuple[Answer, ...], approves: bool
) -> None:
    vague = replace(SELECT, complete=False)
    approval = approved(grants) if approves else None
    got = combine(results(grants, others, (mask("M", method="redact"),)), vague, approval, "r")
    assert (got.verdict, got.deny_kind) == (Verdict.DENY, DenyKind.MASK_UNPROVEN)


@given(some(ALLOW, least=1), some(LIMIT, most=6))
def test_the_stricter_limit_of_each_type_wins(allows: tuple[Answer, ...], limits: tuple[Answer, ...]) -> None:
    got = {item.type: item for item in combine(results(allows, limits), SELECT, None, "r").obligations}
    asked = [(answer.id, answer.result) for answer in limits if isinstance(answer.result, LimitResult)]
    assert got.keys() == {result.type for _, result in asked}
    wait = {"500ms": 500, "1s": 1000, "2s": 2000, "1m": 60_000}
    for kind, item in got.items():
        same = [(rule, result.value) for rule, result in asked if result.type == kind]
        match LimitType(kind):
            case LimitType.ROWS:
                assert item.value == min(value for _, value in same)  # type: ignore[type-var]  # numbers
            case LimitType.STATEMENT_TIMEOUT | LimitType.LOCK_TIMEOUT:
                assert item.value == min(wait[str(value)] for _, value in same)
            case LimitType.NOTIFY:
                assert item.value == sorted({name for _, value in same for name in value})  # type: ignore[attr-defined]  # lists
            case LimitType.RECORD:
                words = {str(word) for _, value in same if isinstance(value, list) for word in value}
                assert item.value == (sorted(words) or True)
            case _:
                assert item.value is True
        assert item.rule in {rule for rule, _ in same}


@given(granting, restricting)
def test_an_obligation_nobody_knows_denies(grants: tuple[Answer, ...], others: tuple[Answer, ...]) -> None:
    new = Answer(
        Rule("pg.z", LIMIT, Location("z.rego", 1)), check_result(LIMIT, {"code": "L", "type": "quantum", "value": 1})
    )
    got = combine(results(grants, others, (new,)), SELECT, None, "r")
    assert (got.verdict, got.deny_kind) == (Verdict.DENY, DenyKind.OBLIGATION_UNKNOWN)


@given(anything, st.none() | fatal, sql_commands())
def test_one_rule_more_that_restricts_never_grants_more(
    answers: tuple[Answer, ...], failed: tuple[Failed, ...] | None, command: Command
) -> None:
    rank = {Verdict.DENY: 0, Verdict.HOLD: 1, Verdict.MASK: 2, Verdict.ALLOW: 3}
    before = combine(results(answers, failed=failed or ()), command, None, "r")
    without = tuple(answer for answer in answers if answer.rule.kind is ALLOW)
    after = combine(results(without), command, None, "r")
    if not any(answer.rule.kind is HOLD for answer in answers):
        assert rank[before.verdict] <= rank[after.verdict]


@given(anything, st.none() | fatal, st.booleans(), st.booleans(), sql_commands())
def test_what_may_be_kept_depends_on_neither_time_nor_people(
    answers: tuple[Answer, ...],
    failed: tuple[Failed, ...] | None,
    volatile: bool,
    approves: bool,
    command: Command,
) -> None:
    approval = approved(answers) if approves else None
    got = combine(results(answers, failed=failed or (), volatile=volatile), command, approval, "r")
    if got.cacheable:
        assert not volatile
        assert not failed
        assert got.verdict is not Verdict.HOLD
        assert approval is None or got.verdict is Verdict.DENY


@given(sql_commands(), st.booleans())
def test_no_policy_at_all_denies(command: Command, approves: bool) -> None:
    approval = Approval("t", ("bo",), ("pg.a/ONE",), 1) if approves else None
    got = combine(Results(), command, approval, "r")
    assert (got.verdict, got.deny_kind, got.revision) == (Verdict.DENY, DenyKind.NO_MATCH, "r")
    assert got.reasons[0].hint
