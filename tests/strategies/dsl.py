"""Well-typed policies of the language, as trees, and requests that meet them; from Hypothesis or from a seeded Random.

Everything is drawn from the types of the input document, so a field added there is asked about from then on.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Protocol, TypeVar

from hypothesis import strategies as st

from engine.dsl import tree as t
from engine.dsl.literals import quote
from engine.dsl.types import INNER_NOUNS, NOUNS, PROTOCOLS, Sort, Type, input_type
from engine.dsl.vocabulary import words
from engine.rego.contract import RuleKind
from engine.request import Json

T = TypeVar("T")
N = TypeVar("N", bound=t.Commented)

TEXTS = ("a", "b", "a.b", "a.c.b", "", "pci", "é", "a\n", "A", 'q"\\', "10.0.0.1")
NUMBERS: tuple[int | float, ...] = (0, 1, 2, -1, 1.5, 1.0, 9007199254740993, 2**63 - 1, 0.1)
GLOBS = ("*", "a*", "a.*", "**.b", "?", "a.**", "é", "a", "*.b", "a\\[", "[^a]", "a|b", "")
ADDRESSES = (
    "10.0.0.1",
    "10.1.2.3",
    "192.168.1.9",
    "::1",
    "2001:db8::5",
    "::ffff:10.0.0.1",
    "local",
    "",
    "fe80::1%e0",
    "10.0.0.1/8",
    "01.2.3.4",
)
NETWORKS = (
    "10.0.0.0/8",
    "10.0.0.0/24",
    "0.0.0.0/0",
    "2001:db8::/32",
    "::/0",
    "192.168.1.9/32",
    "::ffff:0:0/96",
    "::ffff:10.0.0.0/104",
    "fe80::/10",
)
ZONES = ("UTC", "Europe/Zurich", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
TIMES = ("00:00", "02:30", "09:00", "18:00", "23:59", "24:00")
KEYS = ("environment", "x-y", "lvl", "in")
MINUTE = 60 * 10**9
START = 1_774_000_000 * 10**9
"""Not long before Europe's clocks go forward in 2026."""


class Pick(Protocol):
    """Where choices come from."""

    def one(self, options: Sequence[T]) -> T: ...
    def upto(self, largest: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Seeded:
    """Choices of a `random.Random`: many and fast."""

    chance: random.Random

    def one(self, options: Sequence[T]) -> T:
        return self.chance.choice(options)

    def upto(self, largest: int) -> int:
        return self.chance.randint(0, largest)


@dataclass(frozen=True, slots=True)
class Drawn:
    """Choices of Hypothesis, which shrinks them."""

    draw: st.DrawFn

    def one(self, options: Sequence[T]) -> T:
        return options[self.draw(st.integers(0, len(options) - 1))]

    def upto(self, largest: int) -> int:
        return self.draw(st.integers(0, largest))


@dataclass(frozen=True, slots=True)
class Field:
    """A path that a condition may ask about."""

    parts: tuple[str, ...]
    type: Type
    certain: bool

    @property
    def path(self) -> t.Path:
        return t.Path(self.parts)


@st.composite
def files(draw: st.DrawFn, rules: int = 4, depth: int = 3) -> t.File:
    """A policy without mistakes."""
    return policy(Drawn(draw), rules, depth)


@st.composite
def written_files(draw: st.DrawFn) -> t.File:
    """A file with every kind of item, clause and comment. It can be read; that it means something is not promised."""
    pick = Drawn(draw)
    file = policy(pick, 1, 2)
    items: list[t.Item] = [*file.items, _hold(pick), _mask(pick), _limit(pick), _test(pick)]
    imports = tuple(t.Import(_text(name)) for name in ("lib/a.gate", "b.gate")[: pick.upto(2)])
    chosen = [item for item in items if pick.upto(3)]
    header = file.header if pick.upto(3) else t.Header(None, file.header.title)
    made = t.File(header, (*imports, *chosen))
    return with_comments(pick, made) if pick.upto(2) else made


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Json]:
    """A valid input document."""
    return document(Drawn(draw))


def instants() -> st.SearchStrategy[int]:
    return st.integers(0, 20_000).map(lambda minutes: START + minutes * MINUTE)


def policy(pick: Pick, rules: int = 4, depth: int = 3) -> t.File:
    defines: list[t.Define] = [
        t.Define(t.Name("d0"), condition(pick, 2, ())),
        t.Define(t.Name("d1"), t.Items(tuple(_text(value) for value in _some(pick, TEXTS)))),
    ]
    applies = None
    if pick.upto(1):
        protocols = tuple(t.Name(name) for name in _some(pick, PROTOCOLS[:3]))
        where = condition(pick, 1, ()) if pick.upto(1) else None
        applies = t.Applies(protocols, where)
    made = tuple(_rule(pick, f"r{number}", depth) for number in range(rules))
    return t.File(t.Header(("p", "q"), _text("Title") if pick.upto(1) else None, applies), (*defines, *made))


def wide_policy(pick: Pick) -> t.File:
    """A policy whose rules ask more than fits one rule of Rego, inside and outside of loops."""
    operation = _item_of("operation")
    rules: list[t.Rule] = []
    for number, kind in enumerate((RuleKind.DENY, RuleKind.ALLOW)):
        outside = tuple(atom(pick, ()) for _ in range(30 + pick.upto(50)))
        inside = tuple(atom(pick, (operation,)) for _ in range(30 + pick.upto(50)))
        joined = pick.one((t.And, t.Or))
        loop = t.Quantified(pick.one(tuple(t.Amount)), t.Path(("operation",)), pick.one((t.And, t.Or))(inside))
        clause = t.When(t.Or((joined(outside), loop)) if pick.upto(1) else t.And((joined(outside), t.Not(loop))))
        rules.append(t.Rule(kind, t.Name(f"r{number}"), clauses=(clause,)))
    names = tuple(_text(f"name_{number}*") for number in range(200)) + tuple(_text(one) for one in GLOBS)
    many = t.Like(t.Path(("resource", "name")), t.Items(names), bool(pick.upto(1)))
    rules.append(t.Rule(RuleKind.DENY, t.Name("many"), clauses=(t.When(many),)))
    names_of_sets = t.Define(t.Name("d1"), t.Items((_text("a"), _text("b"))))
    return t.File(t.Header(("p", "q")), (names_of_sets, *rules))


def _item_of(noun: str) -> Type:
    at = input_type()
    for key in NOUNS[noun]:
        at = at.fields[key].type
    if at.item is None:
        raise TypeError(f"{noun} is no list")
    return at.item


def _rule(pick: Pick, name: str, depth: int) -> t.Rule:
    kind = pick.one((RuleKind.DENY, RuleKind.HOLD, RuleKind.ALLOW, RuleKind.ALLOW, RuleKind.MASK, RuleKind.LIMIT))
    clauses: list[t.Clause] = []
    for _ in range(pick.one((0, 1, 1, 1, 2))):
        what = condition(pick, depth, ())
        if pick.upto(5) == 0:
            what = t.And((t.Truth(t.Path(("d0",))), what))
        clauses.append(t.When(what, negative=pick.upto(2) == 0))
    fields: tuple[t.Fields, ...] = ()
    method = limit = None
    if kind is RuleKind.HOLD:
        clauses.append(t.Approvers((t.Approver(True, _text("dba")),)))
    if kind is RuleKind.MASK:
        fields = (t.Fields(t.Where.COLUMNS, (_text("a.b"),)),)
        method = t.Method(t.Name("redact"))
    if kind is RuleKind.LIMIT:
        limit = t.Limit(t.Name("rows"), _number(5))
    return t.Rule(kind, t.Name(name), None, fields, method, limit, tuple(clauses))


def _clauses(pick: Pick) -> list[t.Clause]:
    found: list[t.Clause] = [t.When(condition(pick, 2, ()), bool(pick.upto(1))) for _ in range(pick.upto(2))]
    return found + [t.Remark(note, _text(pick.one(TEXTS))) for note in t.Note if pick.upto(2) == 0]


def _hold(pick: Pick) -> t.Rule:
    who = tuple(t.Approver(bool(pick.upto(1)), _text(name)) for name in ("dba", "ana")[: 1 + pick.upto(1)])
    clauses = [*_clauses(pick), t.Approvers(who, _number(1) if pick.upto(1) else None)]
    if pick.upto(1):
        clauses += [t.Expires(t.Literal(t.LiteralKind.DURATION, 900_000, "15m")), t.Withdraw(bool(pick.upto(1)))]
    minutes = [t.Literal(t.LiteralKind.DURATION, 60_000 * many, f"{many}m") for many in (1, 2)]
    if pick.upto(1):
        clauses += [t.Remember(minutes[0])]
    clauses += [t.Escalate(after, who, bool(pick.upto(1))) for after in minutes[: pick.upto(2)]]
    return t.Rule(RuleKind.HOLD, t.Name("waits"), _title(pick), clauses=tuple(clauses))


def _mask(pick: Pick) -> t.Rule:
    columns = tuple(_text(f"schema.table.column_{number}") for number in range(1 + pick.upto(6)))
    words = tuple(t.Literal(t.LiteralKind.WORD, word, word) for word in ("secret.*", "pii.email")[: 1 + pick.upto(1)])
    places = [t.Fields(t.Where.COLUMNS, columns), t.Fields(t.Where.VALUES, words), t.Fields(t.Where.PATHS, columns[:1])]
    method = pick.one(
        (
            t.Method(t.Name("redact")),
            t.Method(t.Name("partial"), (t.Parameter("keep_first", _number(2)), t.Parameter("keep_last", _number(4)))),
            t.Method(t.Name("hash"), (t.Parameter("key", _text("k")),)),
        )
    )
    chosen, clauses = tuple(places[: 1 + pick.upto(2)]), _clauses(pick)
    if pick.upto(2) == 0:
        chosen = (places[1], t.Fields(t.Where.WITHIN, columns))
    if pick.upto(2) == 0:
        clauses.append(t.PermitsEquality())
    return t.Rule(RuleKind.MASK, t.Name("hides"), _title(pick), chosen, method, clauses=tuple(clauses))


def _limit(pick: Pick) -> t.Rule:
    limit = pick.one((t.Limit(t.Name("rows"), _number(10)), t.Limit(t.Name("read_only"))))
    return t.Rule(RuleKind.LIMIT, t.Name("slows"), _title(pick), limit=limit, clauses=tuple(_clauses(pick)))


def _test(pick: Pick) -> t.Test:
    facts: list[t.Principal | t.Resource | t.Now | t.Fact] = [
        t.Principal(_text("ana"), t.Name("agent") if pick.upto(1) else None, t.Items((_text("a"), _text("b")))),
        t.Resource(_text("r"), (("environment", _text("prod")), ("x y", _text("z"))), None, _text("app")),
        t.Now(_text("2026-03-02T10:00:00Z")),
        t.Fact(t.Path(("context", "a b", "c")), _number(1)),
    ]
    given = tuple(t.Given(tuple(facts[: 1 + pick.upto(3)])) for _ in range(pick.upto(2)))
    rules = tuple(t.Name(name) for name in ("waits", "hides")[: pick.upto(2)])
    return t.Test(_text("a test"), given, t.Run(t.Name("postgres"), _text("SELECT 1")), t.Expect("deny", rules))


def _title(pick: Pick) -> t.Literal | None:
    return _text("A title that says why") if pick.upto(1) else None


COMMENTS = ("why", "", "# more", 'a "text"', "é")


def with_comments(pick: Pick, file: t.File) -> t.File:
    """The same file with comments wherever one may stand."""

    def said(node: N) -> N:
        above = tuple(pick.one(COMMENTS) for _ in range(pick.one((0, 0, 1, 2))))
        return replace(node, above=above, beside=pick.one(("", "", "why", 'a "text"')))

    def within(item: t.Item) -> t.Item:
        own = said(item)
        match own:
            case t.Rule():
                return replace(
                    own,
                    fields=tuple(said(one) for one in own.fields),
                    method=said(own.method) if own.method is not None else None,
                    limit=said(own.limit) if own.limit is not None else None,
                    clauses=tuple(said(one) for one in own.clauses),
                )
            case t.Test():
                given = tuple(said(one) for one in own.given)
                return replace(own, given=given, run=said(own.run), expect=said(own.expect))
            case _:
                return own

    header = said(file.header)
    if header.applies is not None:
        header = replace(header, applies=said(header.applies))
    below = tuple(pick.one(COMMENTS) for _ in range(pick.upto(2)))
    return t.File(header, tuple(within(item) for item in file.items), below)


def condition(pick: Pick, depth: int, scope: tuple[Type, ...]) -> t.Condition:
    """A well-typed condition; `scope` are the items of the quantifiers around it."""
    kind = pick.upto(11) if depth else 0
    match kind:
        case 0 | 1 | 2 | 3:
            return atom(pick, scope)
        case 4 | 5:
            return t.And(tuple(condition(pick, depth - 1, scope) for _ in range(2 + pick.upto(1))))
        case 6 | 7:
            return t.Or(tuple(condition(pick, depth - 1, scope) for _ in range(2 + pick.upto(1))))
        case 8:
            return t.Not(condition(pick, depth - 1, scope))
        case _:
            noun, item = pick.one(_nouns(scope))
            body = condition(pick, depth - 1, (*scope, item))
            return t.Quantified(pick.one(tuple(t.Amount)), t.Path(noun), body)


def atom(pick: Pick, scope: tuple[Type, ...]) -> t.Condition:
    """A comparison."""
    field = pick.one(_fields(scope, pick.upto(3) > 0))
    if not field.certain and pick.upto(6) == 0:
        return t.Presence(field.path, bool(pick.upto(1)))
    match field.type.sort:
        case Sort.TEXT | Sort.CHOICE:
            return _about_text(pick, field, scope)
        case Sort.ADDRESS:
            return t.Within(field.path, _texts(pick, NETWORKS), bool(pick.upto(1)))
        case Sort.NUMBER:
            return _about_number(pick, field, scope)
        case Sort.TIME:
            age = t.Age(field.path)
            return t.Compare(age, _operator(pick), t.Literal(t.LiteralKind.DURATION, 15 * 60_000, "15m"))
        case Sort.TRUTH:
            truth = _truth(pick)
            return pick.one((t.Truth(field.path), t.Is(field.path, truth), t.Compare(field.path, "!=", truth)))
        case Sort.LIST:
            return _about_list(pick, field, scope)
        case _:
            return _about_anything(pick, field)


def _about_text(pick: Pick, field: Field, scope: tuple[Type, ...]) -> t.Condition:
    values = [_text(value) for value in _words(field.type)]
    match pick.upto(6):
        case 0:
            return t.Among(field.path, t.Items(tuple(_some(pick, values))), bool(pick.upto(1)))
        case 1:
            return t.Like(field.path, _texts(pick, GLOBS), bool(pick.upto(1)))
        case 2:
            other = pick.one(
                [one for one in _fields(scope, False) if one.type.sort in (Sort.TEXT, Sort.CHOICE, Sort.ANY)]
            )
            return t.Compare(field.path, pick.one(("==", "!=")), other.path)
        case 3:
            lists = [
                one for one in _fields(scope, False) if one.type.item is not None and one.type.item.plain is Sort.TEXT
            ]
            return t.Among(field.path, pick.one(lists).path, bool(pick.upto(1)))
        case 4 if _words(field.type) is TEXTS:
            return t.Among(field.path, t.Path(("d1",)), bool(pick.upto(1)))
        case 5:
            return t.Window(*_times(pick), _text(pick.one(ZONES)), _days(pick))
        case _:
            if pick.upto(1):
                return t.Is(field.path, pick.one(values))
            return t.Compare(field.path, pick.one(("==", "!=")), pick.one(values))


def _about_number(pick: Pick, field: Field, scope: tuple[Type, ...]) -> t.Condition:
    match pick.upto(3):
        case 0:
            numbers = [one for one in _fields(scope, False) if one.type.sort in (Sort.NUMBER, Sort.ANY)]
            return t.Compare(field.path, _operator(pick), pick.one(numbers).path)
        case 1:
            items = tuple(_number(value) for value in _some(pick, NUMBERS))
            return t.Among(field.path, t.Items(items), bool(pick.upto(1)))
        case 2:
            return t.Compare(_number(pick.one(NUMBERS)), _operator(pick), field.path)
        case _:
            return t.Compare(field.path, _operator(pick), _number(pick.one(NUMBERS)))


def _about_list(pick: Pick, field: Field, scope: tuple[Type, ...]) -> t.Condition:
    item = field.type.item
    if item is None or item.plain is not Sort.TEXT or pick.upto(3) == 0:
        return t.Compare(t.Count(field.path), _operator(pick), _number(pick.upto(2)))
    values = [_text(value) for value in _words(item)]
    if pick.upto(1):
        return t.Overlaps(field.path, t.Items(tuple(_some(pick, values))))
    return t.Among(pick.one(values), field.path, bool(pick.upto(1)))


def _about_anything(pick: Pick, field: Field) -> t.Condition:
    path = field.path
    match pick.upto(8):
        case 0:
            return t.Truth(path)
        case 1:
            return t.Like(path, _texts(pick, GLOBS))
        case 2:
            return t.Compare(path, pick.one(("<", ">=", "<=", ">")), _number(pick.one(NUMBERS)))
        case 3:
            return t.Among(path, t.Items(tuple(_text(value) for value in _some(pick, TEXTS))), bool(pick.upto(1)))
        case 4:
            return t.Among(pick.one((_text("a"), _number(1), _number(-1), _truth(pick))), path, bool(pick.upto(1)))
        case 5:
            return t.Overlaps(path, t.Items((_text("a"), _text("pci"))))
        case 6:
            return t.Within(path, _texts(pick, NETWORKS))
        case 7:
            inner = t.Compare(t.Path(("it",)), pick.one(("==", "!=")), pick.one((_text("a"), _number(1))))
            return t.Quantified(pick.one(tuple(t.Amount)), path, inner)
        case _:
            return t.Compare(
                path, pick.one(("==", "!=")), pick.one((_text("a"), _text("pci"), _number(1), _truth(pick)))
            )


# --- fields and nouns


def _fields(scope: tuple[Type, ...], inner: bool) -> Sequence[Field]:
    """What may be asked here; with `inner` only about the innermost item, if it has anything to ask."""
    if not scope:
        return _root_fields()
    own = _item_fields(scope[-1])
    return own if inner and own else (*own, *_root_fields())


@cache
def _root_fields() -> tuple[Field, ...]:
    return tuple(_below((), input_type(), True))


def _item_fields(item: Type) -> tuple[Field, ...]:
    if item.sort is not Sort.RECORD:
        return (Field(("it",), item, item.sort is not Sort.ANY),)
    return tuple(_below((), item, True))


def _below(parts: tuple[str, ...], type_: Type, certain: bool) -> Iterator[Field]:
    if type_.sort is Sort.RECORD:
        for name, field in type_.fields.items():
            yield from _below((*parts, name), field.type, certain and not field.optional)
        if type_.rest is not None:
            for key in KEYS:
                yield from _below((*parts, key), type_.rest, False)
            if type_.rest.sort is Sort.ANY:
                yield from _below((*parts, "deep", "k"), type_.rest, False)
    elif parts:
        yield Field(parts, type_, certain and type_.sort is not Sort.ANY)


def _nouns(scope: tuple[Type, ...]) -> list[tuple[tuple[str, ...], Type]]:
    found: list[tuple[tuple[str, ...], Type]] = []
    for noun, keys in NOUNS.items():
        at = input_type()
        for key in keys:
            at = at.fields[key].type
        if at.item is not None:
            found += [((noun,), at.item)] * (4 if noun == "operation" and not scope else 1)
    for noun, key in INNER_NOUNS.items():
        for outer in scope:
            if key in outer.fields:
                item = outer.fields[key].type.item
                found += [((noun,), item)] * 4 if item is not None else []
    return found


# --- constants


def _words(type_: Type) -> tuple[str, ...]:
    """A few texts that may stand where this type is."""
    return type_.values[:4] or (tuple(sorted(words(type_.words))[:4]) if type_.words else TEXTS)


def _text(value: str) -> t.Literal:
    return t.Literal(t.LiteralKind.TEXT, value, quote(value))


def _number(value: int | float) -> t.Literal:
    return t.Literal(t.LiteralKind.NUMBER, value, str(value))


def _truth(pick: Pick) -> t.Literal:
    value = bool(pick.upto(1))
    return t.Literal(t.LiteralKind.TRUTH, value, "true" if value else "false")


def _texts(pick: Pick, options: Sequence[str]) -> t.Texts:
    found = _some(pick, options)
    return _text(found[0]) if len(found) == 1 else t.Items(tuple(_text(one) for one in found))


def _some(pick: Pick, options: Sequence[T]) -> list[T]:
    """One to three of them, none twice."""
    chosen = dict.fromkeys(pick.upto(len(options) - 1) for _ in range(1 + pick.upto(2)))
    return [options[number] for number in chosen]


def _operator(pick: Pick) -> str:
    return pick.one(("==", "!=", "<", "<=", ">", ">="))


def _times(pick: Pick) -> tuple[str, str]:
    start = pick.one(TIMES[:-1])
    return start, pick.one([time for time in TIMES if time != start])


def _days(pick: Pick) -> t.Name | t.Items | None:
    monday, sunday = (t.Literal(t.LiteralKind.WORD, day, day) for day in ("monday", "sunday"))
    return pick.one((None, t.Name("weekdays"), t.Name("weekends"), t.Name("friday"), t.Items((monday, sunday))))


# --- requests


def document(pick: Pick) -> dict[str, Json]:
    """A valid input document: types as in the schema, nulls left out, at least one operation."""
    made = _value(pick, input_type(), "")
    if not isinstance(made, dict):
        raise TypeError("the input document is a record")
    return made


def _value(pick: Pick, type_: Type, name: str) -> Json:
    match type_.sort:
        case Sort.TEXT | Sort.CHOICE:
            return pick.one(_words(type_))
        case Sort.ADDRESS:
            return pick.one(ADDRESSES)
        case Sort.NUMBER:
            return pick.one(NUMBERS)
        case Sort.TIME:
            return START + pick.upto(40) * MINUTE
        case Sort.TRUTH:
            return bool(pick.upto(1))
        case Sort.LIST:
            least = 1 if name == "operations" else 0
            item = type_.item
            return [] if item is None else [_value(pick, item, "") for _ in range(least + pick.one((0, 1, 1, 2)))]
        case Sort.RECORD:
            return _record(pick, type_)
        case _:
            return _anything(pick)


def _record(pick: Pick, type_: Type) -> Json:
    made: dict[str, Json] = {}
    for name, field in type_.fields.items():
        if not field.optional or pick.upto(2):
            made[name] = _value(pick, field.type, name)
    if type_.rest is not None:
        for key in KEYS:
            if pick.upto(2):
                made[key] = _value(pick, type_.rest, key)
        if type_.rest.sort is Sort.ANY and pick.upto(1):
            made["deep"] = {"k": _anything(pick)}
    return made


_ANYTHING: tuple[Json, ...] = (
    *("a", "pci", "1", "", "10.0.0.1"),
    *(1, 0, -1, 1.5, True, False),
    *(["a", 1], [-1, 2], ["pci"], [], [None, "a"], [["a"]], {"k": "a"}, {"k": 1}, {}),
)


def _anything(pick: Pick) -> Json:
    return pick.one(_ANYTHING)
