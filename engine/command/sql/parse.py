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

CATALOG_KEYS = frozenset(
    {"search_path", "relations", "views", "functions", "types", "operators", "casts", "checks", "prepared", "cursors"}
)
RELATION_KEYS = frozenset({"columns", "types", "parents", "generated"})
VIEW_KEYS = frozenset({"definition"})
FUNCTION_KEYS = frozenset(
    {
        *("effect", "security_definer", "columns", "volatility", "language", "strict", "returns_set", "returns"),
        *("arguments", "defaults", "default_values", "variadic", "body", "settings", "shadows", "repeats"),
    }
)


@dataclass(frozen=True, slots=True)
class FunctionFacts:
    """What is known of a user's function. `effect` only where somebody vouches for it: then calls of it are complete.

    Without that, a function is looked into where it is `language` sql, `volatility` stable or immutable, not SECURITY
    DEFINER, has no settings of its own (`settings`) and its `body` is given; every other one is opaque. `arguments` are
    the names of its IN arguments ("" where one has none), `defaults` how many may be left out; None: nobody knows.
    `default_values` are the expressions that stand in for these, with commas between them: without them a call that leaves
    one out is opaque.
    `shadows` is False where it cannot be taken for one of PostgreSQL's own of the same name; `repeats` says that it can, but only
    where its schema is searched before `pg_catalog`: it has all the types of one.
    """

    effect: str | None = None
    security_definer: bool = False
    columns: Sequence[str] | None = None
    volatility: str = "volatile"
    language: str | None = None
    strict: bool = False
    returns_set: bool = False
    returns: str | None = None
    arguments: Sequence[str] | None = None
    defaults: int = 0
    default_values: str | None = None
    variadic: bool = False
    body: str | None = None
    settings: bool = False
    shadows: bool = True
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class RelationFacts:
    """A relation's columns, their types as far as they are known ("" where not), and what it inherits from.

    `generated` are the columns that the server computes by itself (`GENERATED ALWAYS AS`), and of which columns beside them.
    """

    columns: Sequence[str] = ()
    types: Sequence[str] = ()
    parents: Sequence[str] = ()
    generated: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CatalogFacts:
    """What names mean on one database. Keys are `schema.name`.

    `views` maps a view to its query, or to None where nobody can say; its columns stand in `relations`. A view that is
    missing in `views` counts as a table. The names in a view's query mean what they mean under this `search_path`, also for
    a session with another. Several functions of one name stand in a list. `functions` and `types` are None where nobody
    listed them; `operators` are those that people made. `casts` are the functions that people made for casts to a type, by its
    bare name, those that nobody has to write under `*`, where a value is stored under `=`; `checks` those that a domain's values have to pass.
    `pg_temp` is the schema of temporary objects.
    """

    search_path: Sequence[str] = ()
    relations: Mapping[str, Sequence[str] | RelationFacts] = field(default_factory=dict)
    views: Mapping[str, str | None] = field(default_factory=dict)
    functions: Mapping[str, FunctionFacts | Sequence[FunctionFacts]] | None = None
    types: Sequence[str] | None = None
    operators: Sequence[str] = ()
    casts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    checks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    prepared: Mapping[str, str] = field(default_factory=dict)
    cursors: Mapping[str, str] = field(default_factory=dict)

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
    _check_parts(document)
    try:
        return _native.Catalog(_ENCODER.encode(document))
    except _native.NativeError as error:
        raise InputInvalid(str(error.args[0])) from error


def _check_parts(document: dict[str, object]) -> None:
    for part, keys in (("relations", RELATION_KEYS), ("views", VIEW_KEYS), ("functions", FUNCTION_KEYS)):
        entries = document.get(part)
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            for facts in entry if isinstance(entry, list) else [entry]:
                if isinstance(facts, dict) and part != "relations":
                    _check_keys(f"{part} of {name}", facts, keys)
            if isinstance(entry, dict) and part == "relations":
                _check_keys(f"{part} of {name}", entry, keys)


def _check_keys(place: str, facts: dict[str, object], keys: frozenset[str]) -> None:
    unknown = sorted(str(key) for key in facts if key not in keys)
    if unknown:
        raise InputInvalid(f"`catalog`: {place}: no key `{unknown[0]}`; there are {', '.join(sorted(keys))}")


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
