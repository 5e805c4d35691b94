"""Generated rule results: a few packages, few values, so that rules meet, agree and contradict each other."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from engine.decision import Location
from engine.evaluator.results import Answer, Failed, Results, Rule
from engine.rego.contract import RuleKind, check_result

PACKAGES = ("pg.a", "pg.b", "lib.c")
APPROVERS: tuple[dict[str, Any], ...] = (
    {"groups": ["dba"]},
    {"groups": ["dba"], "quorum": 2},
    {"users": ["bo", "cy"], "quorum": 2},
)
LIMITS: tuple[tuple[str, Any], ...] = (
    *(("rows", rows) for rows in (0, 10, 500)),
    *(("statement_timeout", wait) for wait in ("500ms", "2s", "1m")),
    ("lock_timeout", "1s"),
    ("read_only", True),
    ("record", True),
    ("record", ["results"]),
    ("record", ["parameters", "results"]),
    ("notify", ["security"]),
    ("notify", ["owner", "security"]),
)
MASKS: tuple[dict[str, Any], ...] = (
    {"columns": ["billing.cards.pan"], "method": "partial", "params": {"keep_last": 4}},
    {"columns": ["*.*.pan"], "method": "redact"},
    {"columns": ["*.*.iban"], "method": "hash", "params": {"key": "k"}},
    {"columns": ["nothing.like.this"], "method": "drop"},
)


@st.composite
def rules(draw: st.DrawFn, kind: RuleKind) -> Rule:
    return Rule(
        package=draw(st.sampled_from(PACKAGES)),
        kind=kind,
        location=Location(draw(st.sampled_from(["a.rego", "b.rego"])), draw(st.integers(1, 9))),
    )


@st.composite
def answers(draw: st.DrawFn, kind: RuleKind) -> Answer:
    value: dict[str, Any] = {"code": draw(st.sampled_from(["ONE", "TWO"])), "reason": draw(st.sampled_from(["x", "y"]))}
    match kind:
        case RuleKind.HOLD:
            value["approvers"] = draw(st.sampled_from(APPROVERS))
            value["expires"] = draw(st.sampled_from(["15m", "1h", "30s"]))
            value["may_withdraw"] = draw(st.booleans())
            value |= draw(st.sampled_from([{}, {"remember": "5m"}, {"remember": "30m"}]))
            value |= draw(
                st.sampled_from([{}, {"escalate": [{"after": "10s", "users": ["olga"], "may_approve": True}]}])
            )
        case RuleKind.MASK:
            value |= draw(st.sampled_from(MASKS))
        case RuleKind.LIMIT:
            value["type"], value["value"] = draw(st.sampled_from(LIMITS))
        case _:
            pass
    return Answer(draw(rules(kind)), check_result(kind, value))


def some(*kinds: RuleKind, least: int = 0, most: int = 3) -> st.SearchStrategy[tuple[Answer, ...]]:
    """A few answers of any of these kinds."""
    return st.lists(st.sampled_from(kinds).flatmap(answers), min_size=least, max_size=most).map(tuple)


@st.composite
def failures(draw: st.DrawFn, *, with_hold: bool = False) -> Failed:
    if not with_hold and draw(st.booleans()):
        return Failed(None, "out of instructions")
    rule = draw(st.sampled_from(list(RuleKind)).flatmap(rules))
    if with_hold:
        value = {"code": "FAILED", "approvers": draw(st.sampled_from(APPROVERS)), "expires": "15m"}
        hold = check_result(RuleKind.HOLD, value)
        rule = Rule(rule.package, rule.kind, rule.location, hold)  # type: ignore[arg-type]  # it is a hold's result
    return Failed(rule, draw(st.sampled_from(["to_number of a text", "too deep"])))


def results(*answered: tuple[Answer, ...], failed: tuple[Failed, ...] = (), volatile: bool = False) -> Results:
    return Results(tuple(answer for part in answered for answer in part), failed, volatile)
