"""What types that people made are built of, down to PostgreSQL's own: what a mask has to know to rewrite a value of one.

Domains are their base, `citext` is text, arrays and composite types are made of others; enums, ranges and base types of extensions are
nothing a mask can write, so they stay a number that the core does not know, and become NULL. Read by `catalog_rows`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

FIRST_MADE = 16384
"""Types below it come with PostgreSQL itself; the core knows them by number."""
MAX_DEPTH = 6
TEXT = 25
UNKNOWN = 0

Shape: TypeAlias = "int | list[str | Shape]"
"""The OID of a type of PostgreSQL's own, `["array", shape]` or `["row", shape, ...]`."""


@dataclass(frozen=True, slots=True)
class TypeRow:
    """A type as pg_type has it. `kind` is typtype; `base` a domain's, `element` an array's, `fields` a composite's."""

    oid: int
    kind: str
    base: int
    element: int | None
    is_citext: bool
    fields: Sequence[int]


SHAPES = """
SELECT t.oid::int8, t.typtype::text, t.typbasetype::int8,
  CASE WHEN a.oid IS NOT NULL AND t.typdelim = ',' THEN a.oid::int8 END,
  t.typname = 'citext' AND EXISTS (
    SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid
    WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = t.oid AND d.deptype = 'e'
    AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND x.extname = 'citext'),
  ARRAY(SELECT f.atttypid::int8 FROM pg_catalog.pg_attribute f
    WHERE f.attrelid = t.typrelid AND t.typrelid <> 0 AND f.attnum > 0 AND NOT f.attisdropped ORDER BY f.attnum)
FROM pg_catalog.pg_type t
LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
LEFT JOIN pg_catalog.pg_type a ON a.oid = t.typelem AND a.typarray = t.oid
LEFT JOIN pg_catalog.pg_class o ON o.oid = a.typrelid
WHERE t.oid >= 16384 AND t.typtype IN ('b', 'c', 'd') AND (c.oid IS NULL OR c.relkind = 'c')
  AND (o.oid IS NULL OR o.relkind = 'c')
LIMIT 500001
"""
"""WHY not the types of tables: with every table there are two, and hardly a column has one."""


def shape_of(types: Mapping[int, TypeRow], oid: int, depth: int = 0) -> Shape:
    """What the core is told of a type. One that is not known, or stands too deep in others, is opaque."""
    row = types.get(oid)
    if row is None or depth >= MAX_DEPTH:
        return oid if oid < FIRST_MADE else UNKNOWN
    if row.is_citext:
        return TEXT
    if row.kind == "d":
        return shape_of(types, row.base, depth + 1)
    if row.kind == "c":
        return ["row", *(shape_of(types, one, depth + 1) for one in row.fields)]
    if row.element is not None:
        return ["array", shape_of(types, row.element, depth + 1)]
    return UNKNOWN
