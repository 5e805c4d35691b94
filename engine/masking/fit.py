"""Which columns of a catalog a mask would leave NULL because their type cannot hold what its method leaves (docs/masks.md).

Pure: masks and a catalog's document in, columns out. Called by `engine/compiler/unfit.py` for `sallyport check --catalog`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from engine.masking.plan import Mask, concerns
from engine.masking.transforms import Method
from engine.masking.typed import holds

_ALIASES: Final[Mapping[str, str]] = {
    "bigint": "int8",
    "bit varying": "varbit",
    "boolean": "bool",
    "character": "bpchar",
    "char": "bpchar",
    "character varying": "varchar",
    "decimal": "numeric",
    "double precision": "float8",
    "int": "int4",
    "integer": "int4",
    "real": "float4",
    "smallint": "int2",
    "time with time zone": "timetz",
    "time without time zone": "time",
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
}
_BUILT_IN: Final = frozenset(
    {
        *(
            "bit",
            "bool",
            "box",
            "bytea",
            "cidr",
            "circle",
            "citext",
            "date",
            "float4",
            "float8",
            "inet",
            "int2",
            "int4",
        ),
        *(
            "int8",
            "interval",
            "json",
            "jsonb",
            "line",
            "lseg",
            "macaddr",
            "macaddr8",
            "money",
            "name",
            "numeric",
            "oid",
        ),
        *("path", "pg_lsn", "point", "polygon", "text", "time", "timestamp", "timestamptz", "timetz", "tsquery"),
        *("tsvector", "uuid", "varbit", "varchar", "bpchar", "xml", "int4range", "int8range", "numrange", "tsrange"),
        *("tstzrange", "daterange", "int4multirange", "int8multirange", "nummultirange", "tsmultirange"),
        *("tstzmultirange", "datemultirange"),
    }
)
_SIZE: Final = re.compile(r"\s*\([^)]*\)")
_LEFT_NULL: Final = frozenset({Method.DROP, Method.NULL})


@dataclass(frozen=True, slots=True)
class Unfit:
    """A column that a mask is meant for. `is_certain`: its type is PostgreSQL's own, not one that people made, which may be a
    domain or a composite type of some that fit."""

    column: str
    type: str
    is_certain: bool


def column_types(document: Mapping[str, object]) -> dict[str, str]:
    """`schema.table.column` to the type's name, of a catalog's document that was found sound; without those of unknown type."""
    found: dict[str, str] = {}
    relations = document.get("relations")
    for relation, facts in relations.items() if isinstance(relations, dict) else ():
        columns = facts.get("columns", ()) if isinstance(facts, dict) else facts
        types = facts.get("types", ()) if isinstance(facts, dict) else ()
        for at, column in enumerate(columns):
            name = column["name"] if isinstance(column, dict) else column
            own = column.get("type") if isinstance(column, dict) else types[at] if at < len(types) else None
            if own:
                found[f"{relation}.{name}"] = type_name(str(own))
    return found


def type_name(written: str) -> str:
    """PostgreSQL's own short name of a type, as columns are declared or as its catalog has them: `varchar(20)`, `_int4`, `integer[]`."""
    plain = _SIZE.sub("", written.strip().lower()).removeprefix("pg_catalog.")
    dimensions = plain.count("[]")
    plain = " ".join(plain.replace("[]", "").split())
    if plain.startswith("_") and plain[1:] in _BUILT_IN:
        plain, dimensions = plain[1:], 1
    plain = _ALIASES.get(plain, plain)
    # An array of any number of dimensions is of one type.
    return f"{plain}[]" if dimensions else plain


def unfit_columns(mask: Mask, types: Mapping[str, str]) -> Iterator[Unfit]:
    """The columns a mask is meant for whose type cannot hold what its method leaves, in the order of the catalog.

    Of a mask of values within columns none: a cell without such values stays.
    """
    if mask.method in _LEFT_NULL or mask.within:
        return
    for column, type_ in types.items():
        if concerns(mask, column) and not holds(type_, mask.method):
            yield Unfit(column, type_, type_.removesuffix("[]") in _BUILT_IN)


def fitting(type_: str) -> tuple[Method, ...]:
    """The methods whose values a type holds."""
    return tuple(method for method in Method if holds(type_, method))
