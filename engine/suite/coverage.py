"""Which policies, rules and conditions some cases tried: each rule seen to match, each condition seen both ways.

For a `.gate` file conditions come out true, false or unknown, by the reference. For Rego a condition is a literal of a
body, in helpers, quantifiers and comprehensions too; the core watches them (`engine/native/src/rego/observe`). What only
binds a name (`:=`, `some ... in`) is none. Outcomes of all cases are merged. `coverage_report.py` prints it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING

import msgspec

from engine.compiler.gate_policies import SUFFIX
from engine.compiler.stages import CompiledPolicies
from engine.evaluator.encode import encode_request
from engine.evaluator.program import Program
from engine.request import Json, Request
from engine.source import Span

if TYPE_CHECKING:
    from engine.dsl import typed as m

HELD, FAILED = 1, 2


@dataclass(frozen=True, slots=True, order=True)
class ConditionCovered:
    """A condition, and the ways it was seen to come out. `is_unknown` counts for neither."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str = field(compare=False)
    rule: str = field(compare=False)
    was_true: bool = field(default=False, compare=False)
    was_false: bool = field(default=False, compare=False)
    was_unknown: bool = field(default=False, compare=False)

    @property
    def is_covered(self) -> bool:
        return self.was_true and self.was_false

    @property
    def missing(self) -> str:
        """What was never seen, in words; empty when nothing is missing."""
        match self.was_true, self.was_false:
            case True, True:
                return ""
            case True, False:
                return "never false"
            case False, True:
                return "never true"
            case _:
                return "never tried"


@dataclass(frozen=True, slots=True, order=True)
class RuleCovered:
    """A rule of a policy, and whether it was seen to match. `policy` stands without `policies.`."""

    file: str
    line: int
    policy: str = field(compare=False)
    name: str = field(compare=False)
    matched: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was tried, in the order of files and lines."""

    rules: tuple[RuleCovered, ...] = ()
    conditions: tuple[ConditionCovered, ...] = ()

    @property
    def share_of_conditions(self) -> float:
        """Outcomes seen of those that can be seen, 0 to 1; 1 where there is no condition."""
        if not self.conditions:
            return 1.0
        return sum(one.was_true + one.was_false for one in self.conditions) / (2 * len(self.conditions))

    @property
    def share_of_rules(self) -> float:
        return sum(one.matched for one in self.rules) / len(self.rules) if self.rules else 1.0

    @property
    def share_of_policies(self) -> float:
        """Policies of which at least one rule matched."""
        policies = {one.policy for one in self.rules}
        return len({one.policy for one in self.rules if one.matched}) / len(policies) if policies else 1.0

    @property
    def uncovered(self) -> tuple[ConditionCovered, ...]:
        return tuple(one for one in self.conditions if not one.is_covered)


def merged(parts: Iterable[Coverage]) -> Coverage:
    """Everything that any of the parts saw."""
    rules: dict[RuleCovered, RuleCovered] = {}
    found: dict[ConditionCovered, ConditionCovered] = {}
    for part in parts:
        for rule in part.rules:
            known = rules.get(rule, rule)
            rules[rule] = replace(known, matched=known.matched or rule.matched)
        for one in part.conditions:
            seen = found.get(one, one)
            found[one] = replace(
                seen,
                was_true=seen.was_true or one.was_true,
                was_false=seen.was_false or one.was_false,
                was_unknown=seen.was_unknown or one.was_unknown,
            )
    return Coverage(tuple(sorted(rules.values())), tuple(sorted(found.values())))


class _Place(msgspec.Struct):
    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    rule: str
    text: str
    binds: bool


class _Seen(msgspec.Struct):
    seen: list[tuple[int, int]]


_PLACES = msgspec.msgpack.Decoder(list[_Place])
_SEEN = msgspec.msgpack.Decoder(_Seen)


class Watch:
    """Gathers what requests try of some policies; from many threads at once. Raises NativeError when the core cannot watch them."""

    def __init__(self, compiled: CompiledPolicies) -> None:
        self._compiled = compiled
        self._places = _PLACES.decode(compiled.core.conditions())
        self._outcomes = [0] * len(self._places)
        self._matched: set[tuple[str, int]] = set()
        self._lock = Lock()
        self._gate: _Gate | None = _Gate(compiled) if compiled.gate.policies else None

    def add(self, program: Program, request: Request) -> None:
        """Try every rule on one more request."""
        encoded = encode_request(request)
        seen = self._compiled.core.observe(encoded, request.now)
        results = program.evaluate(request)
        with self._lock:
            self._see(seen)
            self._matched |= {(one.rule.location.file, one.rule.location.line) for one in results.answers}
            if self._gate is not None:
                self._gate.add(msgspec.msgpack.decode(encoded), request.now)

    def add_tests(self, now: int) -> None:
        """Add what the `test_` rules try."""
        self._see(self._compiled.core.observe_tests(now))

    def coverage(self) -> Coverage:
        """All that was seen so far."""
        rules = [
            RuleCovered(
                rule.file,
                rule.line,
                rule.package.removeprefix("policies."),
                rule.code or f"{rule.kind}:{rule.line}",
                (rule.file, rule.line) in self._matched,
            )
            for rule in self._compiled.rules
        ]
        found = [*self._of_rego(), *(self._gate.conditions() if self._gate is not None else ())]
        return Coverage(tuple(sorted(rules)), tuple(sorted(found)))

    def _see(self, said: bytes) -> None:
        for number, outcome in _SEEN.decode(said).seen:
            self._outcomes[number] |= outcome

    def _of_rego(self) -> Iterable[ConditionCovered]:
        for place, outcome in zip(self._places, self._outcomes, strict=True):
            if place.binds or place.file.endswith(SUFFIX):
                continue
            yield ConditionCovered(
                place.file,
                place.line,
                place.column,
                place.end_line,
                place.end_column,
                place.text,
                place.rule.removeprefix("data.").removeprefix("policies."),
                bool(outcome & HELD),
                bool(outcome & FAILED),
            )


class _Gate:
    """The same for rules of `.gate` files, tried by the reference."""

    def __init__(self, compiled: CompiledPolicies) -> None:
        from engine.dsl.observation import conditions

        self._texts = compiled.gate.texts
        self._rules = [rule for policy in compiled.gate.policies.values() for rule in policy.rules]
        self._seen: dict[tuple[str, Span], set[bool | None]] = {}
        self._names: dict[tuple[str, Span], str] = {}
        for rule in self._rules:
            for condition in conditions(rule):
                key = (condition.place.source, condition.place.span)
                self._seen[key] = set()
                self._names.setdefault(key, rule.name)

    def add(self, document: Mapping[str, Json], now: int) -> None:
        from engine.dsl.observation import observe
        from engine.dsl.reference import World

        for rule in self._rules:
            observe(rule, World(document, now, {}), self._see)

    def _see(self, condition: m.Condition, value: bool | None) -> None:
        self._seen[condition.place.source, condition.place.span].add(value)

    def conditions(self) -> Iterable[ConditionCovered]:
        from engine.dsl.explanation import cut

        for (file, span), seen in self._seen.items():
            yield ConditionCovered(
                file,
                span.line,
                span.column,
                span.end_line,
                span.end_column,
                cut(self._texts.get(file, ""), span),
                self._names[file, span],
                True in seen,
                False in seen,
                None in seen,
            )
