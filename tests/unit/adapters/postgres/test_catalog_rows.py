"""What rows of the system catalogues amount to."""

from __future__ import annotations

import asyncpg
import pytest

from adapters.postgres import catalog_rows
from adapters.postgres.catalog_rows import (
    CastRow,
    ColumnRow,
    Found,
    FunctionRow,
    OperatorRow,
    checked,
    facts_of,
    fetch,
)
from engine.command.sql.parse import RelationFacts

MINE, BUILT_IN = 20_000, 25


def function(name: str, **changed: object) -> FunctionRow:
    facts: dict[str, object] = {
        "schema": "public", "name": name, "volatility": "s", "security_definer": False, "strict": True,
        "returns_set": True, "language": "sql", "argument_names": ["k", "what"], "argument_modes": ["i", "t"],
        "arguments": 1, "defaults": 0, "variadic": False, "body": "SELECT 1", "settings": False,
        "of_extension": False, "repeats": False, "argument_types": [BUILT_IN], "kind": "f",
    }  # fmt: skip
    return FunctionRow(**(facts | changed))  # type: ignore[arg-type]  # names checked by the constructor


def test_relations_have_columns_types_parents_and_their_numbers() -> None:
    found = Found(
        columns=[
            ColumnRow(1, "public", "log", "p", 1, "line", 25),
            ColumnRow(2, "public", "log_1", "r", 1, "line", 25),
            ColumnRow(2, "public", "log_1", "r", 3, "mood", MINE),
            ColumnRow(3, "public", "bare", "r"),
        ],
        parents=[(2, 1), (9, 1), (2, 8)],
        types={25: "text"},
    )
    facts, origins = facts_of(found)
    assert facts.relations["public.log_1"] == RelationFacts(["line", "mood"], ["text", ""], ["public.log"])
    assert facts.relations["public.bare"] == RelationFacts([], [], [])
    assert origins[2, 3] == "public.log_1.mood"
    assert facts.functions is None


def test_a_computed_column_has_the_names_of_what_it_is_made_of() -> None:
    rows = [
        ColumnRow(1, "s", "t", "r", 1, "a"),
        ColumnRow(1, "s", "t", "r", 3, "b"),
        ColumnRow(1, "s", "t", "r", 4, "made", sources=(1, 3, 9)),
        ColumnRow(2, "s", "other", "r", 1, "a"),
    ]
    facts, _ = facts_of(Found(rows))
    assert facts.relations["s.t"] == RelationFacts(["a", "b", "made"], ["", "", ""], [], {"made": ["a", "b"]})
    assert facts.relations["s.other"] == RelationFacts(["a"], [""], [])


def test_a_view_has_its_query_and_a_materialized_one_has_none() -> None:
    rows = [
        ColumnRow(1, "s", "v", "v", 1, "a"),
        ColumnRow(2, "s", "m", "m", 1, "a"),
        ColumnRow(3, "s", "t", "r", 1, "a"),
    ]
    facts, _ = facts_of(Found(rows, {1: "SELECT 1 AS a", 2: "SELECT 2 AS a"}))
    assert facts.views == {"s.v": "SELECT 1 AS a", "s.m": None}


def test_functions_of_one_name_stand_together() -> None:
    facts, _ = facts_of(
        Found(
            functions=[function("f", defaults=1, default_values="1"), function("f", arguments=2, argument_names=None)]
        )
    )
    assert facts.functions is not None
    one, other = facts.functions["public.f"]  # type: ignore[misc]  # the adapter always lists
    assert (one.columns, one.arguments, one.volatility, one.body) == (["what"], ["k"], "stable", "SELECT 1")
    assert (one.defaults, one.default_values) == (1, "1")
    assert (other.columns, other.arguments, other.default_values) == (None, ["", ""], None)


@pytest.mark.parametrize(
    ("of_extension", "types", "shadows"),
    [(False, [BUILT_IN], True), (False, [MINE], True), (True, [BUILT_IN, 0], True), (True, [BUILT_IN, MINE], False)],
)
def test_only_an_extensions_own_types_keep_a_function_from_being_taken_for_another(
    of_extension: bool, types: list[int], shadows: bool
) -> None:
    facts, _ = facts_of(
        Found(
            functions=[function("upper", of_extension=of_extension, argument_types=types)],
            operators=[OperatorRow("public", "=", of_extension, types[0], types[-1])],
        )
    )
    assert facts.functions is not None
    assert facts.functions["public.upper"][0].shadows is shadows  # type: ignore[index]  # the adapter always lists
    assert list(facts.operators) == (["public.="] if shadows else [])


@pytest.mark.parametrize(
    ("changed", "shadows", "repeats"),
    [
        ({"language": "c", "volatility": "i"}, False, False),
        ({"language": "c", "volatility": "s"}, False, False),
        ({"language": "c", "volatility": "v"}, True, False),
        ({"language": "sql", "volatility": "i"}, True, False),
        ({"language": "c", "volatility": "i", "of_extension": False}, True, False),
        ({"language": "c", "volatility": "v", "repeats": True}, False, True),
        ({"language": "plpgsql", "repeats": True, "of_extension": False}, False, True),
    ],
)
def test_an_extensions_function_in_c_that_changes_nothing_is_what_it_says(
    changed: dict[str, object], shadows: bool, repeats: bool
) -> None:
    row = function("upper", **({"of_extension": True, "argument_types": [BUILT_IN]} | changed))
    facts, _ = facts_of(Found(functions=[row]))
    assert facts.functions is not None
    found = facts.functions["public.upper"][0]  # type: ignore[index]  # the adapter always lists
    assert (found.shadows, found.repeats) == (shadows, repeats)


def test_an_extensions_operator_counts_unless_it_is_in_c_and_changes_nothing() -> None:
    rows = [
        OperatorRow("public", "%", True, BUILT_IN, BUILT_IN, True),
        OperatorRow("public", "+", True, BUILT_IN, BUILT_IN, False),
        OperatorRow("public", "-", True, BUILT_IN, BUILT_IN, None),
        OperatorRow("public", "*", False, BUILT_IN, BUILT_IN, True),
    ]
    assert list(facts_of(Found(operators=rows))[0].operators) == ["public.*", "public.+", "public.-"]


def test_casts_and_checks_stand_by_their_type_and_by_when_they_run() -> None:
    rows = [
        CastRow(1, "mood", "s", "f", "e"),
        CastRow(1, "mood", "s", "g", "i"),
        CastRow(2, "int4", "s", "h", "a"),
        CastRow(3, "spied", "s", "k", "check"),
        CastRow(4, "spied", "s", "k", "check"),
    ]
    facts, _ = facts_of(Found(casts=rows))
    assert facts.casts == {"mood": ["s.f", "s.g"], "*": ["s.g"], "int4": ["s.h"], "=": ["s.h"]}
    assert facts.checks == {"spied": ["s.k"]}
    assert checked(Found(casts=rows)) == {3, 4}


@pytest.mark.parametrize(
    ("arguments", "result", "is_read"), [((25,), 25, True), ((25, 3), 25, False), ((25,), 3, False), ((1,), 1, True)]
)
def test_a_body_is_not_all_where_what_it_is_given_is_looked_at(
    arguments: tuple[int, ...], result: int, is_read: bool
) -> None:
    casts = [CastRow(1, "mood", "s", "f", "e"), CastRow(3, "spied", "s", "k", "check")]
    made = function("f", body="SELECT 1", kind="f", argument_types=arguments, arguments=len(arguments), result=result)
    facts, _ = facts_of(Found(functions=[made], casts=casts))
    assert facts.functions is not None
    (only,) = facts.functions["public.f"]  # type: ignore[misc]  # the adapter always lists
    assert (only.body == "SELECT 1") is is_read


class Answers:
    """A connection that has one row of everything."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def execute(self, query: str) -> object:
        self.asked.append(query.split()[0])
        return None

    async def fetch(self, query: str) -> list[tuple[object, ...]]:
        self.asked.append(query)
        match query:
            case _ if query == catalog_rows._COLUMNS.format(which="", of_default=""):
                return [(1, "public", "t", "r", 1, "tags", 1009)]
            case catalog_rows._TYPES:
                return [(25, "pg_catalog", "text", None), (1009, "pg_catalog", "_text", 25), (7, "s", "mood", None)]
            case _:
                return []


async def test_everything_is_read_in_one_transaction_that_is_given_up() -> None:
    connection = Answers()
    found = await fetch(connection)  # type: ignore[arg-type]  # tuples for rows
    assert found is not None
    assert found.types == {25: "text", 1009: "text[]", 7: "s.mood"}
    assert facts_of(found)[0].relations["public.t"] == RelationFacts(["tags"], ["text[]"], [])
    assert (connection.asked[0], connection.asked[-1]) == ("BEGIN", "ROLLBACK")


async def test_too_much_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_rows, "MAX_ROWS", 0)
    assert await fetch(Answers()) is None  # type: ignore[arg-type]  # tuples for rows


class Locked(Answers):
    """A connection to a database with some views, one of which somebody is changing."""

    def __init__(self, views: int, locked: frozenset[int]) -> None:
        super().__init__()
        self.views, self.locked = views, locked

    async def fetch(self, query: str) -> list[tuple[object, ...]]:
        if query == catalog_rows._COLUMNS.format(which="", of_default=""):
            return [(oid, "public", f"v{oid}", "v", 1, "a", 25) for oid in range(1, self.views + 1)]
        if "pg_get_viewdef" in query:
            self.asked.append("views")
            oids = [int(oid) for oid in query.partition("{")[2].partition("}")[0].split(",")]
            if self.locked & set(oids):
                raise asyncpg.LockNotAvailableError("canceling statement due to lock timeout")
            return [(oid, "SELECT 1 AS a") for oid in oids]
        return []


async def test_a_view_that_somebody_is_changing_is_unknown_and_the_others_are_read() -> None:
    connection = Locked(9, frozenset({4}))
    found = await fetch(connection)  # type: ignore[arg-type]  # tuples for rows
    assert found is not None
    assert found.views is not None
    assert sorted(found.views) == [1, 2, 3, 5, 6, 7, 8, 9]
    assert facts_of(found)[0].views["public.v4"] is None


async def test_no_lock_of_a_view_is_kept_for_longer_than_its_definition_is_read() -> None:
    connection = Locked(9, frozenset({4}))
    await fetch(connection)  # type: ignore[arg-type]  # tuples for rows
    steps = connection.asked[connection.asked.index("SAVEPOINT") + 1 : -1]
    assert steps == ["views", "ROLLBACK"] * (len(steps) // 2)


async def test_reading_views_gives_up_when_all_are_locked() -> None:
    connection = Locked(1000, frozenset(range(1, 1001)))
    found = await fetch(connection)  # type: ignore[arg-type]  # tuples for rows
    assert found is not None
    assert found.views == {}
    assert connection.asked.count("views") == catalog_rows.MAX_UNREAD
