"""What is asked for again, and what is not, by the marks that a server gives."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from adapters.postgres import catalog_changes, catalog_rows
from adapters.postgres.catalog_changes import Reading, fetch_changes
from adapters.postgres.type_shapes import SHAPES

SEED = 4711


class Database:
    """Stands in for a connection: relations by OID (name, kind, mark), marks of the rest, and what it was asked."""

    def __init__(self) -> None:
        self.relations = {1: ("a", "r", 10), 2: ("b", "r", 20), 3: ("v", "v", 30), 4: ("w", "v", 40)}
        self.over = {1: [3]}
        self.others = dict.fromkeys(catalog_changes._KINDS, 0)
        self.unread: set[int] = set()
        self.asked: list[str] = []

    async def execute(self, query: str) -> object:
        return None

    async def fetch(self, query: str) -> list[Sequence[object]]:
        if query == catalog_changes._RELATIONS.format(seed=SEED):
            return [(oid, mark) for oid, (_, _, mark) in self.relations.items()]
        if query == catalog_changes._OTHERS.format(seed=SEED):
            return [tuple(self.others.values())]
        oids = [int(oid) for oid in query.partition("'{")[2].partition("}'")[0].split(",") if oid]
        if "pg_get_viewdef" in query:
            self.asked.append(f"views {oids}")
            return [(oid, f"SELECT {self.relations[oid][2]} AS x") for oid in oids if oid not in self.unread]
        if "refobjid = ANY" in query:
            return [(view,) for oid in oids for view in self.over.get(oid, ())]
        if "pg_attribute a" in query:
            self.asked.append(f"columns {oids or 'all'}")
            wanted = [(oid, *facts) for oid, facts in self.relations.items() if oid in oids or not oids]
            return [(oid, "public", name, kind, 1, f"c{mark}", 25) for oid, name, kind, mark in wanted]
        kinds = {
            catalog_rows._FUNCTIONS: "functions",
            catalog_rows._OPERATORS: "operators",
            catalog_rows._PARENTS: "parents",
            catalog_rows._TYPES: "types",
            SHAPES: "shapes",
            catalog_rows._CASTS: "casts",
        }
        self.asked.append(kinds[query])
        return []

    def change(self, oid: int) -> None:
        name, kind, mark = self.relations[oid]
        self.relations[oid] = name, kind, mark + 1


async def read(database: Database, before: Reading | None = None) -> Reading:
    database.asked.clear()
    reading = await fetch_changes(database, before, SEED)
    assert reading is not None
    whole = await fetch_changes(copied(database), None, SEED)
    assert whole is not None
    assert reading.found == whole.found
    return reading


def copied(database: Database) -> Database:
    """Another connection to the same."""
    other = Database()
    other.relations, other.others, other.unread = database.relations, database.others, database.unread
    return other


async def test_where_no_mark_is_another_nothing_is_asked_for() -> None:
    database = Database()
    first = await read(database)
    assert database.asked == [
        "columns all",
        "functions",
        "operators",
        "parents",
        "types",
        "views [3, 4]",
        "shapes",
        "casts",
    ]
    assert await read(database, first) is first
    assert database.asked == []


async def test_a_relation_with_another_mark_is_read_and_the_views_over_it() -> None:
    database = Database()
    first = await read(database)
    database.change(1)
    second = await read(database, first)
    assert database.asked == ["columns [1]", "casts", "views [3]"]
    database.change(4)
    await read(database, second)
    assert database.asked == ["columns [4]", "casts", "views [4]"]


async def test_a_relation_that_is_gone_is_gone_and_a_new_one_is_there() -> None:
    database = Database()
    first = await read(database)
    del database.relations[2]
    del database.relations[4]
    database.relations[9] = ("z", "r", 90)
    second = await read(database, first)
    assert [row.relation for row in second.found.columns] == ["a", "v", "z"]
    assert second.found.views == {3: "SELECT 30 AS x"}
    assert database.asked[0] == "columns [9]"


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("functions", ["functions", "casts", "views [3, 4]"]),
        ("operators", ["operators", "casts", "views [3, 4]"]),
        ("casts", ["casts"]),
        ("checks", ["casts"]),
        ("types", ["types", "shapes", "casts", "views [3, 4]"]),
        ("composites", ["shapes", "casts"]),
        ("parents", ["parents"]),
        ("schemas", ["types", "functions", "operators", "casts", "views [3, 4]"]),
        ("languages", ["functions", "views [3, 4]"]),
        ("extensions", ["shapes", "functions", "operators", "casts"]),
    ],
)
async def test_of_the_rest_only_the_kind_with_another_mark_is_read(kind: str, asked: list[str]) -> None:
    database = Database()
    first = await read(database)
    database.others[kind] = 1
    assert await read(database, first) is not first
    assert database.asked == asked


async def test_a_view_that_could_not_be_read_is_tried_again_each_time() -> None:
    database = Database()
    database.unread = {3}
    first = await read(database)
    assert first.found.views == {4: "SELECT 40 AS x"}
    assert await read(database, first) is first
    assert database.asked == ["views [3]"]
    database.unread = set()
    second = await read(database, first)
    assert second.found.views == {3: "SELECT 30 AS x", 4: "SELECT 40 AS x"}
    assert await read(database, second) is second
    assert database.asked == []


async def test_with_many_changes_everything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_changes, "MOST_CHANGED", 1)
    database = Database()
    first = await read(database)
    database.change(1)
    database.change(2)
    await read(database, first)
    assert database.asked[0] == "columns all"


async def test_too_much_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_rows, "MAX_ROWS", 2)
    assert await fetch_changes(Database(), None, SEED) is None
