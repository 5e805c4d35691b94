"""What a policy means, said plainly and slowly: the oracle of the lowering, and what explains a decision.

A condition is true, false or unknown (None): unknown where a field is absent or, in free JSON, of another type. Then

- `not`, `and`, `or` and the quantifiers are those of Kleene's logic;
- a guard (deny, hold, mask, limit) matches unless a condition is false; an allow matches only if all are true.

The input is a valid one: types as in its schema, nulls left out, at least one operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias, assert_never
from zoneinfo import ZoneInfo

from engine.dsl import typed as m
from engine.dsl.globs import matches
from engine.dsl.networks import is_within, read_address
from engine.dsl.paths import sort_of
from engine.dsl.tree import Amount
from engine.dsl.types import Sort
from engine.rego.contract import RuleKind
from engine.request import Json

Verdict: TypeAlias = "bool | None"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ORDER: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


class _Absent:
    """What stands where nothing stands."""


_ABSENT: Final = _Absent()
Value: TypeAlias = "Json | _Absent"


@dataclass(frozen=True, slots=True)
class World:
    """A request as policies see it: the input document, the time in nanoseconds, and the items quantifiers are at."""

    input: Mapping[str, Json]
    now: int
    items: Mapping[str, Json]

    def at(self, variable: str, item: Json) -> World:
        return World(self.input, self.now, {**self.items, variable: item})


def matching(policy: m.Policy, document: Mapping[str, Json], now: int) -> tuple[m.Rule, ...]:
    """The rules of a policy that match."""
    world = World(document, now, {})
    return tuple(rule for rule in policy.rules if does_match(rule, world))


def does_match(rule: m.Rule, world: World) -> bool:
    """Whether a rule matches: an allow when all is true, a guard when nothing is false."""
    value = _all(evaluate(condition, world) for condition in rule.conditions)
    return value is True if rule.kind is RuleKind.ALLOW else value is not False


def evaluate(condition: m.Condition, world: World) -> Verdict:
    """True, false or, None, unknown."""
    match condition:
        case m.And():
            return _all(evaluate(item, world) for item in condition.items)
        case m.Or():
            return _some(evaluate(item, world) for item in condition.items)
        case m.Not():
            return _not(evaluate(condition.item, world))
        case m.Quantified():
            return _quantified(condition, world)
        case m.Compare():
            return _compare(condition, world)
        case m.InSet():
            found = look_up(condition.path, world)
            if isinstance(found, _Absent) or _of_another_sort(found, condition):
                return None
            return any(_same(found, item.value) for item in condition.items)
        case m.Contains():
            return _contains(condition, world)
        case m.Overlaps():
            items = look_up(condition.list, world)
            if not isinstance(items, list):
                return None
            return any(_same(item, one.value) for item in items for one in condition.items)
        case m.Like():
            text = look_up(condition.path, world)
            return matches(condition.globs, text) if isinstance(text, str) else None
        case m.Within():
            return _within(condition, world)
        case m.Truth():
            truth = look_up(condition.path, world)
            return truth if isinstance(truth, bool) else None
        case m.Present():
            return not isinstance(look_up(condition.path, world), _Absent)
        case m.Window():
            return _in_window(condition, world.now)
        case _:
            assert_never(condition)


def look_up(path: m.Path, world: World) -> Value:
    """What stands at a path; `_ABSENT` when there is nothing."""
    value: Value = dict(world.input) if path.base == m.INPUT else world.items[path.base]
    for key in path.keys:
        if not isinstance(value, dict) or value.get(key) is None:
            return _ABSENT
        value = value[key]
    return value


def _all(values: Iterable[Verdict]) -> Verdict:
    found = list(values)
    if False in found:
        return False
    return None if None in found else True


def _some(values: Iterable[Verdict]) -> Verdict:
    return _not(_all(_not(value) for value in values))


def _not(value: Verdict) -> Verdict:
    return None if value is None else not value


def _quantified(condition: m.Quantified, world: World) -> Verdict:
    items = look_up(condition.list, world)
    if not isinstance(items, list):
        return None
    values = [evaluate(condition.body, world.at(condition.variable, item)) for item in items]
    match condition.amount:
        case Amount.ANY:
            return _some(values)
        case Amount.EVERY:
            return _all(values)
        case Amount.NO:
            return _not(_some(values))


def _term(term: m.Term, world: World) -> Value:
    match term:
        case m.Constant():
            return term.value
        case m.Path():
            return look_up(term, world)
        case m.Count():
            items = look_up(term.path, world)
            return len(items) if isinstance(items, list) else _ABSENT
        case m.Age():
            since = look_up(term.path, world)
            return world.now - since if isinstance(since, int) else _ABSENT
        case _:
            assert_never(term)


def _compare(condition: m.Compare, world: World) -> Verdict:
    left, right = _term(condition.left, world), _term(condition.right, world)
    if not isinstance(left, str | int | float | bool) or not isinstance(right, str | int | float | bool):
        return None
    if sort_of(left) is not sort_of(right):
        return None
    match condition.operator:
        case "==":
            return left == right
        case "!=":
            return left != right
        case operator:
            if isinstance(left, str) or isinstance(right, str) or sort_of(left) is Sort.TRUTH:
                return None
            return _ORDER[operator](left, right)


def _same(value: Value, constant: str | int | float | bool) -> bool:
    """Equal and of one sort: 1 is not true."""
    return isinstance(value, str | int | float | bool) and sort_of(value) is sort_of(constant) and value == constant


def _of_another_sort(value: Json, condition: m.InSet) -> bool:
    if condition.path.type.sort is not Sort.ANY:
        return False
    known = sort_of(condition.items[0].value)
    return not isinstance(value, str | int | float | bool) or sort_of(value) is not known


def _contains(condition: m.Contains, world: World) -> Verdict:
    items = look_up(condition.list, world)
    item = _term(condition.item, world)
    if not isinstance(items, list) or not isinstance(item, str | int | float | bool):
        return None
    return any(_same(one, item) for one in items)


def _within(condition: m.Within, world: World) -> Verdict:
    text = look_up(condition.path, world)
    address = read_address(text) if isinstance(text, str) else None
    if address is None:
        return None
    return any(is_within(address, network) for network in condition.networks)


def _in_window(window: m.Window, now: int) -> bool:
    local = (_EPOCH + timedelta(seconds=now // 10**9)).astimezone(ZoneInfo(window.zone))
    minute, today = local.hour * 60 + local.minute, local.weekday()
    if window.start < window.end:
        return window.start <= minute < window.end and today in window.days
    # Past midnight it is still the window of the day before.
    yesterday = (today - 1) % 7
    return (minute >= window.start and today in window.days) or (minute < window.end and yesterday in window.days)
