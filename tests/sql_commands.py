"""SQL texts as decoded command trees over one small database, for tests."""

from __future__ import annotations

from engine import _native
from engine.command.sql.parse import CatalogFacts, build_catalog, parse_sql
from engine.command.tree import Command, Operation, Output

FACTS = CatalogFacts(
    search_path=("public",),
    relations={
        "public.cust": ("id", "name", "ssn", "amt"),
        "public.orders": ("id", "cust_id", "total"),
        "public.v": ("code", "id"),
        "public.closed": ("ssn",),
        "evil.cust": ("id", "name", "ssn", "amt"),
    },
    views={"public.v": "SELECT ssn AS code, id FROM cust", "public.closed": None},
    functions={},
    types=(),
)


def catalog(**changed: object) -> _native.Catalog:
    """The small database with some facts changed."""
    facts = {name: getattr(FACTS, name) for name in FACTS.__slots__}
    return build_catalog(CatalogFacts(**(facts | changed)))  # type: ignore[arg-type]  # names checked by the constructor


CATALOG = catalog()


def tree(text: str | bytes, names: _native.Catalog | None = CATALOG) -> Command:
    return parse_sql(text, names).command


def own(command: Command) -> list[Operation]:
    """The statements themselves, without what they contain and call."""
    return [item for item in command.operations if item.via == ("top",) and item.kind != "call_function"]


def effects(command: Command) -> set[str]:
    return {item.effect.value for item in command.operations}


def kinds(command: Command) -> list[str]:
    return [item.kind for item in command.operations]


def only(command: Command) -> Output:
    """The one output of a command."""
    assert command.sql is not None
    assert command.sql.outputs is not None
    assert len(command.sql.outputs) == 1, command.sql.outputs
    return command.sql.outputs[0]


def is_refused(command: Command) -> bool:
    """Whether the default policies deny it without a rule of their own: something in it could not be seen."""
    return not command.complete or any(item.kind == "unknown" for item in command.operations)
