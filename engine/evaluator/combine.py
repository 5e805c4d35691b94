"""What rules said becomes one decision. A pure function, and each line of the combining rules has its property test.

In this order:
1. a `deny` that matched denies;
2. a candidate rule that failed denies (EVAL_ERROR, TIMEOUT), unless its policy says `on_error: hold`: then it is a hold;
3. a `hold` that matched holds, until an approval that names it comes back; then it grants by itself;
4. an `allow` that matched grants; nothing else does: NO_MATCH.
What is granted or held must also be possible: masks with a proven plan, limits of known types, else deny.

INVARIANT: the order of rules, files and results never matters; everything that comes out is sorted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.command.tree import ParsedCommand
from engine.decision import Decision, DenyKind, Hold, MaskItem, Obligation, Reason, Verdict
from engine.evaluator.results import Answer, Failed, Results
from engine.masking.plan import Mask, Unplanned, plan_masks
from engine.rego.contract import (
    AllowResult,
    DenyResult,
    Escalation,
    HoldResult,
    LimitResult,
    LimitType,
    MaskResult,
    Recorded,
    RuleResult,
    expiry_seconds,
    limit_value,
    milliseconds,
    remember_seconds,
)
from engine.request import Approval, Json

_LOWEST_WINS = frozenset({LimitType.ROWS, LimitType.STATEMENT_TIMEOUT, LimitType.LOCK_TIMEOUT})
_ALL_COUNT = frozenset({LimitType.NOTIFY, LimitType.RECORD})

_SAID: dict[DenyKind, tuple[str, str]] = {
    DenyKind.NO_MATCH: ("no rule allows this", "ask for a rule that allows it"),
    DenyKind.EVAL_ERROR: ("a policy could not be evaluated", "tell whoever keeps the policies"),
    DenyKind.MASK_CONFLICT: ("masks contradict each other", "tell whoever keeps the policies"),
    DenyKind.MASK_UNPROVEN: (
        "this could show a masked value in a way that cannot be masked",
        "select the columns plainly, without the masked ones in conditions or expressions",
    ),
    DenyKind.TIMEOUT: ("judging this took too long", "write it in a plainer way"),
    DenyKind.INPUT_INVALID: ("this request cannot be judged", ""),
    DenyKind.OBLIGATION_UNKNOWN: (
        "a policy asks for something this version cannot do",
        "tell whoever keeps the policies",
    ),
}


def combine(results: Results, command: ParsedCommand, approval: Approval | None, revision: str) -> Decision:
    """The decision that these results mean for this command.

    `approval` is the one a held command was given, when it is decided again. Only masks look into the command.
    """
    denies = [answer for answer in results.answers if isinstance(answer.result, DenyResult)]
    if denies:
        reasons = _reasons(denies) + _failures(results.failed)
        return _deny(DenyKind.RULE, reasons, revision, cacheable=not results.volatile and not results.failed)
    fatal = [failed for failed in results.failed if failed.on_error is None]
    if fatal:
        late = all(failed.code == DenyKind.TIMEOUT for failed in fatal)
        return _deny(DenyKind.TIMEOUT if late else DenyKind.EVAL_ERROR, _failures(results.failed), revision)
    holds = _holds(results)
    waits = bool(holds) and not (approval is not None and {hold.id for hold in holds} <= set(approval.rules))
    allows = [answer for answer in results.answers if isinstance(answer.result, AllowResult)]
    cacheable = not (results.volatile or results.failed or holds or approval)
    if not holds and not allows:
        return refusal(DenyKind.NO_MATCH, "", revision, cacheable=cacheable)
    plan = _plan(results.answers, command)
    if isinstance(plan, Unplanned):
        kind = DenyKind(plan.obstacle.value)
        return refusal(kind, f"{plan.why} ({', '.join(plan.rules)})", revision, cacheable=cacheable)
    obligations = _obligations(results.answers)
    if isinstance(obligations, str):
        return refusal(DenyKind.OBLIGATION_UNKNOWN, obligations, revision, cacheable=cacheable)
    if waits:
        granting, verdict = holds, Verdict.HOLD
    else:
        granting, verdict = allows + holds, Verdict.MASK if plan else Verdict.ALLOW
    restricting = {rule for item in plan for rule in item.rules} | {obligation.rule for obligation in obligations}
    restrictions = [answer for answer in results.answers if answer.id in restricting and _restricts(answer.result)]
    return Decision(
        verdict=verdict,
        deny_kind=None,
        reasons=_reasons(granting) + _reasons(restrictions),
        mask_plan=plan,
        obligations=obligations,
        hold=_demand(holds) if waits else None,
        revision=revision,
        cacheable=cacheable,
        masks_in_force=any(isinstance(answer.result, MaskResult) for answer in results.answers),
    )


def refusal(kind: DenyKind, detail: str, revision: str, *, cacheable: bool = False) -> Decision:
    """A deny of the engine's own: no rule said it."""
    return _deny(kind, (_own_reason(kind, detail),), revision, cacheable=cacheable)


def _deny(kind: DenyKind, reasons: tuple[Reason, ...], revision: str, *, cacheable: bool = False) -> Decision:
    return Decision(Verdict.DENY, kind, reasons, revision=revision, cacheable=cacheable)


def _holds(results: Results) -> list[Answer]:
    """The holds that matched, and those that stand for a failed rule of a policy that says `on_error: hold`."""
    holds = [answer for answer in results.answers if isinstance(answer.result, HoldResult)]
    for failed in results.failed:
        if failed.rule is not None and failed.on_error is not None:
            holds.append(Answer(failed.rule, failed.on_error))
    return holds


def _demand(holds: Sequence[Answer]) -> Hold:
    """Every hold's approvers must agree; the shortest wait counts; all must let the requester withdraw, and an approval be
    remembered, for the shortest time that one of them says."""
    demands: dict[str, dict[str, Json]] = {}
    expires, may_withdraw = None, True
    remember = list[int]()
    for answer in holds:
        result = answer.result
        if not isinstance(result, HoldResult):
            continue
        approvers = result.approvers
        demand: dict[str, Json] = {
            "groups": list[Json](sorted(set(approvers.groups))),
            "users": list[Json](sorted(set(approvers.users))),
            "quorum": approvers.quorum,
        }
        if result.escalate:
            # INVARIANT: part of the demand, so that who may approve for one hold later may not for another that asks for the same people.
            demand["escalate"] = [_escalation(step) for step in sorted(result.escalate, key=_after)]
        demands[repr(demand)] = demand
        seconds = expiry_seconds(result)
        expires = seconds if expires is None else min(expires, seconds)
        may_withdraw = may_withdraw and result.may_withdraw
        remember.append(remember_seconds(result))
    return Hold(
        approvers=tuple(demands[key] for key in sorted(demands)),
        expires=expires or 1,
        rules=tuple(sorted({answer.id for answer in holds})),
        may_withdraw=may_withdraw,
        remember=min(remember, default=0),
    )


def _after(step: Escalation) -> int:
    return milliseconds(step.after)


def _escalation(step: Escalation) -> Json:
    return {
        "after": _after(step) // 1000,
        "groups": list[Json](sorted(set(step.groups))),
        "users": list[Json](sorted(set(step.users))),
        "may_approve": step.may_approve,
    }


def _plan(answers: Iterable[Answer], command: ParsedCommand) -> tuple[MaskItem, ...] | Unplanned:
    masks = [
        Mask(
            answer.id,
            result.method,
            result.columns,
            # Streams belong to protocols whose results nobody rewrites yet: unproven, like value patterns.
            result.values + result.streams,
            result.paths,
            result.params,
            result.within,
            "equality" in result.permits,
        )
        for answer in answers
        if isinstance(result := answer.result, MaskResult)
    ]
    if not masks:
        return ()
    plan = plan_masks(masks, command.command)
    if isinstance(plan, Unplanned):
        return plan
    return tuple(
        MaskItem(item.output, item.origins, item.method.value, item.params, item.rules, item.path, item.values)
        for item in plan
    )


def _obligations(answers: Iterable[Answer]) -> tuple[Obligation, ...] | str:
    """The stricter of each type, or the name of a type nobody knows."""
    found: dict[LimitType, Obligation] = {}
    limits = [(answer.id, answer.result) for answer in answers if isinstance(answer.result, LimitResult)]
    for rule, result in sorted(limits, key=lambda limit: (limit[0], limit[1].type)):
        try:
            kind = LimitType(result.type)
        except ValueError:
            return f"limit `{result.type}` of {rule}"
        value = limit_value(kind, result.value)
        before = found.get(kind)
        if before is None or (kind in _LOWEST_WINS and _number(value) < _number(before.value)):
            found[kind] = Obligation(kind.value, value, rule)
        elif kind in _ALL_COUNT:
            found[kind] = Obligation(kind.value, _united(kind, before.value, value) or True, before.rule)
    return tuple(found[kind] for kind in sorted(found))


def _number(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _united(kind: LimitType, one: Json, other: Json) -> Json:
    names = {str(name) for value in (one, other) if isinstance(value, list) for name in value}
    # INVARIANT: what is demanded strictly by one rule is strict, whatever others are content with.
    if kind is LimitType.RECORD and not all(
        isinstance(value, list) and Recorded.BEST_EFFORT in value for value in (one, other)
    ):
        names.discard(Recorded.BEST_EFFORT.value)
    return list[Json](sorted(names))


def _restricts(result: RuleResult) -> bool:
    return isinstance(result, MaskResult | LimitResult)


def _reasons(answers: Iterable[Answer]) -> tuple[Reason, ...]:
    made = {_reason(answer) for answer in answers}
    return tuple(sorted(made, key=_order)) if len(made) > 1 else tuple(made)


def _reason(answer: Answer) -> Reason:
    rule, said = answer.rule, answer.result
    return Reason(answer.id, rule.kind.value, said.code, said.reason, said.detail, said.hint, rule.location)


def _order(reason: Reason) -> tuple[str, ...]:
    place = reason.location
    where = (place.file, f"{place.line:09d}") if place is not None else ("", "")
    return (reason.rule, reason.kind, *where, reason.reason, reason.detail, reason.hint)


def _failures(failed: Iterable[Failed]) -> tuple[Reason, ...]:
    """One reason for each rule that failed; the user is told that, the admin what and where."""
    made = set()
    for item in failed:
        kind = DenyKind.TIMEOUT if item.code == DenyKind.TIMEOUT else DenyKind.EVAL_ERROR
        reason, hint = _SAID[kind]
        package, place = ("engine", None) if item.rule is None else (item.rule.package, item.rule.location)
        made.add(Reason(f"{package}/{kind}", "engine", kind.value, reason, item.message, hint, place))
    return tuple(sorted(made, key=_order))


def _own_reason(kind: DenyKind, detail: str) -> Reason:
    reason, hint = _SAID.get(kind, ("this was refused", ""))
    return Reason(f"engine/{kind}", "engine", kind.value, reason, detail, hint)
