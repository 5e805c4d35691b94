"""What stands at a place of a `.gate` file: for editors. Names, the types of fields, where a name was defined.

Works on files with mistakes as far as they could be read; never raises. Called by `gateway/editor`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.dsl import tree as t
from engine.dsl.definitions import Definition, Unit, link
from engine.dsl.layout import flat_condition, print_path, set_lines
from engine.dsl.mistake import Mistake
from engine.dsl.parser import parse
from engine.dsl.paths import Bound, find_list, find_path
from engine.dsl.typed import INPUT, Path, Place
from engine.dsl.types import ANY, Sort
from engine.source import Source, Span

MAX_SHOWN = 400
"""Characters of a definition that are shown."""
_BEGIN = Span(1, 1, 1, 1)


@dataclass(frozen=True, slots=True)
class Glance:
    """What stands in `span`, in Markdown, and where it was defined, where that is in a file."""

    span: Span
    text: str
    defined: Place | None = None


@dataclass(frozen=True, slots=True)
class _Spot:
    """A path in a condition, the items it may mean, and whether it names a list that is gone over."""

    path: t.Path
    scope: tuple[Bound, ...] = ()
    is_list: bool = False


def glance(sources: Sequence[Source], name: str, line: int, column: int) -> Glance | None:
    """What stands at a line and column (from 1, in characters) of the source called `name`; None for nothing of interest."""
    units = link({source.name: parse(source) for source in sources}, [])
    unit = units.get(name)
    if unit is None:
        return None
    for item in unit.file.items:
        found = _item(item, unit, units, line, column)
        if found is not None:
            return found
    applies = unit.file.header.applies
    where = None if applies is None else applies.where
    return None if where is None else _condition(where, unit, line, column)


def _item(item: t.Item, unit: Unit, units: dict[str, Unit], line: int, column: int) -> Glance | None:
    match item:
        case t.Import(file=file):
            return _imported(file, unit, units) if _covers(file.span, line, column) else None
        case t.Define(name=name, meaning=meaning):
            if _covers(name.span, line, column):
                known = unit.own.get(name.text)
                return None if known is None else _definition(known, name.span)
            return None if isinstance(meaning, t.Items) else _condition(meaning, unit, line, column)
        case t.Rule(name=name):
            if _covers(name.span, line, column):
                return _rule(item, name.span, unit)
            conditions = (clause.condition for clause in item.clauses if isinstance(clause, t.When))
            found = (_condition(one, unit, line, column) for one in conditions)
            return next((one for one in found if one is not None), None)
        case t.Test(expect=expect):
            rules = {rule.name.text: rule for rule in unit.file.items if isinstance(rule, t.Rule)}
            named = (name for name in expect.rules if _covers(name.span, line, column) and name.text in rules)
            return next((_rule(rules[name.text], name.span, unit) for name in named), None)


def _imported(file: t.Literal, unit: Unit, units: dict[str, Unit]) -> Glance | None:
    target = posixpath.normpath(posixpath.join(posixpath.dirname(unit.source), str(file.value)))
    other = units.get(target)
    if other is None:
        return None
    names = ", ".join(f"`{name}`" for name in other.own)
    return Glance(file.span, f"defines {names}" if names else "defines nothing", Place(target, _BEGIN))


def _rule(rule: t.Rule, span: Span, unit: Unit) -> Glance:
    title = "" if rule.title is None else f": {rule.title.value}"
    return Glance(span, f"`{rule.kind} {rule.name.text}`{title}", Place(unit.source, rule.name.span))


def _definition(known: Definition, span: Span) -> Glance:
    meaning = known.meaning
    written = " ".join(set_lines(meaning, 0)) if isinstance(meaning, t.Items) else flat_condition(meaning)
    shown = written if len(written) <= MAX_SHOWN else f"{written[:MAX_SHOWN]} ..."
    text = f"```gate\ndefine {known.name.text} = {shown}\n```"
    return Glance(span, text, Place(known.unit.source, known.name.span))


def _condition(condition: t.Condition, unit: Unit, line: int, column: int) -> Glance | None:
    for spot in _spots(condition, (), unit.source):
        if _covers(spot.path.span, line, column):
            return _meant(spot, unit)
    return None


def _meant(spot: _Spot, unit: Unit) -> Glance | None:
    known = unit.seen.get(spot.path.parts[0]) if len(spot.path.parts) == 1 and not spot.is_list else None
    if known is not None:
        return _definition(known, spot.path.span)
    path = _found(spot, unit.source)
    return None if path is None else Glance(spot.path.span, _told(spot, path))


def _found(spot: _Spot, source: str) -> Path | None:
    find = find_list if spot.is_list else find_path
    try:
        return find(spot.path, spot.scope, Place(source, spot.path.span))
    except Mistake:
        return None


def _told(spot: _Spot, path: Path) -> str:
    """A field with its type: `resource.labels.environment`: a text; may be absent."""
    name = ".".join(path.keys) if path.base == INPUT and path.keys else print_path(spot.path)
    type_ = path.type
    said = str(type_)
    if type_.sort is Sort.CHOICE:
        said = f"one of {', '.join(f'`{value}`' for value in type_.values)}"
    if type_.sort is Sort.LIST and type_.item is not None:
        said = f"a list; each item is {type_.item}"
    fields = type_.item.fields if type_.sort is Sort.LIST and type_.item is not None else type_.fields
    if fields:
        said += f" ({', '.join(f'`{field}`' for field in fields)})"
    return f"`{name}`: {said}{'' if path.certain else '; may be absent'}"


def _spots(node: t.Condition, scope: tuple[Bound, ...], source: str) -> Iterator[_Spot]:
    match node:
        case t.Quantified(noun=noun, body=body):
            spot = _Spot(noun, scope, is_list=True)
            yield spot
            over = _found(spot, source)
            item = ANY if over is None or over.type.item is None else over.type.item
            yield from _spots(body, (*scope, Bound(f"x{len(scope)}", item)), source)
        case t.And(items=items) | t.Or(items=items):
            for one in items:
                yield from _spots(one, scope, source)
        case t.Not(item=one):
            yield from _spots(one, scope, source)
        case t.Window():
            return
        case _:
            yield from (_Spot(path, scope) for path in _paths(node))


def _paths(node: t.Condition) -> Iterator[t.Path]:
    """The paths of a condition without others inside. A name of a set counts as one."""
    match node:
        case t.Compare(left=left, right=right):
            parts: tuple[object, ...] = (left, right)
        case t.Among(left=left, among=among):
            parts = (left, among)
        case t.InGroup(path=path, groups=texts) | t.Like(path=path, globs=texts) | t.Within(path=path, networks=texts):
            parts = (path, texts)
        case t.Overlaps(path=path, among=among):
            parts = (path, among)
        case t.Truth(path=path) | t.Is(path=path) | t.Presence(path=path):
            parts = (path,)
        case _:
            parts = ()
    for part in parts:
        match part:
            case t.Path():
                yield part
            case t.Count(path=inner) | t.Age(path=inner):
                yield inner
            case t.Name(text=text, span=span):
                yield t.Path((text,), span=span)
            case _:
                continue


def _covers(span: Span, line: int, column: int) -> bool:
    return (span.line, span.column) <= (line, column) <= (span.end_line, span.end_column)
