"""Why a decision came out: each candidate rule, whether it matched, and where it stands.

Rules that the index left out could not have matched and are not told. Which condition of a rule failed, and with which
value, is known where somebody can say it (`condition`, `values`); a rule that failed to run says so there. Called by
`suite/decide_lines.py`, the services and the suites' reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from engine.decision import Location
from engine.evaluator.encode import encode_request
from engine.evaluator.program import Program
from engine.evaluator.results import Rule
from engine.rego.contract import RuleKind
from engine.request import Json, Request


@dataclass(frozen=True, slots=True)
class Explained:
    """What one candidate rule came to. A rule that said several things stands here once for each."""

    rule: str
    kind: RuleKind
    matched: bool
    location: Location
    condition: str | None = None
    values: Mapping[str, Json] = field(default_factory=dict)


def explain(program: Program, request: Request) -> tuple[Explained, ...]:
    """Every candidate rule for a request, those that matched first, then by name and place.

    Raises InputInvalid for a request without the right shape, NativeError when the core cannot run.
    """
    results = program.evaluate(request)
    told = [Explained(answer.id, answer.rule.kind, True, answer.rule.location) for answer in results.answers]
    told += [
        Explained(
            failed.rule.name, failed.rule.kind, False, failed.rule.location, condition=f"failed: {failed.message}"
        )
        for failed in results.failed
        if failed.rule is not None
    ]
    heard: set[Rule] = {answer.rule for answer in results.answers}
    heard |= {failed.rule for failed in results.failed if failed.rule is not None}
    document = msgspec.msgpack.decode(encode_request(request))
    told += [_silent(program, rule, document, request.now) for rule in program.candidates(request) if rule not in heard]
    return tuple(sorted(_once(told), key=_order))


def _silent(program: Program, rule: Rule, document: Mapping[str, Json], now: int) -> Explained:
    """A candidate that said nothing; for one of a `.gate` file also the first condition that was not met."""
    why = program.gate.why_not(rule.location.file, rule.location.line, document, now)
    if why is None:
        return Explained(rule.name, rule.kind, False, rule.location)
    text = why.text if why.value is False else f"{why.text} (unknown)"
    return Explained(rule.name, rule.kind, False, rule.location, text, why.values)


def _once(told: list[Explained]) -> list[Explained]:
    """Each once: two answers of one rule may have the same code."""
    seen: dict[tuple[object, ...], Explained] = {}
    for item in told:
        seen.setdefault((item.rule, item.kind, item.matched, item.location, item.condition), item)
    return list(seen.values())


def explained_json(item: Explained) -> dict[str, Json]:
    """One line of an explanation as JSON lines carry it."""
    return {
        "rule": item.rule,
        "kind": item.kind.value,
        "matched": item.matched,
        "condition": item.condition,
        "location": {"file": item.location.file, "line": item.location.line},
        "values": dict(item.values),
    }


def _order(item: Explained) -> tuple[bool, str, str, int, str]:
    return (not item.matched, item.rule, item.location.file, item.location.line, item.condition or "")
