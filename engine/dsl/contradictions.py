"""Rules that can never match, and masks that can only conflict: mistakes that types do not see.

Only what is certain is told: a guard also matches where a field is absent, so a condition on such a field rules nothing
out there. Called by `resolver.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from engine.dsl import typed as m
from engine.dsl.analysis import merge
from engine.dsl.tree import Amount
from engine.rego.contract import RuleKind
from engine.source import Diagnostic, Severity

Value = str | int | float | bool
_NEGATED = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", "<=": ">", ">": "<="}


@dataclass(slots=True)
class _Known:
    """What some conditions leave possible for one field."""

    allowed: set[tuple[bool, Value]] | None = None
    forbidden: set[tuple[bool, Value]] = field(default_factory=set)
    low: float = float("-inf")
    low_open: bool = False
    high: float = float("inf")
    high_open: bool = False

    def is_empty(self) -> bool:
        if self.low > self.high or (self.low == self.high and (self.low_open or self.high_open)):
            return True
        if self.allowed is None:
            return False
        return not any(self._may_be(value) for value in self.allowed - self.forbidden)

    def only(self, values: Iterable[Value]) -> None:
        found = {_key(value) for value in values}
        self.allowed = found if self.allowed is None else self.allowed & found

    def compare(self, operator: str, number: float) -> None:
        match operator:
            case "<" | "<=" if (number, operator == "<=") < (self.high, not self.high_open):
                self.high, self.high_open = number, operator == "<"
            case ">" | ">=" if (-number, operator == ">=") < (-self.low, not self.low_open):
                self.low, self.low_open = number, operator == ">"
            case _:
                pass

    def _may_be(self, key: tuple[bool, Value]) -> bool:
        is_truth, value = key
        if is_truth or isinstance(value, str):
            return True
        above = value > self.low or (value == self.low and not self.low_open)
        return above and (value < self.high or (value == self.high and not self.high_open))


def unreachable(rule: m.Rule) -> Diagnostic | None:
    """The error for a rule that no request can match."""
    found = _impossible(rule.conditions, rule.kind is RuleKind.ALLOW)
    if found is None:
        return None
    at, why = found
    message = f"rule `{rule.name}` can never match: {why}"
    hint = "one of the conditions is wrong, or the rule is not needed"
    return Diagnostic("UNREACHABLE", message, rule.place.source, _here(at, rule).span, help=hint)


def conflicts(rules: Sequence[m.Rule]) -> Iterator[Diagnostic]:
    """Masks of one policy that name the same field, with the same method and other parameters."""
    masks = [rule for rule in rules if rule.kind is RuleKind.MASK]
    for position, second in enumerate(masks):
        for first in masks[:position]:
            shared = _shared_field(first, second)
            if shared is None or first.result["method"] != second.result["method"]:
                continue
            if first.result.get("params") == second.result.get("params"):
                continue
            conditions = set(first.conditions), set(second.conditions)
            together = conditions[0] <= conditions[1] or conditions[1] <= conditions[0]
            message = f"masks `{first.name}` and `{second.name}` ask for different things of `{shared}`"
            hint = "where both match, the command is denied (MASK_CONFLICT): let one of them not apply"
            severity = Severity.ERROR if together else Severity.WARNING
            yield Diagnostic("MASK_CONFLICT", message, second.place.source, second.place.span, severity, hint)


def _impossible(conditions: Iterable[m.Condition], strict: bool) -> tuple[m.Place, str] | None:
    """Where and why these conditions cannot hold together. `strict`: an absent field does not match."""
    known: dict[m.Path, _Known] = {}
    for condition in _conjuncts(conditions):
        inner = _inside(condition, strict)
        if inner is not None:
            return inner
        learnt = _learn(condition, known, strict)
        if learnt is not None and known[learnt].is_empty():
            return condition.place, f"nothing is left that `{learnt}` could be"
    return None


def _inside(condition: m.Condition, strict: bool) -> tuple[m.Place, str] | None:
    match condition:
        case m.Or(items=items):
            found = [_impossible((item,), strict) for item in items]
            return found[0] if all(found) and found else None
        case m.Quantified(amount=Amount.ANY, body=body, list=over) if strict or over.certain:
            return _impossible((body,), strict)
        case _:
            return None


def _conjuncts(conditions: Iterable[m.Condition]) -> Iterator[m.Condition]:
    for condition in conditions:
        match condition:
            case m.And(items=items):
                yield from _conjuncts(items)
            case m.Not(item=m.Or(items=items)):
                yield from _conjuncts(m.Not(item, place=item.place) for item in items)
            case m.Not(item=m.Not(item=item)):
                yield from _conjuncts((item,))
            case _:
                yield condition


def _learn(condition: m.Condition, known: dict[m.Path, _Known], strict: bool) -> m.Path | None:
    """Take in what a condition says about one field; that field, if it says something."""
    negative = isinstance(condition, m.Not)
    plain = condition.item if isinstance(condition, m.Not) else condition
    if isinstance(plain, m.Or):
        plain = merge(plain) or plain
    match plain:
        case m.Compare(left=m.Path() as path, operator=operator, right=m.Constant(value=value)):
            if not (strict or path.certain):
                return None
            operator = _NEGATED[operator] if negative else operator
            seen = known.setdefault(path, _Known())
            if operator == "==":
                seen.only([value])
            elif operator == "!=":
                seen.forbidden.add(_key(value))
            elif isinstance(value, int | float):
                seen.compare(operator, value)
        case m.InSet(path=path, items=items) if strict or path.certain:
            seen = known.setdefault(path, _Known())
            if negative:
                seen.forbidden |= {_key(item.value) for item in items}
            else:
                seen.only(item.value for item in items)
        case m.Truth(path=path) if strict or path.certain:
            seen = known.setdefault(path, _Known())
            seen.only([not negative])
        case _:
            return None
    return path


def _key(value: Value) -> tuple[bool, Value]:
    """WHY: in Python 1 == True."""
    return isinstance(value, bool), value


def _here(place: m.Place, rule: m.Rule) -> m.Place:
    """The place in the rule itself, when the condition stands in a definition."""
    while place.used_at is not None:
        place = place.used_at
    return place if place.source == rule.place.source else rule.place


def _shared_field(first: m.Rule, second: m.Rule) -> str | None:
    places = (
        ("within",)
        if "within" in first.result and "within" in second.result
        else ("columns", "paths", "streams", "values")
    )
    for where in places:
        ours, theirs = first.result.get(where), second.result.get(where)
        if isinstance(ours, list) and isinstance(theirs, list):
            shared = [str(one) for one in ours if one in theirs]
            if shared:
                return shared[0]
    return None
