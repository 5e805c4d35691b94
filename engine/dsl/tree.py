"""A `.gate` file as written: what the parser makes and the printer prints.

Names are not yet resolved here and nothing is checked; `typed.py` is what a condition means. Spans say where a node
stands and do not count when trees are compared, so `parse(print(tree)) == tree`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from engine.rego.contract import RuleKind
from engine.source import Span

NOWHERE = Span(1, 1, 1, 1)


class LiteralKind(StrEnum):
    """What a constant is. A `WORD` is a bare name: a value of a closed list (`read`, `drop_table`)."""

    TEXT = "text"
    WORD = "word"
    NUMBER = "number"
    DURATION = "duration"
    SIZE = "size"
    TRUTH = "truth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Whatever stands somewhere."""

    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A constant. `text` is its spelling; a duration's `value` is milliseconds, a size's bytes."""

    kind: LiteralKind
    value: str | int | float | bool
    text: str


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A single name: of a rule, a define, a protocol, a set."""

    text: str


@dataclass(frozen=True, slots=True)
class Path(Node):
    """`resource.labels."cost-center"`: names from the outside in."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Count(Node):
    """`count PATH`: how many items a list has."""

    path: Path


@dataclass(frozen=True, slots=True)
class Age(Node):
    """`age of PATH`: how long ago a time is."""

    path: Path


@dataclass(frozen=True, slots=True)
class Items(Node):
    """`{a, "b", 3}`."""

    items: tuple[Literal, ...]


Term: TypeAlias = "Path | Literal | Count | Age"
Texts: TypeAlias = "Literal | Items | Name"


@dataclass(frozen=True, slots=True)
class Truth(Node):
    """A path that is itself true or false, or the name of a define."""

    path: Path


@dataclass(frozen=True, slots=True)
class Is(Node):
    """`PATH VALUE`, as in `effect read`."""

    path: Path
    value: Literal


@dataclass(frozen=True, slots=True)
class Compare(Node):
    left: Term
    operator: str
    right: Term


@dataclass(frozen=True, slots=True)
class Among(Node):
    """`TERM [not] in SET` or `TERM [not] in LIST`."""

    left: Term
    among: Path | Items
    negative: bool = False


@dataclass(frozen=True, slots=True)
class InGroup(Node):
    path: Path
    groups: Texts
    negative: bool = False


@dataclass(frozen=True, slots=True)
class Overlaps(Node):
    path: Path
    among: Path | Items


@dataclass(frozen=True, slots=True)
class Like(Node):
    """A text against globs: `*` within one dotted part, `**` anything, `?` one character."""

    path: Path
    globs: Texts
    negative: bool = False


@dataclass(frozen=True, slots=True)
class Within(Node):
    """An address in one of some networks."""

    path: Path
    networks: Texts
    negative: bool = False


@dataclass(frozen=True, slots=True)
class Presence(Node):
    """`PATH is present` or `PATH is absent`."""

    path: Path
    present: bool


@dataclass(frozen=True, slots=True)
class Window(Node):
    """A time of day, the end not included, in a zone; `days` is a word (`weekdays`), a set of days, or every day."""

    start: str
    end: str
    zone: Literal
    days: Name | Items | None = None


@dataclass(frozen=True, slots=True)
class And(Node):
    items: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or(Node):
    items: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    item: Condition


class Amount(StrEnum):
    """How many of a list must meet the condition."""

    ANY = "any"
    EVERY = "every"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Quantified(Node):
    """`any operation has ...`: the word for one item of a list, or the path of a list."""

    amount: Amount
    noun: Path
    body: Condition


Condition: TypeAlias = "Truth | Is | Compare | Among | InGroup | Overlaps | Like | Within | Presence | Window | And | Or | Not | Quantified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commented(Node):
    """What may carry comments: those on lines of their own `above` it and the one `beside` its last line."""

    above: tuple[str, ...] = ()
    beside: str = ""


@dataclass(frozen=True, slots=True)
class When(Commented):
    """`when` or, with `negative`, `unless`."""

    condition: Condition
    negative: bool = False


class Note(StrEnum):
    """Texts a rule may carry."""

    HINT = "hint"
    DETAIL = "detail"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Remark(Commented):
    note: Note
    text: Literal


@dataclass(frozen=True, slots=True)
class Approver(Node):
    """`group "dba"` or `user "ana"`."""

    is_group: bool
    name: Literal


@dataclass(frozen=True, slots=True)
class Approvers(Commented):
    approvers: tuple[Approver, ...]
    quorum: Literal | None = None


@dataclass(frozen=True, slots=True)
class Expires(Commented):
    after: Literal


@dataclass(frozen=True, slots=True)
class Withdraw(Commented):
    """`requester may withdraw`, or `may not`."""

    allowed: bool


@dataclass(frozen=True, slots=True)
class Remember(Commented):
    """`remember 30m`: for how long an approval may be remembered."""

    longest: Literal


@dataclass(frozen=True, slots=True)
class Escalate(Commented):
    """`escalate after 10m to group "oncall" who may approve`: who is told next, and whether they decide too."""

    after: Literal
    to: tuple[Approver, ...]
    may_approve: bool = False


@dataclass(frozen=True, slots=True)
class PermitsEquality(Commented):
    """A condition may ask whether a masked column is equal to a constant."""


Clause: TypeAlias = "When | Remark | Approvers | Expires | Withdraw | Remember | Escalate | PermitsEquality"


class Where(StrEnum):
    """Where a mask looks."""

    COLUMNS = "columns"
    PATHS = "paths"
    STREAMS = "streams"
    VALUES = "values"
    WITHIN = "within"


@dataclass(frozen=True, slots=True)
class Fields(Commented):
    """Which fields are masked. Streams and values are words, the others texts."""

    where: Where
    names: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """`keep first N`, `keep last N`, `key "ID"`, `tweak "T"`, `check luhn`; `name` is `keep_first`, `keep_last`, `key`, `tweak` or `check`."""

    name: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Method(Commented):
    name: Name
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Limit(Commented):
    """`rows 10000`."""

    name: Name
    value: Literal | None = None


@dataclass(frozen=True, slots=True)
class Rule(Commented):
    """A rule. Only a mask has `fields` and a `method`, only a limit has a `limit`."""

    kind: RuleKind
    name: Name
    title: Literal | None = None
    fields: tuple[Fields, ...] = ()
    method: Method | None = None
    limit: Limit | None = None
    clauses: tuple[Clause, ...] = ()


@dataclass(frozen=True, slots=True)
class Import(Commented):
    file: Literal


@dataclass(frozen=True, slots=True)
class Define(Commented):
    name: Name
    meaning: Condition | Items


@dataclass(frozen=True, slots=True)
class Principal(Node):
    name: Literal
    kind: Name | None = None
    groups: Items | None = None


@dataclass(frozen=True, slots=True)
class Resource(Node):
    name: Literal
    labels: tuple[tuple[str, Literal], ...] | None = None
    database: Literal | None = None
    role: Literal | None = None


@dataclass(frozen=True, slots=True)
class Now(Node):
    """When it happens: an RFC 3339 time."""

    at: Literal


@dataclass(frozen=True, slots=True)
class Fact(Node):
    """`context.ticket = "OPS-1"`."""

    path: Path
    value: Literal


@dataclass(frozen=True, slots=True)
class Given(Commented):
    facts: tuple[Principal | Resource | Now | Fact, ...]


@dataclass(frozen=True, slots=True)
class Run(Commented):
    protocol: Name
    text: Literal


@dataclass(frozen=True, slots=True)
class Expect(Commented):
    verdict: str
    rules: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True)
class Test(Commented):
    __test__ = False  # pytest would otherwise take it for a test case

    name: Literal
    given: tuple[Given, ...]
    run: Run
    expect: Expect


Item: TypeAlias = "Import | Define | Rule | Test"


@dataclass(frozen=True, slots=True)
class Applies(Commented):
    protocols: tuple[Name, ...]
    where: Condition | None = None


@dataclass(frozen=True, slots=True)
class Header(Commented):
    """`policy NAME ...`, or `library ...` without a name: a file of defines only."""

    name: tuple[str, ...] | None
    title: Literal | None = None
    applies: Applies | None = None


@dataclass(frozen=True, slots=True)
class File(Node):
    """A whole file. `below` are comments after the last item."""

    header: Header
    items: tuple[Item, ...]
    below: tuple[str, ...] = ()
