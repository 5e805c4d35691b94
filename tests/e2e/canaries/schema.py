"""Generated schemas whose masked columns hold canaries, the policies that mask them, and how a canary is recognised."""

from __future__ import annotations

import base64
import json
import random
import struct
from dataclasses import dataclass, field

WINDOW = 6
"""So many characters of a canary in a row are a leak: more than any method leaves, far more than chance gives."""
DIGITS = 8
ROWS = 4
METHODS = ("redact", "null", "partial", "redact")
TYPES = ("text", "varchar(80)", "int8", "text[]", "jsonb", "bytea", "int8range", "text")
_LETTERS = "bcdfghjkmnpqrstvwxz2456789"


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    masked: bool


@dataclass(frozen=True)
class Table:
    """A relation. `kind`: table, view (its columns stand for those of a table) or child (inherits)."""

    schema: str
    name: str
    columns: tuple[Column, ...]

    @property
    def full(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass
class Canaries:
    """Everything that must not be seen, cut into the pieces that count as seeing it."""

    texts: list[str] = field(default_factory=list)
    _windows: dict[int, set[bytes]] = field(default_factory=dict)

    def _add(self, whole: bytes, size: int) -> None:
        self._windows.setdefault(size, set()).update(whole[at : at + size] for at in range(len(whole) - size + 1))

    def text(self, chance: random.Random) -> str:
        made = "".join(chance.choice(_LETTERS) for _ in range(18))
        self.texts.append(made)
        raw = made.encode()
        self._add(raw, WINDOW)
        self._add(raw[::-1], WINDOW)
        self._add(raw.hex().encode(), 2 * WINDOW)
        for shift in range(3):
            self._add(base64.b64encode(raw[shift:]).lower()[:20], 12)
        return made

    def number(self, chance: random.Random) -> int:
        made = chance.randrange(10**14, 10**15)
        self._add(str(made).encode(), DIGITS)
        self._add(struct.pack("!q", made)[2:].lower(), 6)
        return made

    def seen(self, data: bytes) -> list[bytes]:
        """The pieces of canaries in what was received, whatever the case of its letters."""
        low = data.lower()
        return [
            low[at : at + size]
            for size, windows in self._windows.items()
            for at in range(len(low) - size + 1)
            if low[at : at + size] in windows
        ]


@dataclass(frozen=True)
class Made:
    """One generated database."""

    tables: tuple[Table, ...]
    statements: tuple[str, ...]
    canaries: Canaries
    masks: dict[str, str]
    """Column (schema.table.column) to method."""

    def policy(self, without: str = "") -> str:
        """The masks, all but one."""
        rules = "".join(
            f"""
mask contains {{"code": "M{number}", "reason": "a canary", "columns": ["{column}"], "method": "{method}"{_params(method)}}} if {{
	input.command.protocol == "postgres"
}}
"""
            for number, (column, method) in enumerate(self.masks.items())
            if column != without
        )
        return f"package policies.canaries\n{rules}"


def _params(method: str) -> str:
    return ', "params": {"keep_last": 4}' if method == "partial" else ""


def make(seed: int) -> Made:
    """A database of some schemas, the same for the same seed."""
    chance = random.Random(seed)
    canaries = Canaries()
    statements: list[str] = []
    tables: list[Table] = []
    masks: dict[str, str] = {}
    for schema in ("public", "shop", "other"):
        if schema != "public":
            statements.append(f"CREATE SCHEMA {schema}")
        for number in range(2):
            _table(chance, f"{schema}", f"t{number}", canaries, statements, tables, masks)
    return Made(tuple(tables), tuple(statements), canaries, masks)


def _table(
    chance: random.Random,
    schema: str,
    name: str,
    canaries: Canaries,
    statements: list[str],
    tables: list[Table],
    masks: dict[str, str],
) -> None:
    columns = [Column("id", "int", masked=False)]
    for at in range(chance.randrange(3, 6)):
        columns.append(Column(f"c{at}", chance.choice(TYPES), masked=at == 0 or chance.random() < 0.5))
    columns.append(Column("n", "int", masked=False))
    table = Table(schema, name, tuple(columns))
    defined = ", ".join(f"{c.name} {c.type}{' UNIQUE' if c.masked and c.type == 'text' else ''}" for c in columns)
    checks = f", CHECK (n >= 0), CHECK ({columns[1].name} IS NOT NULL)"
    statements.append(f"CREATE TABLE {table.full} ({defined}, PRIMARY KEY (id){checks})")
    for row in range(ROWS):
        values = ", ".join(_value(chance, column, row, canaries) for column in columns)
        statements.append(f"INSERT INTO {table.full} VALUES ({values})")
    tables.append(table)
    for column in columns:
        if column.masked:
            method = chance.choice(METHODS) if column.type in ("text", "varchar(80)") else "null"
            masks[f"{table.full}.{column.name}"] = method
    renamed = tuple(Column(f"v{at}", c.type, c.masked) for at, c in enumerate(columns))
    view = Table(schema, f"{name}_view", renamed)
    chosen = ", ".join(f"{c.name} AS {v.name}" for c, v in zip(columns, renamed, strict=True))
    statements.append(f"CREATE VIEW {view.full} AS SELECT {chosen} FROM {table.full}")
    deep = Table(schema, f"{name}_deep", renamed)
    statements.append(f"CREATE VIEW {deep.full} AS SELECT * FROM (SELECT * FROM {view.full} LIMIT 3) AS inside")
    tables += [view, deep]


def _value(chance: random.Random, column: Column, row: int, canaries: Canaries) -> str:
    if column.name == "id":
        return str(row)
    if column.name == "n":
        return str(chance.randrange(100))
    text = canaries.text(chance) if column.masked else f"plain {row}"
    number = canaries.number(chance) if column.masked and column.type in ("int8", "int8range") else 1000 + row
    match column.type:
        case "int8":
            return str(number)
        case "int8range":
            return f"'[{number},{number + 5})'"
        case "text[]":
            return f"ARRAY['{text}', 'x']"
        case "jsonb":
            return f"'{json.dumps({'k': text, 'l': [1, text]})}'"
        case "bytea":
            return f"'{text}'::bytea"
        case _:
            return f"'{text}'"
