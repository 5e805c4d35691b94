"""The names that `define` and `import` give, file by file; who uses which, and which nobody uses.

Called by `resolver.py`. What a definition means is resolved where it is used (`conditions.py`): it is put in place, so
that what a rule asks stays visible to the index of candidates.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from engine.dsl import tree as t
from engine.dsl.parser import Parsed, is_word
from engine.dsl.types import INNER_NOUNS, NOUNS, Sort, Type, input_type
from engine.source import Diagnostic, Severity, Span


@dataclass(slots=True)
class Definition:
    """A name, what it stands for, the file it is in, and the names seen there."""

    name: t.Name
    meaning: t.Condition | t.Items
    unit: Unit
    used: bool = False
    is_refused: bool = False
    """Too large or without an end: told where it stands, and no further mistake where it is used."""


@dataclass(slots=True)
class Unit:
    """One file: the names it defines itself and all it sees. `lost`: names whose definition could not be read."""

    source: str
    file: t.File
    own: dict[str, Definition] = field(default_factory=dict)
    seen: dict[str, Definition] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)


def link(parsed: Mapping[str, Parsed], problems: list[Diagnostic]) -> dict[str, Unit]:
    """The units of all files that could be read, their imports followed. What is wrong goes to `problems`."""
    units = {name: Unit(name, one.file, lost=set(one.lost)) for name, one in parsed.items() if one.file is not None}
    for unit in units.values():
        _define(unit, problems)
    for unit in units.values():
        _import(unit, units, parsed, problems)
    return units


def unused(units: Iterable[Unit]) -> list[Diagnostic]:
    """A warning for each definition of a policy file that nobody uses. To be asked when everything is resolved."""
    found: list[Diagnostic] = []
    for unit in units:
        if unit.file.header.name is None:
            continue
        for definition in unit.own.values():
            if not definition.used:
                message = f"nothing uses `{definition.name.text}`"
                found.append(_problem("UNUSED", message, unit, definition.name.span, "delete it", Severity.WARNING))
    return found


def field_names() -> frozenset[str]:
    """Every name a condition can begin with without a definition: fields of the request and of what `has` goes over."""
    return frozenset(_FIELDS)


def _define(unit: Unit, problems: list[Diagnostic]) -> None:
    for item in unit.file.items:
        if not isinstance(item, t.Define):
            continue
        name = item.name.text
        if name in unit.own:
            line = unit.own[name].name.span.line
            problems.append(_problem("DUPLICATE", f"`{name}` is defined already, on line {line}", unit, item.name.span))
            continue
        if is_word(name) or name in _FIELDS:
            what = "a word of the language" if is_word(name) else "a field"
            help_ = "choose another name: a condition could mean either"
            problems.append(_problem("SHADOWED", f"`{name}` is {what} already", unit, item.name.span, help_))
            unit.lost.add(name)
            continue
        unit.own[name] = unit.seen[name] = Definition(item.name, item.meaning, unit)


def _import(unit: Unit, units: Mapping[str, Unit], parsed: Mapping[str, Parsed], problems: list[Diagnostic]) -> None:
    for item in unit.file.items:
        if not isinstance(item, t.Import):
            continue
        written = str(item.file.value)
        target = posixpath.normpath(posixpath.join(posixpath.dirname(unit.source), written))
        other = units.get(target)
        if target == unit.source:
            problems.append(_problem("IMPORT", "a file cannot import itself", unit, item.file.span))
        elif other is not None:
            _take(unit, other, item, problems)
            unit.lost |= other.lost
        elif target in parsed:
            # The file is there and broken: its own diagnostics say how, and its names are no further mistakes.
            unit.lost.add("*")
        else:
            near = get_close_matches(target, list(parsed), 1, 0.6)
            help_ = (
                f"did you mean `{posixpath.relpath(near[0], posixpath.dirname(unit.source) or '.')}`?" if near else ""
            )
            help_ = help_ or "the path is relative to this file and stays inside the policy folder"
            unit.lost.add("*")
            problems.append(_problem("IMPORT", f"there is no file `{written}`", unit, item.file.span, help_))


def _take(unit: Unit, other: Unit, item: t.Import, problems: list[Diagnostic]) -> None:
    if not other.own and not other.lost:
        message = f"`{item.file.value}` defines nothing"
        problems.append(_problem("IMPORT", message, unit, item.file.span, "only what `define` names is imported"))
    for name, definition in other.own.items():
        here = unit.seen.get(name)
        if here is not None and here is not definition:
            message = f"`{name}` comes from `{here.unit.source}` and from `{other.source}`"
            problems.append(_problem("SHADOWED", message, unit, item.file.span, "rename one of the two"))
            continue
        unit.seen[name] = definition


def _problem(
    code: str, message: str, unit: Unit, span: Span, help_: str = "", severity: Severity = Severity.ERROR
) -> Diagnostic:
    return Diagnostic(code, message, unit.source, span, severity, help_)


def _fields_of(type_: Type) -> set[str]:
    item = type_.item
    if item is None or item.sort is not Sort.RECORD:
        return set()
    return set(item.fields).union(*(_fields_of(below.type) for below in item.fields.values()))


def _all_fields() -> set[str]:
    found = {"it", *input_type().fields, *NOUNS, *INNER_NOUNS}
    for keys in NOUNS.values():
        at = input_type()
        for key in keys:
            at = at.fields[key].type
        found |= _fields_of(at)
    return found


_FIELDS = _all_fields()
