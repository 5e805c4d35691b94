"""Conditions as the lines of Rego queries, in one of two modes.

HOLDS succeeds exactly where the condition is true; POSSIBLE exactly where it is not false: true or unknown. `not` is
pushed down to the leaves, each of which can be written as true and as false (`docs/language.md`, "how it is lowered").
So what cannot be unknown stands as plain literals that the index of candidates reads.

INVARIANT: a line begins with a letter, a digit or a quote: Rego would read `(`, `[` or `-` as going on with the line
above. And never `:=`, and never `in` or `not` on a path that may be absent without asking for its type first: the two
evaluators of the core differ there. Called by `lower.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias, assert_never

from engine.dsl import typed as m
from engine.dsl.analysis import free_variables, is_certain, merge
from engine.dsl.globs import glob_patterns
from engine.dsl.networks import both_families
from engine.dsl.paths import sort_of
from engine.dsl.rego_text import Variables, write, write_long, write_path, write_set, write_term
from engine.dsl.tree import Amount
from engine.dsl.types import Sort
from engine.dsl.windows import DAYS, MINUTES

NEGATED: Final = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
IS_OF: Final = {
    Sort.TEXT: "is_string",
    Sort.NUMBER: "is_number",
    Sort.TRUTH: "is_boolean",
    Sort.LIST: "is_array",
}
MOST_LINES = 48
"""How much a body may weigh: the RVM has 255 registers for a rule, and a literal takes up to five of them."""
_LOOP_WEIGHT = 4

_COMPOUND = re.compile(r"(?:not|some|every)\b")


class Mode(Enum):
    HOLDS = "holds"
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True)
class Line:
    """One literal of a query, and where it comes from. `body` are the lines inside an `every`."""

    text: str
    place: m.Place
    body: tuple[Line, ...] = ()


Query: TypeAlias = tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Helper:
    """A rule that holds when one of its bodies does; a function of the loop variables it reads."""

    head: str
    bodies: tuple[Query, ...]
    place: m.Place


@dataclass(slots=True)
class Queries:
    """Writes the conditions of one rule. `helpers` are the rules that these need; `first` numbers them."""

    first: int
    helpers: list[Helper] = field(default_factory=list)
    variables: int = 0
    numbers: int = 0
    made: dict[object, str] = field(default_factory=dict)

    def query(self, condition: m.Condition, negative: bool, mode: Mode, names: Variables) -> Query:
        """The lines of a condition or, with `negative`, of its opposite."""
        if mode is Mode.POSSIBLE and is_certain(condition):
            mode = Mode.HOLDS
        match condition:
            case m.Not():
                return self.query(condition.item, not negative, mode, names)
            case m.And() | m.Or():
                if isinstance(condition, m.Or) is negative:
                    return self.all_of(condition.items, negative, mode, names)
                if not negative and isinstance(condition, m.Or) and (merged := merge(condition)) is not None:
                    return self.query(merged, False, mode, names)
                return self._alternatives(condition, negative, mode, names)
            case m.Quantified():
                if mode is Mode.POSSIBLE and not condition.list.certain:
                    return self._unless(self.query(condition, not negative, Mode.HOLDS, names), condition, names)
                return self._quantified(condition, negative, mode, names)
            case m.Window():
                return self._window(condition, negative)
            case _:
                if mode is Mode.POSSIBLE:
                    return self._unless(self._leaf(condition, not negative, names), condition, names)
                return self._leaf(condition, negative, names)

    def all_of(self, conditions: Sequence[m.Condition], negative: bool, mode: Mode, names: Variables) -> Query:
        """The lines of several conditions, or of all their opposites."""
        return self._folded([(one, self.query(one, negative, mode, names)) for one in conditions], names)

    def _folded(self, parts: list[tuple[m.Condition, Query]], names: Variables) -> Query:
        """Lines one after the other; where they are too many for one rule, the later ones in rules of their own."""
        if sum(_weight(lines) for _, lines in parts) <= MOST_LINES:
            return tuple(line for _, lines in parts for line in lines)
        groups: list[list[tuple[m.Condition, Query]]] = [[]]
        for part in parts:
            if groups[-1] and sum(_weight(lines) for _, lines in groups[-1]) + _weight(part[1]) > MOST_LINES:
                groups.append([])
            groups[-1].append(part)
        if len(groups) == 1:
            return tuple(line for _, lines in groups[0] for line in lines)
        folded: list[tuple[m.Condition, Query]] = []
        for group in groups[1:]:
            together = m.And(tuple(condition for condition, _ in group), place=group[0][0].place)
            body = tuple(line for _, lines in group for line in lines)
            head = self._helper(self._number(), (body,), together, names)
            folded.append((together, (Line(head, together.place),)))
        # The first group stays, for the index; what would still be too many is folded again.
        first = tuple(line for _, lines in groups[0] for line in lines)
        return first + self._folded(folded, names)

    def _quantified(self, condition: m.Quantified, negative: bool, mode: Mode, names: Variables) -> Query:
        place, over = condition.place, condition.list
        variable = self._fresh()
        inner = {**names, condition.variable: variable}
        guard = (self._is(over, Sort.LIST, names, place),) if over.type.sort is Sort.ANY else ()
        # `every` finds a counter-example, `any` an example; `no` is the opposite of `any`.
        seeks = (condition.amount is Amount.ANY) is not negative
        body_negative = condition.amount is Amount.EVERY if seeks else condition.amount is not Amount.EVERY
        body = self.query(condition.body, body_negative, mode, inner)
        path = write_path(over, names)
        if seeks:
            return (*guard, Line(f"some {variable} in {path}", place), *body)
        return (*guard, Line(f"every {variable} in {path}", place, body or (Line("true", place),)))

    def _alternatives(self, condition: m.And | m.Or, negative: bool, mode: Mode, names: Variables) -> Query:
        key = (condition, negative, mode, tuple(sorted(names.items())))
        if key not in self.made:
            at, number = len(self.helpers), self._number()
            bodies = tuple(self.query(item, negative, mode, names) for item in condition.items)
            self.made[key] = self._helper(number, bodies, condition, names, at)
        return (Line(self.made[key], condition.place),)

    def _unless(self, lines: Query, condition: m.Condition, names: Variables) -> Query:
        """That not all of the lines hold; in place when it is one plain literal."""
        place = condition.place
        if len(lines) == 1 and not lines[0].body and not _COMPOUND.match(lines[0].text):
            return (Line(f"not {lines[0].text}", place),)
        key = ("unless", _shape(lines))
        if key not in self.made:
            self.made[key] = self._helper(self._number(), (lines,), condition, names)
        return (Line(f"not {self.made[key]}", place),)

    def _helper(
        self, number: int, bodies: tuple[Query, ...], condition: m.Condition, names: Variables, at: int | None = None
    ) -> str:
        """A rule for these bodies, before the helpers it needs itself (`at`)."""
        reads = sorted(names[variable] for variable in free_variables(condition))
        head = f"_{number}({', '.join(reads)})" if reads else f"_{number}"
        self.helpers.insert(len(self.helpers) if at is None else at, Helper(head, bodies, condition.place))
        return head

    def _number(self) -> int:
        self.numbers += 1
        return self.first + self.numbers - 1

    def _fresh(self) -> str:
        self.variables += 1
        return f"x{self.variables}"

    # --- leaves: exactly where the condition is true or, with `negative`, false

    def _leaf(self, condition: m.Condition, negative: bool, names: Variables) -> Query:
        place = condition.place
        match condition:
            case m.Compare():
                return self._compare(condition, negative, names)
            case m.InSet(path=path, items=items):
                sort = sort_of(items[0].value) if path.type.sort is Sort.ANY else path.type.plain
                guard = self._guard(path, sort, negative, names, place)
                return (*guard, Line(f"{_not(negative)}{write_path(path, names)} in {write_set(items)}", place))
            case m.Contains():
                return self._contains(condition, negative, names)
            case m.Overlaps():
                return self._overlaps(condition, negative, names)
            case m.Like(path=path):
                guard = self._guard(path, Sort.TEXT, negative, names, place)
                after = f", {write_path(path, names)})"
                return (*guard, *self._one_of(glob_patterns(condition.globs), "regex.match(", after, negative, place))
            case m.Within():
                return self._within(condition, negative, names)
            case m.Truth(path=path):
                return (Line(f"{write_path(path, names)} == {write(not negative)}", place),)
            case m.Present(path=path):
                return (Line(f"{_not(negative)}{write_path(path, names)} != null", place),)
            case m.And() | m.Or() | m.Not() | m.Quantified() | m.Window():
                raise TypeError("only conditions without parts come here")
            case _:
                assert_never(condition)

    def _compare(self, condition: m.Compare, negative: bool, names: Variables) -> Query:
        left, right, place = condition.left, condition.right, condition.place
        guards = [
            self._is(side, _sort(other), names, place)
            for side, other in ((left, right), (right, left))
            if isinstance(side, m.Path) and side.type.sort is Sort.ANY
        ]
        operator = NEGATED[condition.operator] if negative else condition.operator
        return (*guards, Line(f"{write_term(left, names)} {operator} {write_term(right, names)}", place))

    def _contains(self, condition: m.Contains, negative: bool, names: Variables) -> Query:
        over, item, place = condition.list, condition.item, condition.place
        guard = self._guard(over, Sort.LIST, negative, names, place)
        if negative and isinstance(item, m.Path) and not item.certain:
            guard = (*guard, self._is(item, item.type.plain, names, place))
        text = write_term(item, names)
        if text.startswith("-") and not negative:
            # A line never begins with a sign that would join it to the one above.
            variable = self._fresh()
            some = Line(f"some {variable} in {write_path(over, names)}", place)
            return (*guard, some, Line(f"{variable} == {text}", place))
        return (*guard, Line(f"{_not(negative)}{text} in {write_path(over, names)}", place))

    def _overlaps(self, condition: m.Overlaps, negative: bool, names: Variables) -> Query:
        over, place = condition.list, condition.place
        guard = (self._is(over, Sort.LIST, names, place),) if over.type.sort is Sort.ANY else ()
        variable, path = self._fresh(), write_path(over, names)
        inside = Line(f"{_not(negative)}{variable} in {write_set(condition.items)}", place)
        if negative:
            return (*guard, Line(f"every {variable} in {path}", place, (inside,)))
        return (*guard, Line(f"some {variable} in {path}", place), inside)

    def _within(self, condition: m.Within, negative: bool, names: Variables) -> Query:
        place, path = condition.place, write_path(condition.path, names)
        networks = list(dict.fromkeys(one for network in condition.networks for one in both_families(network)))
        guard = [] if condition.path.certain else [self._is(condition.path, Sort.TEXT, names, place)]
        # WHY: containment is an error for a text that is no address; what is one stands before any length.
        guard.append(Line(f'net.cidr_is_valid(concat("/", [{path}, "0"]))', place))
        return (*guard, *self._one_of(networks, "net.cidr_contains(", f", {path})", negative, place))

    def _one_of(self, texts: Sequence[str], before: str, after: str, negative: bool, place: m.Place) -> Query:
        """That a call holds for one of some texts or, with `negative`, for none."""
        call = _not(negative) + before
        if len(texts) == 1:
            return (Line(call + write(texts[0]) + after, place),)
        variable, among = self._fresh(), write_long(list(texts))
        inside = Line(call + variable + after, place)
        if negative:
            return (Line(f"every {variable} in {among}", place, (inside,)),)
        return (Line(f"some {variable} in {among}", place), inside)

    def _guard(self, path: m.Path, sort: Sort, negative: bool, names: Variables, place: m.Place) -> tuple[Line, ...]:
        """A type test before a membership or a builtin: always in free JSON, else only where `not` follows."""
        if path.type.sort is Sort.ANY or (negative and not path.certain):
            return (self._is(path, sort, names, place),)
        return ()

    def _is(self, path: m.Path, sort: Sort, names: Variables, place: m.Place) -> Line:
        return Line(f"{IS_OF[sort]}({write_path(path, names)})", place)

    # --- time

    def _window(self, window: m.Window, negative: bool) -> Query:
        """Times of day. Never unknown, so its opposite is `not` of it."""
        place = window.place
        if window.start < window.end:
            bodies = [self._stretch(window, window.start, window.end, window.days)]
        else:
            after = frozenset((day + 1) % 7 for day in window.days)
            bodies = [
                self._stretch(window, window.start, MINUTES, window.days),
                self._stretch(window, 0, window.end, after),
            ]
        if len(bodies) == 1 and not negative:
            return bodies[0] or (Line("true", place),)
        key = ("window", window)
        if key not in self.made:
            filled = tuple(body or (Line("true", place),) for body in bodies)
            self.made[key] = self._helper(self._number(), filled, window, {})
        return (Line(f"{_not(negative)}{self.made[key]}", place),)

    def _stretch(self, window: m.Window, start: int, end: int, days: frozenset[int]) -> Query:
        now = f"[time.now_ns(), {write(window.zone)}]"
        lines: list[Line] = []
        if start > 0 or end < MINUTES:
            clock = self._fresh()
            lines.append(Line(f"some {clock} in [time.clock({now})]", window.place))
            minute = f"{clock}[0] * 60 + {clock}[1]"
            if start > 0:
                lines.append(Line(f"{minute} >= {start}", window.place))
            if end < MINUTES:
                lines.append(Line(f"{minute} < {end}", window.place))
        if len(days) < len(DAYS):
            named = ", ".join(write(DAYS[day].capitalize()) for day in sorted(days))
            lines.append(Line(f"time.weekday({now}) in {{{named}}}", window.place))
        return tuple(lines)


def _sort(term: m.Term) -> Sort:
    match term:
        case m.Constant():
            return sort_of(term.value)
        case m.Path():
            return term.type.plain
        case m.Count() | m.Age():
            return Sort.NUMBER
        case _:
            assert_never(term)


def _weight(lines: Query) -> int:
    """How much lines take of a rule: literals, and more for loops."""
    return sum(_LOOP_WEIGHT + _weight(line.body) if line.body or line.text.startswith("some ") else 1 for line in lines)


def _not(negative: bool) -> str:
    return "not " if negative else ""


def _shape(lines: Query) -> tuple[object, ...]:
    return tuple((line.text, _shape(line.body)) for line in lines)
