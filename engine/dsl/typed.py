"""What a policy says once its names are known: conditions over typed paths, defines put in their places.

`resolver.py` makes it, `reference.py` says what it means, `lower.py` writes it as Rego.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.dsl.tree import Amount
from engine.dsl.types import Type
from engine.rego.contract import RuleKind
from engine.request import Json
from engine.source import Span

INPUT = "input"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written; what stands in a `define` also says where that is used."""

    source: str
    span: Span
    used_at: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    place: Place = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Path(_Placed):
    """A field: keys from `input` or from the item of a quantifier.

    `certain`: every valid request has a value of this type there, so that nothing about it is ever unknown.
    """

    base: str
    keys: tuple[str, ...]
    type: Type = field(compare=False, repr=False)
    certain: bool = field(compare=False)

    def __str__(self) -> str:
        return ".".join(self.keys) if self.keys else "it"


@dataclass(frozen=True, slots=True)
class Constant(_Placed):
    value: str | int | float | bool

    def __eq__(self, other: object) -> bool:
        # WHY: in Python 1 == True; in the language they are two values.
        same = isinstance(other, Constant) and isinstance(other.value, bool) == isinstance(self.value, bool)
        return same and isinstance(other, Constant) and other.value == self.value

    def __hash__(self) -> int:
        return hash((isinstance(self.value, bool), self.value))


@dataclass(frozen=True, slots=True)
class Count(_Placed):
    """How many items a list has."""

    path: Path


@dataclass(frozen=True, slots=True)
class Age(_Placed):
    """How long ago a time is, in nanoseconds."""

    path: Path


Term: TypeAlias = "Path | Constant | Count | Age"


@dataclass(frozen=True, slots=True)
class Compare(_Placed):
    """`left` is never a constant."""

    left: Path | Count | Age
    operator: str
    right: Term


@dataclass(frozen=True, slots=True)
class InSet(_Placed):
    """A field is one of some constants, all of one sort."""

    path: Path
    items: tuple[Constant, ...]


@dataclass(frozen=True, slots=True)
class Contains(_Placed):
    """A list has an item."""

    list: Path
    item: Path | Constant


@dataclass(frozen=True, slots=True)
class Overlaps(_Placed):
    """A list has one of some constants."""

    list: Path
    items: tuple[Constant, ...]


@dataclass(frozen=True, slots=True)
class Like(_Placed):
    path: Path
    globs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Within(_Placed):
    """An address is in one of some networks; a text that is no address is unknown."""

    path: Path
    networks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Truth(_Placed):
    path: Path


@dataclass(frozen=True, slots=True)
class Present(_Placed):
    path: Path


@dataclass(frozen=True, slots=True)
class Window(_Placed):
    """A time of day in minutes, `end` excluded; past midnight when `start` > `end`, and then of the day it began.

    `days` are numbers from Monday, 0.
    """

    start: int
    end: int
    zone: str
    days: frozenset[int]


@dataclass(frozen=True, slots=True)
class And(_Placed):
    items: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or(_Placed):
    items: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not(_Placed):
    item: Condition


@dataclass(frozen=True, slots=True)
class Quantified(_Placed):
    """Over the items of a list, each named `variable` in the body."""

    amount: Amount
    list: Path
    variable: str
    body: Condition


Condition: TypeAlias = (
    "Compare | InSet | Contains | Overlaps | Like | Within | Truth | Present | Window | And | Or | Not | Quantified"
)


@dataclass(frozen=True, slots=True)
class Rule(_Placed):
    """A rule: all of `conditions` for it to match, and what it then answers (an object of `engine/rego/contract.py`)."""

    kind: RuleKind
    name: str
    code: str
    conditions: tuple[Condition, ...]
    result: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Policy:
    """One `.gate` file that has rules. `name` is the Rego package below `policies`."""

    name: str
    title: str
    source: str
    rules: tuple[Rule, ...]
