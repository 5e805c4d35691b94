"""Which filters decide by nothing but being equal to constants: `sql.equalities`, told apart from every other use of a column."""

from __future__ import annotations

import pytest

from engine.command.parse import parse_command
from engine.command.sql.parse import read_catalog

CATALOG = read_catalog(
    {
        "search_path": ["public"],
        "relations": {"public.t": ["id", "email", "note"], "public.u": ["id", "email"]},
        "views": {"public.v": "SELECT id, email, upper(note) AS loud FROM public.t"},
    }
)


def told(query: str) -> tuple[str, ...]:
    sql = parse_command("postgres", query, CATALOG).command.sql
    assert sql is not None
    assert set(sql.equalities) <= set(sql.filters)
    return tuple(name.removeprefix("public.") for name in sql.equalities)


@pytest.mark.parametrize(
    ("query", "equal"),
    [
        ("SELECT * FROM t WHERE email = 'x'", ("t.email",)),
        ("SELECT id FROM t WHERE email = $1 AND (note = 'b'::text OR NOT 'c' = note)", ("t.email", "t.note")),
        ("SELECT id FROM t WHERE email IN ('a', $1) AND note = ANY($2::text[])", ("t.email", "t.note")),
        ("SELECT id FROM t WHERE email = ANY(ARRAY['a', 'b'])", ("t.email",)),
        ("SELECT id FROM t WHERE email OPERATOR(pg_catalog.=) 'x'", ("t.email",)),
        ("SELECT email FROM t WHERE id IN (SELECT id FROM u WHERE email = 'x')", ("u.email",)),
        ("SELECT e FROM (SELECT email AS e FROM t) s WHERE e = 'a'", ("t.email",)),
        ("WITH c AS (SELECT id, email FROM t WHERE email = 'x') SELECT id FROM c", ()),
        ("SELECT id FROM v WHERE email = 'x'", ("t.email", "v.email")),
        ("SELECT count(*) FROM t WHERE email = 'x'", ("t.email",)),
    ],
)
def test_a_column_that_is_compared_with_constants_alone(query: str, equal: tuple[str, ...]) -> None:
    assert told(query) == equal


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id FROM t WHERE email <> 'x'",
        "SELECT id FROM t WHERE email < 'x'",
        "SELECT id FROM t WHERE email LIKE 'x'",
        "SELECT id FROM t WHERE email NOT IN ('x')",
        "SELECT id FROM t WHERE email = ALL(ARRAY['x'])",
        "SELECT id FROM t WHERE email BETWEEN 'a' AND 'a'",
        "SELECT id FROM t WHERE email IS NOT DISTINCT FROM 'x'",
        "SELECT id FROM t WHERE email IS NULL",
        "SELECT id FROM t WHERE email = note",
        "SELECT id FROM t WHERE email = lower('X')",
        "SELECT id FROM t WHERE lower(email) = 'x'",
        "SELECT id FROM t WHERE email::bytea = 'x'",
        "SELECT id FROM t WHERE email = (SELECT 'x')",
        "SELECT id FROM t WHERE email = ANY(ARRAY['a', note])",
        "SELECT id FROM t WHERE email = ANY(SELECT email FROM u)",
        "SELECT id FROM t WHERE (email, id) = ('x', 1)",
        "SELECT id FROM t WHERE (email = 'x')::int > 0",
        "SELECT id FROM t WHERE CASE WHEN email = 'x' THEN true END",
        "SELECT id FROM t WHERE email OPERATOR(public.=) 'x'",
        "SELECT id FROM v WHERE loud = 'x'",
        "SELECT id FROM t WHERE email = 'x' AND length(email) > 3",
        "SELECT id FROM t WHERE email = 'x' ORDER BY email",
        "SELECT id FROM t WHERE email = 'x' GROUP BY id, email",
        "SELECT DISTINCT email FROM t WHERE email = 'x'",
        "SELECT id FROM t WHERE EXISTS (SELECT email FROM u WHERE u.email = 'x' AND t.email = u.email)",
        "SELECT id FROM t JOIN u USING (email) WHERE t.email = 'x'",
        "SELECT id FROM t JOIN u ON t.email = 'x'",
        "SELECT count(*) FILTER (WHERE email = 'x') FROM t",
        "SELECT id FROM t GROUP BY id HAVING max(email) = 'x'",
        "WITH c AS (SELECT email::int FROM t) SELECT id FROM t WHERE email = 'x'",
        "UPDATE t SET note = 'a' WHERE email = 'x'",
        "DELETE FROM t WHERE email = 'x'",
    ],
)
def test_every_other_use_of_a_column_counts(query: str) -> None:
    assert told(query) == ()


def test_an_operator_of_somebody_else_is_no_equality() -> None:
    mine = read_catalog(
        {"search_path": ["public"], "relations": {"public.t": ["id", "email"]}, "operators": ["public.="]}
    )
    sql = parse_command("postgres", "SELECT id FROM t WHERE email = 'x'", mine).command.sql
    assert sql is not None
    assert sql.equalities == ()
