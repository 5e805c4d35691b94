"""Functions of other servers: those of the vendor only compute, any other may do anything, and no shape is taken on trust."""

from __future__ import annotations

import pytest
import sqlglot

from engine.command.sql.dialect_calls import foreign_functions, unknown_functions, unknown_shapes
from engine.command.sql.dialects import DIALECTS


def unknown(protocol: str, text: str) -> set[str]:
    dialect = DIALECTS[protocol]
    tree = sqlglot.parse_one(text, read=dialect)
    tokens = list(sqlglot.Dialect.get_or_raise(dialect).tokenize(text))
    return {*unknown_functions(protocol, tree), *foreign_functions(protocol, dialect, tokens)}


@pytest.mark.parametrize(
    ("protocol", "text"),
    [
        ("mysql", "SELECT NOW(), LAST_INSERT_ID(), CONNECTION_ID(), UNIX_TIMESTAMP(), JSON_ARRAYAGG(a) FROM t"),
        ("sqlserver", "SELECT GETUTCDATE(), SCOPE_IDENTITY(), value FROM STRING_SPLIT('a', ',')"),
        ("sqlserver", "SELECT * FROM OPENJSON(@j) WITH (a INT '$.a')"),
        ("bigquery", "SELECT TO_JSON_STRING(t), ARRAY_AGG(a) FROM t"),
        ("snowflake", "SELECT IFF(a, 1, 2), TRANSFORM(b, x -> x + 1) FROM t"),
        ("mysql", "SELECT a FROM t WHERE b IN (1) AND (c OR (d))"),
    ],
)
def test_the_vendors_functions_are_known(protocol: str, text: str) -> None:
    assert unknown(protocol, text) == set()


@pytest.mark.parametrize(
    ("protocol", "text", "names"),
    [
        ("mysql", "SELECT LOAD_FILE('x'), SLEEP(5)", {"load_file", "sleep"}),
        ("mysql", "SELECT READ_CSV('x'), MEDIAN(a)", {"read_csv", "median"}),
        ("mysql", "SELECT shop.NOW()", {"now"}),
        ("sqlserver", "SELECT * FROM OPENROWSET('a', 'b', 'c')", {"openrowset"}),
        ("sqlserver", "SELECT * FROM f(1)", {"f"}),
        ("bigquery", "SELECT f(1)", {"f"}),
        ("snowflake", "SELECT IDENTIFIER('f')(1)", {"identifier"}),
        ("snowflake", "SELECT AI_CLASSIFY(a, ['x'])", {"ai_classify"}),
    ],
)
def test_any_other_function_is_unknown(protocol: str, text: str, names: set[str]) -> None:
    assert unknown(protocol, text) == names


@pytest.mark.parametrize(
    ("dialect", "text", "shapes"),
    [
        ("mysql", "SELECT @a := 1", ["propertyeq"]),
        ("bigquery", "SELECT STRUCT(1 AS a)", []),
        ("snowflake", "ALTER TABLE a SWAP WITH b", ["swaptable"]),
        ("tsql", "INSERT INTO OPENROWSET('a', 'b', 'c') SELECT 1", ["schema"]),
        ("tsql", "INSERT INTO t (a, b) SELECT 1, 2", []),
        ("mysql", "KILL 5", ["kill"]),
    ],
)
def test_shapes_nobody_vouches_for_are_told(dialect: str, text: str, shapes: list[str]) -> None:
    assert list(unknown_shapes(sqlglot.parse_one(text, read=dialect))) == shapes
