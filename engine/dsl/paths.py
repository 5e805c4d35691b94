"""Paths and constants: which field a path means in its scope, and whether a constant fits a type.

Called by `conditions.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.dsl import tree as t
from engine.dsl.mistake import Mistake, unknown
from engine.dsl.parser import is_word
from engine.dsl.tree import LiteralKind
from engine.dsl.typed import INPUT, Constant, Path, Place
from engine.dsl.types import INNER_NOUNS, NOUNS, Sort, Type, input_type
from engine.source import Span


@dataclass(frozen=True, slots=True)
class Bound:
    """One item of a list that a quantifier goes over."""

    variable: str
    type: Type


def find_path(node: t.Path, scope: Sequence[Bound], place: Place, names: Iterable[str] = ()) -> Path:
    """The field that a path means: of the innermost item that has it, else of the request. Raises Mistake.

    `names` are those of the definitions, for a suggestion.
    """
    first = node.parts[0]
    if first == "it":
        if not scope:
            raise Mistake("IT", "`it` stands outside of `any ... has`", node.span, "`it` is an item of a list")
        inner = scope[-1]
        return _walk(inner.variable, inner.type, node.parts[1:], True, place, node.span)
    for bound in reversed(scope):
        if bound.type.sort is Sort.RECORD and first in bound.type.fields:
            return _walk(bound.variable, bound.type, node.parts, True, place, node.span)
    if first in input_type().fields:
        return _walk(INPUT, input_type(), node.parts, True, place, node.span)
    if is_word(first) and not _whose(first):
        hint = "is the condition before it missing?"
        raise Mistake("UNKNOWN_NAME", f"`{first}` is a word of the language, not a field", node.span, hint)
    known = [*names, *input_type().fields, *(name for bound in scope for name in bound.type.fields)]
    raise unknown("UNKNOWN_NAME", "name", first, node.span, known, _whose(first))


def find_list(node: t.Path, scope: Sequence[Bound], place: Place) -> Path:
    """The list that a quantifier goes over: by the word for one item, or by its path. Raises Mistake."""
    word = node.parts[0]
    if len(node.parts) > 1 or word == "it":
        path = find_path(node, scope, place)
        if path.type.sort not in (Sort.LIST, Sort.ANY):
            raise Mistake("TYPE", f"`{path}` is {path.type}, not a list", node.span, "`any ... has` goes over a list")
        return path
    if word in INNER_NOUNS:
        key = INNER_NOUNS[word]
        for bound in reversed(scope):
            if key in bound.type.fields:
                return _walk(bound.variable, bound.type, (key,), True, place, node.span)
        holder = "output" if word in ("origin", "call") else "operation"
        message = f"`{word}` is a part of an {holder}"
        raise Mistake("UNKNOWN_NOUN", message, node.span, f"write `any {holder} has any {word} has ...`")
    if word not in NOUNS:
        raise unknown("UNKNOWN_NOUN", "list", word, node.span, [*NOUNS, *(INNER_NOUNS if scope else ())])
    return _walk(INPUT, input_type(), NOUNS[word], True, place, node.span)


def fit(type_: Type, literal: t.Literal, place: Place) -> Constant:
    """A constant to be compared with a value of this type. Raises Mistake."""
    kind, value = literal.kind, literal.value
    is_text = kind in (LiteralKind.TEXT, LiteralKind.WORD)
    match type_.sort:
        case Sort.TEXT:
            fits = is_text
        case Sort.CHOICE:
            fits = is_text
            if fits and value not in type_.values:
                raise unknown("UNKNOWN_VALUE", "value", str(value), literal.span, type_.values)
        case Sort.NUMBER:
            fits = kind in (LiteralKind.NUMBER, LiteralKind.SIZE)
        case Sort.TRUTH:
            fits = kind is LiteralKind.TRUTH
        case Sort.ANY:
            fits = kind is not LiteralKind.DURATION
        case Sort.ADDRESS:
            message = "addresses are not compared as texts"
            raise Mistake("TYPE", message, literal.span, 'write `within "10.0.0.0/8"`')
        case _:
            fits = False
    if not fits:
        hint = "how long ago a time is: `age of TIME < 15m`" if kind is LiteralKind.DURATION else ""
        raise Mistake("TYPE", f"`{literal.text[:60]}` is {_KINDS[kind]}, here stands {type_}", literal.span, hint)
    return Constant(value, place=place)


def fit_all(type_: Type, items: t.Items, place: Place) -> tuple[Constant, ...]:
    """Every constant of a set, without doubles. Raises Mistake; also for an empty set, which nothing is in."""
    if not items.items:
        raise Mistake("EMPTY_SET", "nothing is in an empty set", items.span, "name at least one value")
    found = tuple(dict.fromkeys(fit(type_, item, place) for item in items.items))
    if type_.sort is Sort.ANY and len({sort_of(item.value) for item in found}) > 1:
        raise Mistake("TYPE", "the values of this set are of different types", items.span, "compare them one by one")
    return found


def sort_of(value: str | int | float | bool) -> Sort:
    """TEXT, NUMBER or TRUTH."""
    if isinstance(value, bool):
        return Sort.TRUTH
    return Sort.TEXT if isinstance(value, str) else Sort.NUMBER


_KINDS = {
    LiteralKind.TEXT: "a text",
    LiteralKind.WORD: "a text",
    LiteralKind.NUMBER: "a number",
    LiteralKind.DURATION: "a duration",
    LiteralKind.SIZE: "a size",
    LiteralKind.TRUTH: "true or false",
}


def _walk(base: str, type_: Type, keys: Sequence[str], certain: bool, place: Place, span: Span) -> Path:
    for position, key in enumerate(keys):
        match type_.sort:
            case Sort.RECORD:
                field = type_.fields.get(key)
                if field is not None:
                    type_, certain = field.type, certain and not field.optional
                elif type_.rest is not None:
                    type_, certain = type_.rest, False
                else:
                    owner = ".".join(keys[:position])
                    what = f"field of `{owner}`" if owner else "field"
                    raise unknown("UNKNOWN_FIELD", what, key, span, type_.fields)
            case Sort.ANY:
                certain = False
            case Sort.LIST:
                owner = ".".join(keys[:position])
                hint = f"ask for its items: `any {owner} has ...`"
                raise Mistake("UNKNOWN_FIELD", f"`{owner}` is a list and has no field `{key}`", span, hint)
            case _:
                owner = ".".join(keys[:position]) or "it"
                raise Mistake("UNKNOWN_FIELD", f"`{owner}` is {type_} and has no field `{key}`", span)
    return Path(base, tuple(keys), type_, certain and type_.sort is not Sort.ANY, place=place)


def _whose(field: str) -> str:
    """For a field of an item that is asked for outside of its `has`."""
    for word, keys in NOUNS.items():
        type_ = input_type()
        for key in keys:
            type_ = type_.fields[key].type
        item = type_.item
        if item is None:
            continue
        if field in item.fields:
            return f"`{field}` is a field of an {word}: `any {word} has (...)`, the parentheses around all it must meet"
        for inner, key in INNER_NOUNS.items():
            below = item.fields[key].type.item if key in item.fields else None
            if below is not None and field in below.fields:
                return f"`{field}` is a field of a {inner}: `any {word} has any {inner} has (...)`"
    return ""
