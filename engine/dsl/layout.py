"""Conditions as text: on one line where they fit, else broken at `and`, `or` and parentheses. Part of `printer.py`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, assert_never

from engine.dsl import tree as t
from engine.dsl.literals import quote

WIDTH: Final = 100
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def condition_lines(condition: t.Condition, column: int) -> list[str]:
    """The lines of a condition that begins in a column (from 0). Lines after the first are indented from there."""
    flat = flat_condition(condition)
    if column + len(flat) <= WIDTH:
        return [flat]
    match condition:
        case t.And(items=items):
            return _joined("and ", items, column)
        case t.Or(items=items):
            return _joined("or ", items, column)
        case t.Not(item=t.And() | t.Or() as item):
            return ["not (", *_inside(item, column), ")"]
        case t.Not(item=item):
            first, *more = condition_lines(item, column + 4)
            return [f"not {first}", *more]
        case t.Quantified(amount=amount, noun=noun, body=body):
            head = f"{amount} {print_path(noun)} has "
            if isinstance(body, t.And | t.Or):
                return [f"{head}(", *_inside(body, column), ")"]
            first, *more = condition_lines(body, column + len(head))
            return [head + first, *more]
        case _:
            return _leaf_lines(condition, flat)


def set_lines(items: t.Items, column: int) -> list[str]:
    """A set from a column on: on one line, or filled lines between its braces."""
    flat = _set(items)
    if column + len(flat) <= WIDTH:
        return [flat]
    lines, line = ["{"], " "
    for item in items.items:
        word = f" {item.text},"
        if len(line) + len(word) > WIDTH - 10 and line.strip():
            lines.append(line)
            line = " "
        line += word
    return [*lines, line.removesuffix(","), "}"]


def flat_condition(condition: t.Condition, tight: bool = False) -> str:
    """A condition on one line; `tight`: in parentheses if it is joined by `and` or `or`."""
    match condition:
        case t.And(items=items):
            text = " and ".join(flat_condition(item, tight=True) for item in items)
            return f"({text})" if tight else text
        case t.Or(items=items):
            text = " or ".join(flat_condition(item, tight=True) for item in items)
            return f"({text})" if tight else text
        case t.Not(item=item):
            return f"not {flat_condition(item, tight=True)}"
        case t.Quantified(amount=amount, noun=noun, body=body):
            return f"{amount} {print_path(noun)} has {flat_condition(body, tight=True)}"
        case t.Truth(path=path):
            return print_path(path)
        case t.Is(path=path, value=value):
            return f"{print_path(path)} {value.text}"
        case t.Compare(left=left, operator=operator, right=right):
            return f"{_term(left)} {operator} {_term(right)}"
        case t.Among(left=left, among=among):
            return f"{_term(left)}{_not(condition.negative)} in {_among(among)}"
        case t.InGroup(path=path, groups=groups):
            return f"{print_path(path)}{_not(condition.negative)} in group {_texts(groups)}"
        case t.Overlaps(path=path, among=among):
            return f"{print_path(path)} overlaps {_among(among)}"
        case t.Like(path=path, globs=globs):
            return f"{print_path(path)}{_not(condition.negative)} like {_texts(globs)}"
        case t.Within(path=path, networks=networks):
            return f"{print_path(path)}{_not(condition.negative)} within {_texts(networks)}"
        case t.Presence(path=path, present=present):
            return f"{print_path(path)} is {'present' if present else 'absent'}"
        case t.Window(start=start, end=end, zone=zone, days=days):
            on = "" if days is None else f" on {days.text if isinstance(days, t.Name) else _set(days)}"
            return f"between {start} and {end} in {zone.text}{on}"
        case _:
            assert_never(condition)


def print_path(path: t.Path) -> str:
    first, *rest = path.parts
    return ".".join([first, *(part if _NAME.fullmatch(part) else quote(part) for part in rest)])


def _joined(word: str, items: tuple[t.Condition, ...], column: int) -> list[str]:
    lines: list[str] = []
    for position, item in enumerate(items):
        before = word if position else ""
        if isinstance(item, t.And | t.Or) and column + len(before) + len(flat_condition(item)) + 2 > WIDTH:
            lines += [f"{before}(", *_inside(item, column), ")"]
        elif isinstance(item, t.And | t.Or):
            lines.append(f"{before}({flat_condition(item)})")
        else:
            first, *more = condition_lines(item, column + len(before))
            lines += [before + first, *more]
    return lines


def _inside(condition: t.Condition, column: int) -> list[str]:
    return [f"  {line}" for line in condition_lines(condition, column + 2)]


def _leaf_lines(condition: t.Condition, flat: str) -> list[str]:
    """A long comparison can only be broken in its set."""
    match condition:
        case t.Among(among=t.Items() as items) | t.Overlaps(among=t.Items() as items):
            pass
        case t.InGroup(groups=t.Items() as items) | t.Like(globs=t.Items() as items):
            pass
        case t.Within(networks=t.Items() as items):
            pass
        case _:
            return [flat]
    first, *more = set_lines(items, WIDTH)
    return [flat.removesuffix(_set(items)) + first, *more]


def _term(term: t.Term) -> str:
    match term:
        case t.Literal():
            return term.text
        case t.Path():
            return print_path(term)
        case t.Count():
            return f"count {print_path(term.path)}"
        case t.Age():
            return f"age of {print_path(term.path)}"
        case _:
            assert_never(term)


def _among(among: t.Path | t.Items) -> str:
    return print_path(among) if isinstance(among, t.Path) else _set(among)


def _texts(texts: t.Texts) -> str:
    return _set(texts) if isinstance(texts, t.Items) else texts.text


def _set(items: t.Items) -> str:
    return f"{{{', '.join(_spelt(items.items))}}}"


def _spelt(literals: Iterable[t.Literal]) -> Iterable[str]:
    return (literal.text for literal in literals)


def _not(negative: bool) -> str:
    return " not" if negative else ""
