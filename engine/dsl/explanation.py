"""Why a rule did not match: its first condition that was not met, in the author's words, with the values it saw.

The answer comes from the reference, which knows true, false and unknown; no evaluation of Rego tells as much. Called by
`engine/evaluator/explain.py` through `engine/compiler/gate_policies.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from engine.dsl import typed as m
from engine.dsl.comments import without_comments
from engine.dsl.reference import Verdict, World, evaluate, look_up
from engine.rego.contract import RuleKind
from engine.request import Json
from engine.source import Span

MOST_ITEMS = 10
MOST_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Unmet:
    """A condition that kept a rule from matching. `value` is false, or None for unknown; `values` by path, None if absent."""

    place: m.Place
    text: str
    value: Verdict
    values: Mapping[str, Json]


def first_unmet(rule: m.Rule, world: World, texts: Mapping[str, str]) -> Unmet | None:
    """The first condition of a rule that is not met; None when the rule matches. `texts` are the sources by name."""
    strict = rule.kind is RuleKind.ALLOW
    for condition in rule.conditions:
        found = _unmet(condition, world, strict)
        if found is not None:
            return _told(found, world, texts)
    return None


def _unmet(condition: m.Condition, world: World, strict: bool) -> m.Condition | None:
    """The innermost condition to blame: a part of an `and`, or of what an `unless` turns round."""
    value = evaluate(condition, world)
    if value is True or (value is None and not strict):
        return None
    match condition:
        case m.And(items=items):
            return next((found for item in items if (found := _unmet(item, world, strict)) is not None), condition)
        case m.Not(item=m.Or(items=items)):
            parts = [m.Not(item, place=item.place) for item in items]
            return next((found for part in parts if (found := _unmet(part, world, strict)) is not None), condition)
        case m.Not(item=m.Not(item=inner)):
            return _unmet(inner, world, strict)
        case _:
            return condition


def _told(condition: m.Condition, world: World, texts: Mapping[str, str]) -> Unmet:
    values: dict[str, Json] = {}
    for name, value in _values(condition, (world,), {m.INPUT: ""}, many=False):
        values.setdefault(name, value)
    text = cut(texts.get(condition.place.source, ""), condition.place.span)
    return Unmet(condition.place, text, evaluate(condition, world), values)


def _values(
    condition: m.Condition, worlds: Sequence[World], names: Mapping[str, str], many: bool
) -> Iterator[tuple[str, Json]]:
    """Every path a condition reads, with its value; inside of a quantifier with those of the items, in order."""

    def read(*terms: m.Term) -> Iterator[tuple[str, Json]]:
        for term in terms:
            path = term.path if isinstance(term, m.Count | m.Age) else term
            if isinstance(path, m.Path):
                own = many and path.base != m.INPUT
                found = [_shown(look_up(path, world)) for world in (worlds if own else worlds[:1])]
                yield _name(path, names), found if own else next(iter(found), None)

    match condition:
        case m.And(items=items) | m.Or(items=items):
            for item in items:
                yield from _values(item, worlds, names, many)
        case m.Not(item=item):
            yield from _values(item, worlds, names, many)
        case m.Quantified():
            yield from _items(condition, worlds, names)
        case m.Compare(left=left, right=right):
            yield from read(left, right)
        case m.Contains(list=over, item=item_):
            yield from read(over, item_)
        case m.Overlaps(list=over):
            yield from read(over)
        case m.InSet(path=path) | m.Like(path=path) | m.Within(path=path) | m.Truth(path=path) | m.Present(path=path):
            yield from read(path)
        case m.Window():
            yield "now", worlds[0].now
        case _:
            assert_never(condition)


def _items(condition: m.Quantified, worlds: Sequence[World], names: Mapping[str, str]) -> Iterator[tuple[str, Json]]:
    over = condition.list
    inner: list[World] = []
    for world in worlds:
        items = look_up(over, world)
        inner += [world.at(condition.variable, item) for item in items] if isinstance(items, list) else []
    if not inner:
        yield _name(over, names), _shown(look_up(over, worlds[0])) if worlds else None
        return
    below = {**names, condition.variable: f"{_name(over, names)}[]"}
    yield from _values(condition.body, inner[:MOST_ITEMS], below, many=True)


def _name(path: m.Path, names: Mapping[str, str]) -> str:
    return ".".join(part for part in (names[path.base], *path.keys) if part)


def _shown(value: object) -> Json:
    match value:
        case str() if len(value) > MOST_CHARACTERS:
            return value[: MOST_CHARACTERS - 3] + "..."
        case None | bool() | int() | float() | str():
            return value
        case list():
            return [_shown(item) for item in value[:MOST_ITEMS]]
        case dict():
            return {str(key): _shown(item) for key, item in list(value.items())[:MOST_ITEMS]}
        case _:
            return None


def cut(text: str, span: Span) -> str:
    """What stands at a span, on one line."""
    lines = text.split("\n")[span.line - 1 : span.end_line]
    if not lines:
        return ""
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return " ".join(without_comments("\n".join(lines)).split())
