"""What conditions may ask about: the input document as types, read off its schema.

`input_type()` is the whole document; `NOUNS` are the lists that `any operation has ...` goes over. A field that may be
absent is marked so: what a rule means then depends on it (`reference.py`). Called by `resolver.py` and `lower.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Final

from engine.command.tree import Access, Effect
from engine.request import Json
from engine.schema import input_schema


class Sort(StrEnum):
    """What kind of value stands somewhere."""

    TEXT = "text"
    CHOICE = "choice"
    ADDRESS = "address"
    NUMBER = "number"
    TIME = "time"
    TRUTH = "truth"
    LIST = "list"
    RECORD = "record"
    ANY = "any"


_TEXTS: Final = frozenset({Sort.TEXT, Sort.CHOICE, Sort.ADDRESS})
_NAMES: Final = {
    Sort.TEXT: "a text",
    Sort.CHOICE: "one of a few words",
    Sort.ADDRESS: "a network address",
    Sort.NUMBER: "a number",
    Sort.TIME: "a point in time",
    Sort.TRUTH: "true or false",
    Sort.LIST: "a list",
    Sort.RECORD: "a group of fields",
    Sort.ANY: "a value of any type",
}


@dataclass(frozen=True, slots=True)
class Field:
    type: Type
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Type:
    """A type. `values` are a choice's words, `item` what a list holds, `fields` a record's, `rest` its other fields'.

    `words` names the list that a text is from, where there is one for each protocol (`vocabulary.py`).
    """

    sort: Sort
    values: tuple[str, ...] = ()
    item: Type | None = None
    fields: Mapping[str, Field] = field(default_factory=dict, hash=False)
    rest: Type | None = None
    words: str = ""

    def __str__(self) -> str:
        return _NAMES[self.sort]

    @property
    def plain(self) -> Sort:
        """TEXT, NUMBER or TRUTH for what a constant can equal; otherwise the sort itself."""
        if self.sort in _TEXTS:
            return Sort.TEXT
        return Sort.NUMBER if self.sort is Sort.TIME else self.sort


TEXT: Final = Type(Sort.TEXT)
NUMBER: Final = Type(Sort.NUMBER)
ANY: Final = Type(Sort.ANY)

PROTOCOLS: Final = (
    *("postgres", "shell", "ssh", "kubernetes", "http", "sftp", "mcp", "python"),
    *("mysql", "sqlserver", "bigquery", "snowflake"),
)
"""Protocols of a command."""

_RESOURCE_PROTOCOLS: Final = ("postgres", "ssh", "kubernetes", "http", "mcp")

_KNOWN: Final[Mapping[str, Type]] = {
    "principal.kind": Type(Sort.CHOICE, ("user", "agent", "service")),
    "session.client_address": Type(Sort.ADDRESS),
    "resource.protocol": Type(Sort.CHOICE, _RESOURCE_PROTOCOLS),
    "context.now": Type(Sort.TEXT),
    "context.approval.granted_at": Type(Sort.TIME),
    "context.activity.unseen.operation": Type(Sort.TEXT, words="kind"),
    "command.protocol": Type(Sort.CHOICE, PROTOCOLS),
    "command.operations.kind": Type(Sort.TEXT, words="kind"),
    "command.operations.via": Type(Sort.LIST, item=Type(Sort.TEXT, words="step")),
    "command.features": Type(Sort.LIST, item=Type(Sort.TEXT, words="feature")),
    "command.operations.effect": Type(Sort.CHOICE, tuple(Effect)),
    "command.operations.targets.access": Type(Sort.CHOICE, tuple(Access)),
}
"""What the schema cannot say of a field: which words a text may be, or that it is an address or a time."""

NOUNS: Final[Mapping[str, tuple[str, ...]]] = {
    "operation": ("command", "operations"),
    "feature": ("command", "features"),
    "problem": ("command", "problems"),
    "group": ("principal", "groups"),
    "approver": ("context", "approval", "approvers"),
    "relation": ("command", "sql", "relations"),
    "read_column": ("command", "sql", "reads"),
    "written_column": ("command", "sql", "writes"),
    "output": ("command", "sql", "outputs"),
}
"""Lists of the request, by the word for one of their items."""

INNER_NOUNS: Final[Mapping[str, str]] = {"target": "targets", "step": "via", "origin": "origins", "call": "calls"}
"""Lists of an item, by the word for one of theirs."""


@cache
def input_type() -> Type:
    """The type of the whole input document."""
    return _type(input_schema(), "")


def _type(schema: Json, path: str) -> Type:
    known = _KNOWN.get(path)
    if known is not None:
        return known
    if not isinstance(schema, dict):
        return ANY
    choices = schema.get("enum")
    if isinstance(choices, list):
        return Type(Sort.CHOICE, tuple(str(choice) for choice in choices))
    match schema.get("type"):
        case "string":
            return TEXT
        case "integer" | "number":
            return NUMBER
        case "boolean":
            return Type(Sort.TRUTH)
        case "array":
            return Type(Sort.LIST, item=_item(schema, path))
        case "object":
            return _record(schema, path)
        case _:
            return ANY


def _item(schema: dict[str, Json], path: str) -> Type:
    fixed = schema.get("prefixItems")
    first = fixed[0] if isinstance(fixed, list) and fixed else schema.get("items")
    return _type(first, path)


def _record(schema: dict[str, Json], path: str) -> Type:
    properties = schema.get("properties")
    required = schema.get("required")
    named = properties if isinstance(properties, dict) else {}
    always = set(required) if isinstance(required, list) else set()
    fields = {
        name: Field(_type(inner, f"{path}.{name}" if path else name), name not in always)
        for name, inner in named.items()
    }
    more = schema.get("additionalProperties", True)
    rest = None if more is False else _type(more, f"{path}.*")
    return Type(Sort.RECORD, fields=fields, rest=rest)
