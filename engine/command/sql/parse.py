"""PostgreSQL text to a command, through the core. The only caller of the core's SQL functions.

Not here: which protocol a text belongs to (`engine/command/parse.py`), what the core does (`engine/native/src/sql`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from engine import _native
from engine.command.tree import ParsedCommand
from engine.errors import InputInvalid

CATALOG_KEYS = frozenset({"search_path", "relations", "views", "functions", "types", "prepared"})


@dataclass(frozen=True, slots=True)
class FunctionFacts:
    """What is known of a user's function. `effect` only where somebody vouches for it: then calls of it are complete."""

    effect: str | None = None
    security_definer: bool = False
    columns: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class CatalogFacts:
    """What names mean on one database. Keys are `schema.name`.

    `views` maps a view to its query, or to None where nobody can say; its columns stand in `relations`. A view that is
    missing in `views` counts as a table. `functions` and `types` are None where nobody listed them.
    """

    search_path: Sequence[str] = ()
    relations: Mapping[str, Sequence[str]] = field(default_factory=dict)
    views: Mapping[str, str | None] = field(default_factory=dict)
    functions: Mapping[str, FunctionFacts] | None = None
    types: Sequence[str] | None = None
    prepared: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        return _ENCODER.encode(self)


def build_catalog(facts: CatalogFacts) -> _native.Catalog:
    """The core's form of a catalog: built once, used for many texts."""
    return _native.Catalog(facts.encode())


def read_catalog(document: object) -> _native.Catalog:
    """A catalog from a JSON document, as a line of `sallyport parse --jsonl` carries it.

    Raises InputInvalid when it has another shape: a misspelled key must not leave a catalog that knows less.
    """
    if not isinstance(document, dict):
        raise InputInvalid("`catalog` is an object with `search_path`, `relations`, ...")
    unknown = sorted(str(key) for key in document if key not in CATALOG_KEYS)
    if unknown:
        raise InputInvalid(f"`catalog` has no key `{unknown[0]}`; it has {', '.join(sorted(CATALOG_KEYS))}")
    try:
        return _native.Catalog(_ENCODER.encode(document))
    except _native.NativeError as error:
        raise InputInvalid(str(error.args[0])) from error


def parse_sql(text: bytes | str, catalog: _native.Catalog | None = None) -> ParsedCommand:
    """The command tree of a PostgreSQL text. Never raises on hostile text: the tree says what was wrong with it."""
    if isinstance(text, str):
        # A lone surrogate is no text; the core will say so.
        text = text.encode("utf-8", "surrogatepass")
    return ParsedCommand(_native.parse_sql(text, catalog))


def split_sql(text: bytes) -> list[tuple[int, int]]:
    """The statements of a text as [start, end) byte offsets; empty when PostgreSQL's grammar refuses it."""
    return _RANGES.decode(_native.split_sql(text))


_ENCODER = msgspec.msgpack.Encoder()
_RANGES = msgspec.msgpack.Decoder(list[tuple[int, int]])
