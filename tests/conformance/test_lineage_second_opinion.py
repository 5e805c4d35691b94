"""Lineage against sqlglot's: whatever column it finds in an output, we find too.

It knows neither views' queries nor inheritance, and it has no answer for whole rows, so only what both can say is compared.
"""

from __future__ import annotations

from collections import Counter

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import lineage

from engine.command.sql.parse import CatalogFacts, RelationFacts, build_catalog, parse_sql
from tests.strategies.lineage import TABLES, VIEWS, Writer

COLUMNS = TABLES | {name: columns for name, (columns, _) in VIEWS.items()}
NAMES = build_catalog(
    CatalogFacts(
        ("s",), {f"s.{name}": RelationFacts([column for column, _ in listed]) for name, listed in COLUMNS.items()}
    )
)
SCHEMA = {name: dict(listed) for name, listed in COLUMNS.items()}
WANTED = ("plain", "view", "star", "setop", "using")


def second_opinion(text: str, column: str) -> set[str] | None:
    """The tables' columns sqlglot finds in an output; None where it has no answer."""
    try:
        node = lineage(column, text, schema=SCHEMA, dialect="postgres")
    except (SqlglotError, ValueError, KeyError, AttributeError, RecursionError):
        return None
    found = set()
    for leaf in node.walk():
        if isinstance(leaf.expression, exp.Table) and not leaf.downstream:
            found.add(f"s.{leaf.expression.name}.{leaf.name.rpartition('.')[2].strip(chr(34))}")
    # It takes the names of `AS t(a, b)` for columns of the table: no answer either.
    return found if all(leaf.rpartition(".")[2] in SCHEMA.get(leaf.split(".")[1], {}) for leaf in found) else None


def test_whatever_sqlglot_finds_in_an_output_we_find_too() -> None:
    writer, tally = Writer(11), Counter[str]()
    wrong = []
    for number in range(150):
        query = writer.query(WANTED[number % len(WANTED)])
        if query.traits & {"whole_row", "lateral", "recursive"} or "f_" in query.text:
            continue
        sql = parse_sql(query.text, NAMES).command.sql
        assert sql is not None
        names = [output.name for output in sql.outputs or ()]
        for output in sql.outputs or ():
            if output.name is None or names.count(output.name) != 1:
                continue
            said = second_opinion(query.text, output.name)
            if said is None:
                tally["no answer"] += 1
            elif said <= set(output.origins):
                tally["the same" if said == set(output.origins) else "we find more"] += 1
            else:
                wrong.append((sorted(said - set(output.origins)), output.name, query.text))
    print(dict(tally))
    assert wrong == []
    assert tally["the same"] >= 0.5 * tally.total()
    assert tally.total() > 50


def test_sqlglot_reads_what_it_is_asked() -> None:
    assert second_opinion("SELECT name AS x FROM cust", "x") == {"s.cust.name"}
    assert sqlglot.parse_one("SELECT 1", read="postgres") is not None
