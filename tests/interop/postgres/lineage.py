"""Lineage against a real server: a proven origin is never wrong.

Three judges over generated queries (`tests/strategies/lineage.py`): what the server says a result column is (RowDescription);
whose values come out, by tokens that stand in one column only; and which columns a result depends on, by running the
same query over copies of the database in each of which one column has other values.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import asyncpg
import psycopg

from adapters.postgres.catalog import TargetNames, snapshot_of
from adapters.postgres.catalog_rows import fetch
from engine._native import Catalog
from engine.command.sql.parse import parse_sql
from engine.command.tree import Command, Output, Sql
from tests.interop.postgres.running import Server
from tests.strategies.lineage import STORED, VIEWS, Query, Writer, schema

WANTED = ("view", "star", "whole_row", "recursive", "setop", "using", "lateral", "plain", "changes", "view")
_TOKEN = re.compile(r"k(\d\d)q\dz", re.IGNORECASE)
_INVALID = (psycopg.ProgrammingError, psycopg.DataError, psycopg.NotSupportedError, psycopg.errors.QueryCanceled)


@dataclass
class Database:
    """The small database and its copies; `changed[n]` differs from `base` in column `STORED[n]`."""

    base: psycopg.Connection
    changed: list[psycopg.Connection]
    names: TargetNames
    catalog: Catalog
    view_filters: dict[str, set[str]] = field(default_factory=dict)


@contextmanager
def lineage_database(server: Server) -> Iterator[Database]:
    """Make the small database and its copies on a running server."""
    address = f"host=127.0.0.1 port={server.cluster.port} user=postgres dbname=postgres sslmode=disable"
    with psycopg.connect(address, autocommit=True) as maker:
        maker.execute("DROP DATABASE IF EXISTS lineage")
        maker.execute("CREATE DATABASE lineage")
    address = address.replace("dbname=postgres", "dbname=lineage")
    with psycopg.connect(address, autocommit=True) as maker:
        for statement in schema("s"):
            maker.execute(statement)
        for at, (table, column, _) in enumerate(STORED):
            for statement in schema(f"s{at}", (table, column)):
                maker.execute(statement)
        maker.execute("ANALYZE")
    places = ["s", *(f"s{at}" for at in range(len(STORED)))]
    made = [
        psycopg.connect(f"{address} options='-c search_path={place} -c statement_timeout=1000 -c jit=off'")
        for place in places
    ]
    names = asyncio.run(read_names(server.cluster.port))
    catalog = names.handle(("s",), {}, {})
    assert isinstance(catalog, Catalog)
    found = Database(made[0], made[1:], names, catalog)
    for view, (_, text) in VIEWS.items():
        sql = facts(parse_sql(text, catalog).command)
        inner = (found.view_filters.get(relation, set()) for relation in sql.relations)
        found.view_filters[f"s.{view}"] = set(sql.filters).union(*inner)
    yield found
    for connection in made:
        connection.close()


async def read_names(port: int) -> TargetNames:
    connection = await asyncpg.connect(
        host="127.0.0.1", port=port, user="postgres", database="lineage", ssl=False, server_settings={"search_path": ""}
    )
    try:
        found = await fetch(connection)
    finally:
        await connection.close()
    assert found is not None
    return TargetNames(snapshot_of(found))


def facts(command: Command) -> Sql:
    assert command.sql is not None
    return command.sql


@dataclass
class Tally:
    queries: int = 0
    outputs: int = 0
    proven: int = 0
    invalid: int = 0
    traits: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    unproven: Counter[str] = field(default_factory=Counter)

    def says(self) -> str:
        share = 100 * self.proven / max(self.outputs, 1)
        traits = ", ".join(f"{name} {count}" for name, count in sorted(self.traits.items()))
        return (
            f"{self.queries} queries ({self.invalid} more were invalid): {traits}; {self.outputs} outputs,"
            f" {self.proven} proven ({share:.1f} %), {len(self.wrong)} wrong"
        )


def compare(
    database: Database,
    count: int,
    seed: int,
    copies: int = len(STORED),
    told: Callable[[Tally], object] | None = None,
) -> Tally:
    """Run so many valid queries and compare what the core says with what the server shows, and at most so many copies of it
    for each. `told` is called after each hundred."""
    writer, tally = Writer(seed), Tally()
    number = 0
    while tally.queries < count:
        query = writer.query(WANTED[number % len(WANTED)])
        number += 1
        places = random.Random(number).sample(range(len(STORED)), copies)
        _one(database, query, tally, places)
        if told is not None and tally.queries % 100 == 0:
            told(tally)
    return tally


def _one(database: Database, query: Query, tally: Tally, places: Sequence[int]) -> None:
    ran = run(database.base, query.text)
    if ran is None:
        tally.invalid += 1
        return
    rows, described = ran
    tally.queries += 1
    tally.traits.update(query.traits)
    command = parse_sql(query.text, database.catalog).command
    sql = facts(command)
    outputs = sql.outputs or ()
    tally.outputs += len(described)
    if sql.outputs_proven and [output.name for output in outputs] != [name for name, _, _ in described]:
        tally.wrong.append(f"names {[o.name for o in outputs]} for {[n for n, _, _ in described]}: {query.text}")
        return
    if not sql.outputs_proven and len(outputs) != len(described):
        tally.unproven[query.text] += 1
        return
    for at, output in enumerate(outputs):
        if not output.proven:
            tally.unproven[query.text] += 1
            continue
        tally.proven += 1
        # What a statement stores may be computed; the column that shows it is itself all the same.
        may_be_stored = "changes" in query.traits
        why = _wrong(database, output, described[at], [row[at] for row in rows], may_be_stored)
        if why:
            tally.wrong.append(f"output {at} {output.origins}: {why}: {query.text}")
    for why in _depends(database, query.text, sql, rows, places):
        tally.wrong.append(f"{why}: {query.text}")


def run(
    connection: psycopg.Connection, text: str
) -> tuple[list[tuple[str | None, ...]], list[tuple[str, int, int]]] | None:
    """The rows as text, and for each column (name, relation's OID, number)."""
    try:
        cursor = connection.execute(text)
        result = cursor.pgresult
        assert result is not None
        described = [
            ((result.fname(at) or b"").decode(), result.ftable(at), result.ftablecol(at))
            for at in range(result.nfields)
        ]
        rows = [
            tuple(
                None if (cell := result.get_value(row, at)) is None else cell.decode() for at in range(result.nfields)
            )
            for row in range(result.ntuples)
        ]
    except _INVALID:
        return None
    finally:
        connection.rollback()
    return rows, described


def _wrong(
    database: Database, output: Output, described: tuple[str, int, int], cells: list[str | None], may_be_stored: bool
) -> str | None:
    _, relation, number = described
    named = database.names.origin_of(relation, number) if relation else None
    if named is not None and named not in output.origins:
        return f"the server says {named}"
    is_view = named is not None and named.split(".")[1] in VIEWS
    if named is not None and output.derived and not is_view and not may_be_stored:
        return f"derived, but the server says it is {named}"
    found = set()
    for cell in cells:
        own = [name_of(int(place)) for place in _TOKEN.findall(cell or "")]
        found.update(own)
        if not output.derived and len(output.origins) and cell is not None and cell.startswith("k") and len(own) != 1:
            return f"no plain copy: {cell}"
    missing = found - set(output.origins)
    return f"values of {sorted(missing)} come out" if missing else None


def name_of(place: int) -> str:
    table, column, _ = STORED[place]
    return f"s.{table}.{column}"


def _depends(
    database: Database, text: str, sql: Sql, rows: list[tuple[str | None, ...]], places: Sequence[int]
) -> Iterator[str]:
    """Columns that change a result without being an origin of it or a filter."""
    outputs = sql.outputs or ()
    filters = set(sql.filters).union(*(database.view_filters.get(relation, set()) for relation in sql.relations))
    for place in places:
        column = name_of(place)
        deaf = [at for at, output in enumerate(outputs) if output.proven and column not in output.origins]
        if column in filters or not deaf or not (set(sql.relations) & {column.rpartition(".")[0]} or "f_" in text):
            continue
        changed = run(database.changed[place], text)
        if changed is None:
            continue
        for at in deaf:
            before, after = Counter(row[at] for row in rows), Counter(row[at] for row in changed[0])
            if before != after:
                yield f"output {at} {outputs[at].origins} depends on {column}"
