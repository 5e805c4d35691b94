"""Gives the names of all `.gate` files a meaning, types their conditions and tells everything that is wrong at once.

`read_policies` is the way in for everybody: sources to typed policies and their tests. What cannot be a policy never
becomes one: with an error among the diagnostics nobody may go on to `lower`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.dsl import tree as t
from engine.dsl import typed as m
from engine.dsl.cases import Case, read_case
from engine.dsl.conditions import Conditions
from engine.dsl.contradictions import conflicts, unreachable
from engine.dsl.definitions import Unit, link, unused
from engine.dsl.mistake import unknown
from engine.dsl.outcomes import outcome
from engine.dsl.parser import parse
from engine.dsl.paths import find_path
from engine.dsl.rego_text import REGO_WORDS
from engine.dsl.types import PROTOCOLS
from engine.rego.contract import RuleKind
from engine.source import Diagnostic, Severity, Source, Span

_PACKAGE_PART = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Resolved:
    """All that some sources say, and all that is wrong with them, in the order of the sources and their lines."""

    policies: tuple[m.Policy, ...]
    cases: tuple[Case, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def is_sound(self) -> bool:
        """Whether there is no error among the diagnostics."""
        return all(one.severity is not Severity.ERROR for one in self.diagnostics)


def read_policies(sources: Sequence[Source]) -> Resolved:
    """Read, resolve and check a set of `.gate` files, which may import each other by their names."""
    parsed = {source.name: parse(source) for source in sources}
    problems = [problem for one in parsed.values() for problem in one.diagnostics]
    units = link(parsed, problems)
    policies: list[m.Policy] = []
    cases: list[Case] = []
    for unit in units.values():
        _check_definitions(unit, problems)
    for definition in (one for unit in units.values() for one in unit.own.values()):
        definition.used = False  # being checked is no use
    for unit in units.values():
        _read_unit(unit, policies, cases, problems)
    if all(problem.severity is not Severity.ERROR for problem in problems):
        problems += unused(units.values())
        problems += _without_rules(units.values(), policies)
    return Resolved(tuple(policies), tuple(cases), _in_order(problems, list(parsed)))


def _check_definitions(unit: Unit, problems: list[Diagnostic]) -> None:
    for definition in unit.own.values():
        Conditions(unit, problems).check(definition)


def _read_unit(unit: Unit, policies: list[m.Policy], cases: list[Case], problems: list[Diagnostic]) -> None:
    header = unit.file.header
    rules = [item for item in unit.file.items if isinstance(item, t.Rule)]
    tests = [item for item in unit.file.items if isinstance(item, t.Test)]
    if header.name is None:
        strangers: list[t.Rule | t.Test] = [*rules, *tests]
        for item in strangers:
            what = "rules" if isinstance(item, t.Rule) else "tests"
            help_ = "begin the file with `policy NAME`"
            problems.append(Diagnostic("MISPLACED", f"a library has no {what}", unit.source, _head(item), help=help_))
        return
    problems += _check_name(header, unit.source, policies)
    applies = _applies(unit, header, problems)
    found = [_rule(rule, unit, applies, problems) for rule in rules]
    problems += _check_rules(found)
    policy = m.Policy(".".join(header.name), _text(header.title), unit.source, tuple(found))
    policies.append(policy)
    codes = {rule.name: rule.code for rule in found}
    cases += [read_case(test, policy.name, codes, unit.source, problems) for test in tests]


def _without_rules(units: Iterable[Unit], policies: Sequence[m.Policy]) -> Iterator[Diagnostic]:
    empty = {policy.source for policy in policies if not policy.rules}
    for unit in units:
        if unit.source in empty:
            help_ = "a file of definitions begins with `library`"
            span = unit.file.header.span
            yield Diagnostic("NO_RULES", "this policy has no rules", unit.source, span, Severity.WARNING, help_)


def _check_name(header: t.Header, source: str, others: Sequence[m.Policy]) -> Iterator[Diagnostic]:
    parts = header.name or ()
    name = ".".join(parts)
    for part in parts:
        if _PACKAGE_PART.fullmatch(part) is None or part in REGO_WORDS:
            help_ = "letters, digits and `_`; no word of Rego such as `input` or `default`"
            yield Diagnostic(
                "POLICY_NAME", f"`{part}` cannot be a part of a policy's name", source, header.span, help=help_
            )
    for other in others:
        if other.name == name:
            message = f"policy `{name}` is also in `{other.source}`"
            yield Diagnostic("DUPLICATE", message, source, header.span, help="give one of them another name")


def _applies(unit: Unit, header: t.Header, problems: list[Diagnostic]) -> tuple[m.Condition, ...]:
    """The conditions that every rule of a policy begins with."""
    applies = header.applies
    if applies is None:
        return ()
    for name in applies.protocols:
        if name.text not in PROTOCOLS:
            wrong = unknown("UNKNOWN_PROTOCOL", "protocol", name.text, name.span, PROTOCOLS)
            problems.append(Diagnostic(wrong.code, str(wrong), unit.source, name.span, help=wrong.hint))
    first, last = applies.protocols[0].span, applies.protocols[-1].span
    place = m.Place(unit.source, Span(first.line, first.column, last.end_line, last.end_column))
    path = find_path(t.Path(("command", "protocol"), span=place.span), (), place)
    names = [m.Constant(name, place=place) for name in dict.fromkeys(one.text for one in applies.protocols)]
    protocol: m.Condition = m.InSet(path, tuple(names), place=place)
    if len(names) == 1:
        protocol = m.Compare(path, "==", names[0], place=place)
    if applies.where is None:
        return (protocol,)
    return (protocol, Conditions(unit, problems).resolve(applies.where))


def _rule(rule: t.Rule, unit: Unit, applies: tuple[m.Condition, ...], problems: list[Diagnostic]) -> m.Rule:
    before = len(problems)
    conditions = list(applies)
    for clause in rule.clauses:
        if isinstance(clause, t.When):
            condition = Conditions(unit, problems).resolve(clause.condition)
            # An `unless` is there because of its whole clause.
            place = m.Place(unit.source, clause.span)
            conditions.append(m.Not(condition, place=place) if clause.negative else condition)
    result = outcome(rule, unit.source, problems)
    found = m.Rule(
        rule.kind,
        rule.name.text,
        str(result["code"]),
        tuple(conditions),
        result,
        place=m.Place(unit.source, _head(rule)),
    )
    if len(problems) == before:
        problems += filter(None, [unreachable(found)])
        if rule.kind is RuleKind.ALLOW and not conditions:
            help_ = "say what it is for: `when ...`"
            message = f"`{rule.name.text}` allows every command to everybody"
            problems.append(
                Diagnostic("ALLOWS_EVERYTHING", message, unit.source, found.place.span, Severity.WARNING, help_)
            )
    return found


def _check_rules(rules: Sequence[m.Rule]) -> Iterator[Diagnostic]:
    seen: dict[str, m.Rule] = {}
    for rule in rules:
        other = seen.setdefault(rule.code, rule)
        if other is not rule:
            message = f"code `{rule.code}` is that of `{other.name}` on line {other.place.span.line}"
            help_ = "decisions name rules by their code: choose another"
            yield Diagnostic("DUPLICATE", message, rule.place.source, rule.place.span, help=help_)
    try:
        yield from conflicts(rules)
    except KeyError:
        # A mask whose method could not be read; that was told.
        return


def _head(item: t.Rule | t.Test) -> Span:
    """From the first word of an item to its name."""
    return Span(item.span.line, item.span.column, item.name.span.end_line, item.name.span.end_column)


def _text(literal: t.Literal | None) -> str:
    return "" if literal is None else str(literal.value)


def _in_order(problems: Sequence[Diagnostic], names: list[str]) -> tuple[Diagnostic, ...]:
    def key(problem: Diagnostic) -> tuple[int, int, int]:
        span = problem.span or Span(0, 0, 0, 0)
        return names.index(problem.source), span.line, span.column

    return tuple(sorted(dict.fromkeys(problems), key=key))
