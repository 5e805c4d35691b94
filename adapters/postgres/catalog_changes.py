"""A database's names read again: only what changed since they were last read over the same connection.

What says that something changed are *marks*: a number for each relation and one for each other kind of object, made by the
server from the transactions that last wrote its rows of the system catalogues (`xmin`). Where all marks are as they were
nothing is read at all; else the columns of the relations with another mark, the kinds with another mark, and the views whose
text could be another now (their own, those over such a relation, all of them when functions, operators or types changed).

INVARIANT: marks and what is read with them are of one transaction. What a mark is made with is known to nobody else, so
that nobody who makes DDL can look for changes that leave it as it was. Called by `catalog` alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from adapters.postgres.catalog_rows import (
    MAX_ROWS,
    OURS,
    ColumnRow,
    Connection,
    Found,
    everything,
    is_too_much,
    read_casts,
    read_columns,
    read_functions,
    read_operators,
    read_parents,
    read_shapes,
    read_types,
    read_views,
)

LEAST_VERSION = 14
"""Older servers cannot make marks: there everything is read each time."""
MOST_CHANGED = 500
"""With more relations changed everything is read: it costs less than asking for each."""

_HASHED = "pg_catalog.hash_record_extended(ROW({}), {seed})"
_RELATIONS = f"""
SELECT c.oid::int8, {_HASHED.format("c.xmin, n.xmin", seed="{seed}")} # coalesce(a.mark, 0) # coalesce(r.mark, 0)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN (
    SELECT attrelid, pg_catalog.bit_xor({_HASHED.format("attnum, xmin", seed="{seed}")}) AS mark
    FROM pg_catalog.pg_attribute WHERE attnum > 0 GROUP BY attrelid
) AS a ON a.attrelid = c.oid
LEFT JOIN (
    SELECT ev_class, pg_catalog.bit_xor({_HASHED.format("oid, xmin", seed="{seed}")}) AS mark
    FROM pg_catalog.pg_rewrite GROUP BY ev_class
) AS r ON r.ev_class = c.oid
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND {OURS}
LIMIT {MAX_ROWS + 1}
"""  # noqa: S608  # put together from constants and a number
_KINDS = {
    "functions": ("o.oid, o.xmin", "pg_catalog.pg_proc o"),
    "operators": ("o.oid, o.xmin", "pg_catalog.pg_operator o"),
    "casts": ("o.oid, o.xmin", "pg_catalog.pg_cast o"),
    "checks": ("o.oid, o.xmin", "pg_catalog.pg_constraint o WHERE o.contypid <> 0"),
    # WHY not the types of relations: with every new table there are two more, and no column has them by name here.
    "types": (
        "o.oid, o.xmin",
        "pg_catalog.pg_type o LEFT JOIN pg_catalog.pg_type e ON e.oid = o.typelem AND e.typarray = o.oid"
        " WHERE o.typrelid = 0 AND (e.oid IS NULL OR e.typrelid = 0)",
    ),
    "composites": (
        "o.attrelid, o.attnum, o.xmin",
        "pg_catalog.pg_attribute o JOIN pg_catalog.pg_class c ON c.oid = o.attrelid WHERE c.relkind = 'c' AND o.attnum > 0",
    ),
    "parents": ("o.inhrelid, o.inhparent, o.xmin", "pg_catalog.pg_inherits o"),
    "schemas": ("o.oid, o.xmin", "pg_catalog.pg_namespace o WHERE o.nspname !~ '^pg_(toast|temp)'"),
    "languages": ("o.oid, o.xmin", "pg_catalog.pg_language o"),
    "extensions": ("o.classid, o.objid, o.refobjid, o.xmin", "pg_catalog.pg_depend o WHERE o.deptype = 'e'"),
}
_ONE = "(SELECT pg_catalog.bit_xor({hashed}) FROM {source})"
_OTHERS = "SELECT " + ", ".join(  # put together from constants and a number
    _ONE.format(hashed=_HASHED.format(of, seed="{seed}"), source=source) for of, source in _KINDS.values()
)
_DEPENDENT = """
SELECT DISTINCT r.ev_class::int8
FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  AND d.refobjid = ANY ('{{{oids}}}'::pg_catalog.oid[])
"""


@dataclass(frozen=True, slots=True)
class Marks:
    """`relations` by OID; `others` by what they are of."""

    relations: Mapping[int, int]
    others: Mapping[str, object]

    def differ_in(self, before: Marks, *kinds: str) -> bool:
        return any(self.others[kind] != before.others[kind] for kind in kinds)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read, and the marks it had then. The same object again: nothing has changed."""

    found: Found
    marks: Marks
    is_whole: bool
    """Whether the definitions of all views could be read."""


async def fetch_changes(connection: Connection, before: Reading | None, seed: int) -> Reading | None:
    """Read everything, or what changed since `before` was read with the same seed; None when it is too much."""
    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        marks = await _marks(connection, seed)
        if before is None or len(changed := _changed(marks, before.marks)) > MOST_CHANGED:
            found = await everything(connection)
        elif not changed and before.is_whole and marks.others == before.marks.others:
            return before
        else:
            found = await _renewed(connection, before, marks, changed)
            if not changed and found.views == before.found.views and marks.others == before.marks.others:
                return before
    finally:
        await connection.execute("ROLLBACK")
    return None if is_too_much(found) else Reading(found, marks, _views_of(found) == (found.views or {}).keys())


async def _marks(connection: Connection, seed: int) -> Marks:
    relations = {row[0]: row[1] for row in await connection.fetch(_RELATIONS.format(seed=seed))}
    (others,) = await connection.fetch(_OTHERS.format(seed=seed))
    return Marks(relations, dict(zip(_KINDS, others, strict=True)))  # type: ignore[arg-type]  # integers


def _changed(marks: Marks, before: Marks) -> set[int]:
    """The relations that are new, gone or not as they were."""
    old, new = before.relations, marks.relations
    return {oid for oid, mark in new.items() if old.get(oid) != mark} | {oid for oid in old if oid not in new}


async def _renewed(connection: Connection, before: Reading, marks: Marks, changed: set[int]) -> Found:
    found, old = before.found, before.marks
    if changed:
        fresh = await read_columns(connection, sorted(changed & marks.relations.keys()))
        found = replace(found, columns=_together(found.columns, fresh, changed))
    if marks.differ_in(old, "types", "schemas"):
        found = replace(found, types=await read_types(connection))
    if marks.differ_in(old, "types", "composites", "extensions"):
        found = replace(found, shapes=await read_shapes(connection))
    if marks.differ_in(old, "parents"):
        found = replace(found, parents=await read_parents(connection))
    if marks.differ_in(old, "functions", "schemas", "languages", "extensions"):
        found = replace(found, functions=await read_functions(connection))
    if marks.differ_in(old, "operators", "schemas", "extensions"):
        found = replace(found, operators=await read_operators(connection))
    # WHY the relations too: a row of one is a value of a type that is made of others.
    if changed or marks.differ_in(
        old, "casts", "checks", "composites", "functions", "operators", "types", "schemas", "extensions"
    ):
        found = replace(found, casts=await read_casts(connection))
    return replace(found, views=await _renewed_views(connection, found, before, marks, changed))


def _together(rows: Sequence[ColumnRow], fresh: Sequence[ColumnRow], changed: set[int]) -> list[ColumnRow]:
    """In the order in which everything is read, so that the same names are the same catalog however they were read."""
    kept = [row for row in rows if row.oid not in changed]
    return sorted([*kept, *fresh], key=lambda row: (row.schema, row.relation, row.number or 0))


def _views_of(found: Found) -> set[int]:
    return {row.oid for row in found.columns if row.kind == "v"}


async def _renewed_views(
    connection: Connection, found: Found, before: Reading, marks: Marks, changed: set[int]
) -> Mapping[int, str | None]:
    views, known = _views_of(found), before.found.views or {}
    if marks.differ_in(before.marks, "functions", "operators", "types", "schemas", "languages"):
        old = views
    else:
        over = await connection.fetch(_DEPENDENT.format(oids=",".join(map(str, sorted(changed))))) if changed else []
        old = (views - known.keys()) | (views & changed) | (views & {row[0] for row in over})
    fresh = await read_views(connection, sorted(old))
    return {**{oid: known[oid] for oid in views - old}, **fresh}
