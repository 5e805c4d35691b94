"""How each condition of a policy comes out for a request: true, false or unknown, as far as it is tried.

What coverage counts. Conditions are tried in the order in which they are written and no further than needed: what stands
behind a condition that kept the rule from matching was not tried. Called by `engine/suite/coverage.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias, assert_never

from engine.dsl import typed as m
from engine.dsl.reference import Verdict, World, evaluate, look_up
from engine.dsl.tree import Amount
from engine.rego.contract import RuleKind

See: TypeAlias = Callable[[m.Condition, Verdict], None]
"""Told of each condition that is tried, and how it came out."""


def observe(rule: m.Rule, world: World, see: See) -> bool:
    """Try a rule, telling `see` of each condition; whether it matches."""
    strict = rule.kind is RuleKind.ALLOW
    for condition in rule.conditions:
        value = _try(condition, world, see)
        if value is False or (strict and value is None):
            return False
    return True


def conditions(rule: m.Rule) -> Iterator[m.Condition]:
    """The conditions of a rule that come out by themselves: no `and`, `or`, `not` or quantifier, but what is in them."""
    for condition in rule.conditions:
        yield from _leaves(condition)


def _leaves(condition: m.Condition) -> Iterator[m.Condition]:
    match condition:
        case m.And(items=items) | m.Or(items=items):
            for item in items:
                yield from _leaves(item)
        case m.Not(item=item):
            yield from _leaves(item)
        case m.Quantified(body=body):
            yield from _leaves(body)
        case _:
            yield condition


def _try(condition: m.Condition, world: World, see: See) -> Verdict:
    match condition:
        case m.And(items=items):
            return _until(False, items, world, see)
        case m.Or(items=items):
            return _until(True, items, world, see)
        case m.Not(item=item):
            value = _try(item, world, see)
            return None if value is None else not value
        case m.Quantified():
            return _quantified(condition, world, see)
        case _:
            value = evaluate(condition, world)
            see(condition, value)
            return value


def _until(decided: bool, items: tuple[m.Condition, ...], world: World, see: See) -> Verdict:
    """Kleene's `and` (`decided` false) or `or` (true), ended by the first item that decides it."""
    found: Verdict = not decided
    for item in items:
        value = _try(item, world, see)
        if value is decided:
            return decided
        if value is None:
            found = None
    return found


def _quantified(condition: m.Quantified, world: World, see: See) -> Verdict:
    items = look_up(condition.list, world)
    if not isinstance(items, list):
        return None
    found: Verdict = condition.amount is Amount.EVERY
    for item in items:
        value = _try(condition.body, world.at(condition.variable, item), see)
        if value is (condition.amount is not Amount.EVERY):
            return _of_amount(condition.amount, value)
        if value is None:
            found = None
    return _of_amount(condition.amount, found)


def _of_amount(amount: Amount, some: Verdict) -> Verdict:
    match amount:
        case Amount.ANY | Amount.EVERY:
            return some
        case Amount.NO:
            return None if some is None else not some
        case _:
            assert_never(amount)
