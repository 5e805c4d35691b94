"""What a database says of its own names, as rows, and what they amount to. Only `catalog` calls this; no state here.

One transaction, read only, so that everything is of one moment. System schemas are left out: the core knows what
PostgreSQL itself brings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import asyncpg

from adapters.postgres.type_shapes import SHAPES, TypeRow
from engine.command.sql.parse import CatalogFacts, FunctionFacts, RelationFacts

MAX_ROWS = 500_000
"""A database with more columns, or functions, has no catalog here: reading it would take longer than anybody waits."""
MAX_DEFINITION = 1 << 16
"""Longer definitions of views and bodies of functions are not read: what they do is unknown."""

MAX_UNREAD = 20
"""After so many attempts that failed the views left have no definition. WHY: each may have waited for `LOCK_TIMEOUT`."""
LOCK_TIMEOUT = "100ms"
"""How long the reader waits for a lock. WHY far below a second: that is when PostgreSQL looks for deadlocks, and whom it
ends may be the transaction of a user who changes the views we read."""

OURS = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'"

# WHY by what depends on what: `attgenerated` does not say of which columns, and only an expression over the row has any. Since
# PostgreSQL 15 the expression depends on them, before it was the column itself.
_GENERATED = """
SELECT u.relation, u.number, pg_catalog.array_agg(DISTINCT u.source ORDER BY u.source) AS sources
FROM (
    SELECT e.adrelid AS relation, e.adnum AS number, d.refobjsubid AS source
    FROM pg_catalog.pg_attrdef e
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = e.oid
        AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = e.adrelid {of_default}
    UNION ALL
    SELECT d.objid, d.objsubid::int2, d.refobjsubid
    FROM pg_catalog.pg_attrdef e
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = e.adrelid
        AND d.objsubid = e.adnum AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = d.objid {of_default}
) AS u
WHERE u.source > 0 AND u.source <> u.number
GROUP BY u.relation, u.number
"""
_COLUMNS = f"""
SELECT c.oid::int8, n.nspname, c.relname, c.relkind::text, a.attnum, a.attname, a.atttypid::int8, g.sources
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN ({_GENERATED}) AS g ON g.relation = c.oid AND g.number = a.attnum
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND {OURS} {{which}}
ORDER BY n.nspname, c.relname, a.attnum
LIMIT {MAX_ROWS + 1}
"""  # noqa: S608  # put together from constants
_VIEWS = """
SELECT v.oid::int8, CASE WHEN pg_catalog.length(d) <= {most} THEN d END
FROM pg_catalog.unnest('{{{oids}}}'::pg_catalog.oid[]) AS v (oid)
CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_viewdef(v.oid)) AS w (d)
"""
_PARENTS = "SELECT inhrelid::int8, inhparent::int8 FROM pg_catalog.pg_inherits LIMIT 500001"
_TYPES = """
SELECT t.oid::int8, n.nspname, t.typname, e.oid::int8
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
WHERE t.typrelid = 0 AND (e.oid IS NULL OR e.typrelid = 0)
LIMIT 500001
"""
_IS_EXTENSIONS = """EXISTS (
    SELECT FROM pg_catalog.pg_depend d WHERE d.classid = '{catalog}'::pg_catalog.regclass AND d.objid = {oid}
    AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e')"""
_FUNCTIONS = f"""
SELECT n.nspname, p.proname, p.provolatile::text, p.prosecdef, p.proisstrict, p.proretset, l.lanname,
  p.proargnames, p.proargmodes::text[], p.pronargs::int4, p.pronargdefaults::int4, p.provariadic <> 0,
  CASE WHEN l.lanname = 'sql' AND pg_catalog.length(p.prosrc) <= {MAX_DEFINITION} THEN p.prosrc END,
  p.proconfig IS NOT NULL, {_IS_EXTENSIONS.format(catalog="pg_catalog.pg_proc", oid="p.oid")},
  EXISTS (SELECT FROM pg_catalog.pg_proc b JOIN pg_catalog.pg_namespace c ON c.oid = b.pronamespace
    WHERE c.nspname = 'pg_catalog' AND b.proname = p.proname AND b.proargtypes = p.proargtypes),
  p.proargtypes::int8[], p.prokind::text,
  CASE WHEN l.lanname = 'sql' AND pg_catalog.length(d) <= {MAX_DEFINITION} THEN d END, p.prorettype::int8
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_expr(p.proargdefaults, 0)) AS w (d)
WHERE {OURS}
LIMIT {MAX_ROWS + 1}
"""  # noqa: S608  # put together from constants
_OPERATORS = f"""
SELECT n.nspname, o.oprname, {_IS_EXTENSIONS.format(catalog="pg_catalog.pg_operator", oid="o.oid")},
  o.oprleft::int8, o.oprright::int8,
  l.lanname = 'c' AND p.provolatile <> 'v' AND {_IS_EXTENSIONS.format(catalog="pg_catalog.pg_proc", oid="p.oid")}
FROM pg_catalog.pg_operator o
LEFT JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode
LEFT JOIN pg_catalog.pg_language l ON l.oid = p.prolang
JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
WHERE {OURS}
LIMIT {MAX_ROWS + 1}
"""  # noqa: S608  # put together from constants

# WHY the types that are made of others: where a value of one comes to be, so does one of each part. `made_of` has a domain over its
# base and what its checks name, an array over its element, a composite type over its columns, ranges over what they are of.
_CASTS = f"""
WITH RECURSIVE made_of (oid, part) AS (
    SELECT oid, typbasetype FROM pg_catalog.pg_type WHERE typtype = 'd'
    UNION ALL SELECT oid, typelem FROM pg_catalog.pg_type WHERE typelem <> 0
    UNION ALL SELECT t.oid, f.atttypid FROM pg_catalog.pg_type t JOIN pg_catalog.pg_attribute f ON f.attrelid = t.typrelid
        WHERE t.typrelid <> 0 AND f.attnum > 0 AND NOT f.attisdropped
    UNION ALL SELECT rngtypid, rngsubtype FROM pg_catalog.pg_range
    UNION ALL SELECT t.oid, d.refobjid FROM pg_catalog.pg_type t JOIN pg_catalog.pg_depend d ON d.objid = t.oid
        WHERE t.typtype = 'm' AND d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refclassid = d.classid
    UNION ALL SELECT o.contypid, d.refobjid FROM pg_catalog.pg_constraint o JOIN pg_catalog.pg_depend d ON d.objid = o.oid
        WHERE o.contypid <> 0 AND d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
        AND d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass),
calls (type, function, context) AS (
    SELECT c.casttarget, c.castfunc, c.castcontext::text FROM pg_catalog.pg_cast c
    WHERE c.oid >= 16384 AND NOT {_IS_EXTENSIONS.format(catalog="pg_catalog.pg_cast", oid="c.oid")}
    UNION SELECT o.contypid, coalesce(p.oprcode, d.refobjid), 'check'
    FROM pg_catalog.pg_constraint o
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND d.objid = o.oid
    LEFT JOIN pg_catalog.pg_operator p ON p.oid = d.refobjid AND d.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass
    WHERE o.contypid <> 0
        AND d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass)),
runs (type, function, context) AS (
    SELECT type, function, context FROM calls
    UNION SELECT m.oid, r.function, CASE r.context WHEN 'check' THEN 'check' ELSE 'e' END FROM runs r JOIN made_of m ON m.part = r.type)
SELECT DISTINCT t.oid::int8, t.typname, n.nspname, p.proname, r.context
FROM runs r
JOIN pg_catalog.pg_proc p ON p.oid = r.function
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_type t ON t.oid = r.type
WHERE n.nspname <> 'information_schema'
ORDER BY 2, 3, 4, 5, 1
LIMIT {MAX_ROWS + 1}
"""  # noqa: S608  # put together from constants

_FIRST_USER_OID = 16384
"""Objects below it come with PostgreSQL itself."""
_VOLATILITY = {"i": "immutable", "s": "stable", "v": "volatile"}
_IN_MODES = frozenset({"i", "b", "v"})
_OUT_MODES = frozenset({"o", "b", "t"})


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """A column, or a relation without any (number and name are None). `sources`: of which columns the server computes it."""

    oid: int
    schema: str
    relation: str
    kind: str
    number: int | None = None
    column: str | None = None
    type: int | None = None
    sources: Sequence[int] | None = None


@dataclass(frozen=True, slots=True)
class FunctionRow:
    """A function or procedure, as pg_proc has it."""

    schema: str
    name: str
    volatility: str
    security_definer: bool
    strict: bool
    returns_set: bool
    language: str
    argument_names: Sequence[str] | None
    argument_modes: Sequence[str] | None
    arguments: int
    defaults: int
    variadic: bool
    body: str | None
    settings: bool
    of_extension: bool
    repeats: bool
    """Whether one of PostgreSQL's own has the same name and types."""
    argument_types: Sequence[int]
    kind: str
    default_values: str | None = None
    result: int = 0


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """An operator that people made."""

    schema: str
    name: str
    of_extension: bool
    left: int
    right: int
    is_machine_code: bool | None = False
    """Whether it is a function in C of an extension that changes nothing."""


@dataclass(frozen=True, slots=True)
class CastRow:
    """A function that people made for a cast to a type (of a context as `pg_cast` has it), or for a `check` of a domain. Also of
    the types that are made of such a one. `oid` is the type's."""

    oid: int
    type: str
    schema: str
    function: str
    context: str


@dataclass(frozen=True, slots=True)
class Found:
    """One reading of everything. `views` by the view's OID, `parents` as (child, parent), `types` by OID, `shapes` of
    types that people made by OID."""

    columns: Sequence[ColumnRow] = ()
    views: Mapping[int, str | None] | None = None
    parents: Sequence[tuple[int, int]] = ()
    types: Mapping[int, str] | None = None
    functions: Sequence[FunctionRow] | None = None
    operators: Sequence[OperatorRow] = ()
    shapes: Mapping[int, TypeRow] | None = None
    casts: Sequence[CastRow] = ()


class Connection(Protocol):
    """What `fetch` needs of a database connection (asyncpg's)."""

    async def fetch(self, query: str) -> list[Sequence[object]]: ...

    async def execute(self, query: str) -> object: ...


async def fetch(connection: Connection) -> Found | None:
    """Everything there is to know, of one moment; None when it is too much."""
    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        found = await everything(connection)
    finally:
        await connection.execute("ROLLBACK")
    return None if is_too_much(found) else found


async def everything(connection: Connection) -> Found:
    """All there is to know, inside a transaction of the caller's; of too much only as much as shows that."""
    columns = await read_columns(connection)
    functions = await read_functions(connection)
    operators = await read_operators(connection)
    parents = await read_parents(connection)
    types = await read_types(connection)
    views = await read_views(connection, sorted({row.oid for row in columns if row.kind == "v"}))
    shapes, casts = await read_shapes(connection), await read_casts(connection)
    return Found(columns, views, parents, types, functions, operators, shapes, casts)


def is_too_much(found: Found) -> bool:
    """Whether there is more than a catalog here holds."""
    parts = (found.columns, found.functions or (), found.operators, found.parents, found.types or {}, found.casts)
    return max(map(len, parts)) > MAX_ROWS


async def read_columns(connection: Connection, oids: Sequence[int] | None = None) -> list[ColumnRow]:
    """The columns of relations; of these ones only, where `oids` says which."""
    listed = None if oids is None else f"ANY ('{{{','.join(map(str, oids))}}}'::pg_catalog.oid[])"
    which, of_default = ("", "") if listed is None else (f"AND c.oid = {listed}", f"AND e.adrelid = {listed}")
    return [ColumnRow(*row) for row in await connection.fetch(_COLUMNS.format(which=which, of_default=of_default))]  # type: ignore[arg-type]  # asyncpg's rows


async def read_functions(connection: Connection) -> list[FunctionRow]:
    return [FunctionRow(*row) for row in await connection.fetch(_FUNCTIONS)]  # type: ignore[arg-type]  # asyncpg's rows


async def read_operators(connection: Connection) -> list[OperatorRow]:
    return [OperatorRow(*row) for row in await connection.fetch(_OPERATORS)]  # type: ignore[arg-type]  # asyncpg's rows


async def read_casts(connection: Connection) -> list[CastRow]:
    return [CastRow(*row) for row in await connection.fetch(_CASTS)]  # type: ignore[arg-type]  # asyncpg's rows


async def read_parents(connection: Connection) -> list[tuple[int, int]]:
    """(child, parent)"""
    return [(row[0], row[1]) for row in await connection.fetch(_PARENTS)]  # type: ignore[misc]  # asyncpg's rows


async def read_types(connection: Connection) -> dict[int, str]:
    """Names by OID."""
    return _type_names(await connection.fetch(_TYPES))


async def read_shapes(connection: Connection) -> dict[int, TypeRow]:
    """What types that people made are built of, by OID."""
    rows = [TypeRow(*row) for row in await connection.fetch(SHAPES)]  # type: ignore[arg-type]  # asyncpg's rows
    return {row.oid: row for row in rows}


async def read_views(connection: Connection, oids: Sequence[int]) -> dict[int, str | None]:
    """Definitions by OID. One that is being changed, or is gone, is unknown; it keeps the others from nothing.

    WHY savepoints: `pg_get_viewdef` locks what a view reads, and those who change it would wait for our end.
    """
    found: dict[int, str | None] = {}
    failed = 0
    waiting = [oids] if oids else []
    await connection.execute("SAVEPOINT views")
    while waiting and failed < MAX_UNREAD:
        some = waiting.pop()
        query = _VIEWS.format(most=MAX_DEFINITION, oids=",".join(map(str, some)))
        try:
            found.update((row[0], row[1]) for row in await connection.fetch(query))  # type: ignore[misc]  # asyncpg's rows
        except asyncpg.PostgresError:
            failed += 1
            half = len(some) // 2
            waiting += [part for part in (some[:half], some[half:]) if half]
        await connection.execute("ROLLBACK TO SAVEPOINT views")
    return found


def _type_names(rows: Sequence[Sequence[object]]) -> dict[int, str]:
    names = {row[0]: str(row[2]) if row[1] == "pg_catalog" else f"{row[1]}.{row[2]}" for row in rows}
    found = {}
    for row in rows:
        element = names.get(row[3])
        found[row[0]] = f"{element}[]" if element is not None else names[row[0]]
    return found  # type: ignore[return-value]  # OIDs are integers


def facts_of(found: Found) -> tuple[CatalogFacts, dict[tuple[int, int], str]]:
    """The catalog, and (relation's OID, column number) to `schema.table.column`."""
    names: dict[int, str] = {}
    columns: dict[str, list[str]] = {}
    types: dict[str, list[str]] = {}
    parents: dict[str, list[str]] = {}
    views: dict[str, str | None] = {}
    origins: dict[tuple[int, int], str] = {}
    generated: list[ColumnRow] = []
    for row in found.columns:
        name = f"{row.schema}.{row.relation}"
        if row.oid not in names:
            names[row.oid] = name
            columns[name], types[name], parents[name] = [], [], []
            if row.kind in ("v", "m"):
                views[name] = (found.views or {}).get(row.oid) if row.kind == "v" else None
        if row.number is not None and row.column is not None:
            columns[name].append(row.column)
            types[name].append((found.types or {}).get(row.type or 0, ""))
            origins[row.oid, row.number] = f"{name}.{row.column}"
            if row.sources:
                generated.append(row)
    for child, parent in found.parents:
        if child in names and parent in names:
            parents[names[child]].append(names[parent])
    made = _generated(generated, found.columns)
    relations = {name: RelationFacts(columns[name], types[name], parents[name], made.get(name, {})) for name in columns}
    facts = CatalogFacts(
        (),
        relations,
        views,
        None if found.functions is None else _functions(found.functions, checked(found)),
        None,
        _operators(found),
        _casts(found, is_check=False),
        _casts(found, is_check=True),
    )
    return facts, origins


def _generated(rows: Sequence[ColumnRow], all_rows: Sequence[ColumnRow]) -> dict[str, dict[str, list[str]]]:
    """Of each relation the columns that the server computes, and the names of those that it makes them of."""
    tables = {row.oid for row in rows}
    names = {(row.oid, row.number): row.column for row in all_rows if row.oid in tables and row.column is not None}
    made: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        sources = [names[row.oid, number] for number in row.sources or () if (row.oid, number) in names]
        made.setdefault(f"{row.schema}.{row.relation}", {})[row.column or ""] = sources
    return made


def _operators(found: Found) -> list[str]:
    """Those that may be taken for PostgreSQL's own."""
    rows = found.operators
    return sorted(
        {
            f"{row.schema}.{row.name}"
            for row in rows
            if _may_shadow(row.of_extension, (row.left, row.right), is_machine_code=bool(row.is_machine_code))
        }
    )


def _casts(found: Found, *, is_check: bool) -> dict[str, list[str]]:
    """The functions of casts, or of domains' checks, by the type; those of implicit casts under `*`, of assignments `=`."""
    made: dict[str, list[str]] = {}
    for row in found.casts:
        if (row.context == "check") is is_check:
            for name in (row.type, *{"i": ("*",), "a": ("=",)}.get(row.context, ())):
                functions = made.setdefault(name, [])
                if (function := f"{row.schema}.{row.function}") not in functions:
                    functions.append(function)
    return made


def _may_shadow(of_extension: bool, types: Sequence[int], *, is_machine_code: bool) -> bool:
    """WHY not an extension's with a type of its own: no value has that type unless somebody gives it one, and whoever
    installed the extension wants its operators to work. With PostgreSQL's own types alone it may win over the original; then
    it does what it pleases, unless it is in C, which only a superuser can have made, and says that it changes nothing.
    WHY the language: who installed an extension that everybody may install can put functions of their own into it."""
    return not of_extension or (not is_machine_code and all(oid < _FIRST_USER_OID for oid in types))


def _is_taken_for_another(row: FunctionRow) -> bool:
    is_machine_code = row.language == "c" and row.volatility in ("i", "s")
    return _may_shadow(row.of_extension, row.argument_types, is_machine_code=is_machine_code)


def checked(found: Found) -> frozenset[int]:
    """The types of which reading a value calls functions that people made."""
    return frozenset(row.oid for row in found.casts if row.context == "check")


def _functions(rows: Sequence[FunctionRow], looked_at: frozenset[int]) -> dict[str, list[FunctionFacts]]:
    found: dict[str, list[FunctionFacts]] = {}
    for row in rows:
        found.setdefault(f"{row.schema}.{row.name}", []).append(_function(row, looked_at))
    return found


def _function(row: FunctionRow, looked_at: frozenset[int]) -> FunctionFacts:
    # What it is given, or gives, is looked at by functions that its body does not name.
    is_more = not looked_at.isdisjoint((*row.argument_types, row.result))
    return FunctionFacts(
        security_definer=row.security_definer,
        columns=_named(row, _OUT_MODES) or None,
        volatility=_VOLATILITY.get(row.volatility, "volatile"),
        language=row.language,
        strict=row.strict,
        returns_set=row.returns_set,
        arguments=_inputs(row),
        defaults=row.defaults,
        default_values=row.default_values,
        variadic=row.variadic,
        # WHY not a body of SQL-standard form: it is bound to its objects, and its text is not in prosrc.
        body=row.body if row.kind == "f" and row.body and not is_more else None,
        settings=row.settings,
        shadows=_is_taken_for_another(row) and not row.repeats,
        repeats=_is_taken_for_another(row) and row.repeats,
    )


def _named(row: FunctionRow, modes: frozenset[str]) -> list[str]:
    return [name for name, mode in _arguments(row) if mode in modes]


def _inputs(row: FunctionRow) -> list[str]:
    names = _named(row, _IN_MODES)
    return names if len(names) == row.arguments else [""] * row.arguments


def _arguments(row: FunctionRow) -> Iterator[tuple[str, str]]:
    names = list(row.argument_names or ())
    modes = list(row.argument_modes or ["i"] * len(names))
    return zip(names, modes, strict=False)
