"""Why a decision came out: each candidate rule, whether it matched, and where it stands.

Rules that the index left out could not have matched and are not told. For each that did not match `condition` is the
first one that did not hold and `values` what it saw; a rule that failed to run says so there. Called by
`suite/decide_lines.py`, the services and the suites' reports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

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


def explain(program: Program, request: Request, *, every_rule: bool = False) -> tuple[Explained, ...]:
    """Every candidate rule for a request (or every rule), those that matched first, then by name and place.

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
    asked = program.rules if every_rule else program.candidates(request)
    silent = [rule for rule in asked if rule not in heard]
    told += _Silent(program, request).told(silent) if silent else []
    return tuple(sorted(_once(told), key=_order))


class _Silent:
    """Candidates that said nothing, each with the first condition that did not hold."""

    def __init__(self, program: Program, request: Request) -> None:
        encoded = encode_request(request)
        self._gate, self._now = program.gate, request.now
        self._document: Mapping[str, Json] = msgspec.msgpack.decode(encoded)
        self._misses = program.near_misses(encoded, request.now)

    def told(self, rules: Sequence[Rule]) -> list[Explained]:
        return [self._one(rule) for rule in rules]

    def _one(self, rule: Rule) -> Explained:
        file, line = rule.location.file, rule.location.line
        plain = Explained(rule.name, rule.kind, False, rule.location)
        unmet = self._gate.why_not(file, line, self._document, self._now)
        if unmet is not None:
            text = unmet.text if unmet.value is False else f"{unmet.text} (unknown)"
            return replace(plain, condition=text, values=unmet.values)
        blamed = self._misses.of(file, line) if self._misses is not None else None
        return plain if blamed is None else replace(plain, condition=blamed.text, values=blamed.values)


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
