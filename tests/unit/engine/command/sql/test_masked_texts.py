"""Texts under a mask: what an inner query hands on, several statements, PostgreSQL's own relations, arrays that are unnested."""

from __future__ import annotations

import pytest

from engine.command.parse import parse_command
from engine.command.sql.parse import read_catalog
from engine.command.tree import Command
from engine.masking.plan import Mask, Unplanned, plan_masks
from engine.masking.transforms import Method

CATALOG = read_catalog(
    {
        "search_path": ["public"],
        "relations": {
            "public.cust": {"columns": ["id", "city", "ssn"], "types": ["int4", "text", "text"]},
            "public.orders": {
                "columns": ["id", "cust_id", "items", "total", "lines"],
                "types": ["int4", "int4", "text[]", "numeric", "public.line[]"],
            },
            "public.v": {"columns": ["city", "code"], "types": ["text", "text"]},
        },
        "views": {"public.v": "SELECT city, ssn AS code FROM public.cust"},
        "functions": {},
        "types": ["public.line"],
    }
)
MASKS = [Mask("m/SSN", Method.REDACT, ("*.*.ssn",))]


def tree(text: str) -> Command:
    return parse_command("postgres", text, CATALOG).command


def is_planned(text: str) -> bool:
    return not isinstance(plan_masks(MASKS, tree(text)), Unplanned)


@pytest.mark.parametrize(
    "text",
    [
        "WITH base AS (SELECT * FROM cust) SELECT city, count(*) FROM base GROUP BY 1",
        "WITH base AS MATERIALIZED (SELECT * FROM cust) SELECT city FROM base ORDER BY 1 LIMIT 5",
        "SELECT count(*) FROM (SELECT * FROM cust) q",
        "SELECT count(*) FROM (SELECT * FROM cust WHERE id > 5 ORDER BY city LIMIT 1001) AS virtual_table",
        "SELECT q.city FROM (SELECT c.*, o.total FROM cust c JOIN orders o ON o.cust_id = c.id) q",
        "SELECT o.id FROM orders o WHERE EXISTS (SELECT * FROM cust c WHERE c.id = o.cust_id)",
        "SELECT o.id FROM orders o WHERE NOT EXISTS (SELECT c.ssn FROM cust c WHERE c.id = o.cust_id)",
        "SELECT a.city FROM (SELECT * FROM (SELECT * FROM cust) b) a",
        "SELECT city FROM (SELECT * FROM v) q",
        "EXPLAIN SELECT * FROM cust WHERE id = 1",
        "EXPLAIN (FORMAT JSON) SELECT ssn FROM cust",
    ],
)
def test_what_nobody_uses_of_an_inner_query_tells_nothing(text: str) -> None:
    assert is_planned(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) FROM (SELECT DISTINCT ssn FROM cust) q",
        "SELECT count(*) FROM (SELECT DISTINCT ON (ssn) * FROM cust) q",
        "SELECT count(*) FROM (SELECT * FROM cust ORDER BY ssn LIMIT 1) q",
        "SELECT q.id FROM (SELECT * FROM cust ORDER BY 3 LIMIT 1) q",
        "SELECT count(*) FROM (SELECT ssn FROM cust UNION SELECT '1') q",
        "SELECT count(*) FROM (SELECT ssn FROM cust INTERSECT SELECT '1') q",
        "SELECT count(*) FROM (SELECT ssn FROM cust EXCEPT SELECT '1') q",
        "SELECT count(*) FROM (SELECT ssn FROM cust UNION ALL SELECT '1') q",
        "SELECT 1 WHERE EXISTS (SELECT ssn FROM cust INTERSECT SELECT '1')",
        "SELECT 1 WHERE EXISTS (SELECT ssn::int FROM cust)",
        "SELECT 1 WHERE '1' IN (SELECT ssn FROM cust)",
        "SELECT 1 WHERE '1' = ANY (ARRAY(SELECT ssn FROM cust))",
        "SELECT count(*) FROM (SELECT ssn FROM cust GROUP BY ssn) q",
        "SELECT count(*) FROM (SELECT ssn::int FROM cust) q",
        "SELECT count(DISTINCT q) FROM (SELECT * FROM cust) q",
        "SELECT q::text FROM (SELECT * FROM cust) q",
        "SELECT q.id FROM (SELECT * FROM cust) q WHERE q IS NOT NULL",
        "SELECT q.id FROM (SELECT * FROM cust) q WHERE q.ssn = '1'",
        "SELECT q.id FROM (SELECT * FROM cust) q ORDER BY q",
        "SELECT DISTINCT q FROM (SELECT * FROM cust) q",
        "SELECT a.id FROM (SELECT * FROM cust) a NATURAL JOIN (SELECT id, ssn FROM cust) b",
        "SELECT a.id FROM (SELECT id, ssn AS x FROM cust) a JOIN (SELECT '1' AS x) b USING (x)",
        "SELECT a.id FROM (SELECT * FROM cust) a, LATERAL (SELECT 1 WHERE a.ssn = '1') b",
        "SELECT a.id FROM cust a, LATERAL (SELECT repeat('x', a.ssn::int)) b",
        "INSERT INTO orders (id) SELECT id FROM (SELECT * FROM cust) q",
        "CREATE TABLE t AS SELECT * FROM (SELECT * FROM cust) q",
        "WITH d AS (DELETE FROM cust RETURNING ssn) SELECT 1",
        "WITH i AS (INSERT INTO cust SELECT * FROM cust RETURNING id) SELECT id FROM i",
        "WITH RECURSIVE r AS (SELECT ssn FROM cust UNION SELECT ssn FROM r) SELECT count(*) FROM r",
        "EXPLAIN SELECT * FROM cust WHERE ssn = '1'",
        "EXPLAIN ANALYZE SELECT * FROM cust WHERE id = 1",
        "EXPLAIN (ANALYZE, SERIALIZE) SELECT ssn FROM cust WHERE id = 1",
    ],
)
def test_what_somebody_uses_is_guarded_still(text: str) -> None:
    assert not is_planned(text)


@pytest.mark.parametrize(
    "text",
    [
        "SET statement_timeout='5s'; SELECT count(*) FROM orders",
        "BEGIN; SELECT id FROM orders; COMMIT",
        "SELECT version(); SELECT current_user",
        "SELECT id FROM orders; SELECT 2",
        "SELECT city FROM cust; SELECT city FROM v WHERE city = 'x'",
        "BEGIN; UPDATE orders SET total = 1 WHERE id = 2; COMMIT",
    ],
)
def test_several_statements_none_of_which_a_mask_concerns_are_planned(text: str) -> None:
    assert plan_masks(MASKS, tree(text)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "SELECT id FROM orders; SELECT ssn FROM cust",
        "SELECT ssn FROM cust; SELECT 2",
        "SELECT 1; SELECT code FROM v",
        "SELECT 1; SELECT id FROM cust WHERE ssn = '1'",
        "SELECT 1; SELECT cust FROM cust",
        "SET search_path = evil; SELECT city FROM cust",
        "SET LOCAL search_path = evil; SELECT city FROM cust",
        "SET ROLE other; SELECT city FROM cust",
        "RESET ALL; SELECT city FROM cust",
        "COMMIT; SELECT city FROM cust",
        "ROLLBACK TO SAVEPOINT a; SELECT city FROM cust",
        "SELECT set_config('search_path', 'evil', false); SELECT city FROM cust",
        "CREATE TEMP VIEW orders AS SELECT ssn AS id FROM cust; SELECT id FROM orders",
        "CREATE TEMP TABLE x (id int); SELECT id FROM orders",
        "ALTER TABLE cust RENAME COLUMN ssn TO town; SELECT city FROM cust",
        "SELECT * FROM pg_stats; SELECT 1",
        "SELECT * FROM pg_stat_activity; SELECT 1",
    ],
)
def test_several_statements_one_of_which_may_show_more_are_not(text: str) -> None:
    assert not is_planned(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM information_schema.columns WHERE table_name = 'cust'",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM pg_indexes",
        "SELECT * FROM pg_catalog.pg_tables",
        "SELECT l.* FROM pg_locks l JOIN pg_class c ON c.oid = l.relation",
        "SELECT * FROM pg_settings",
        "SELECT s FROM pg_settings s",
        "SELECT * FROM pg_stat_user_tables",
        "SELECT * FROM pg_extension",
        "SELECT count(*) FROM (SELECT * FROM pg_locks) q",
        "SELECT query FROM pg_stat_activity",
    ],
)
def test_postgres_own_relations_have_columns_that_no_mask_means(text: str) -> None:
    assert is_planned(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM pg_stat_activity",
        "SELECT * FROM pg_stats",
        "SELECT most_common_vals FROM pg_stats",
        "SELECT * FROM pg_statistic",
        "SELECT * FROM pg_stats_ext",
        "SELECT * FROM pg_cursors",
        "SELECT * FROM pg_prepared_statements",
        "SELECT * FROM pg_largeobject",
        "SELECT * FROM pg_user_mappings",
        "SELECT * FROM pg_locks, cust",
        "SELECT * FROM pg_locks l JOIN pg_stats s ON true",
        "SELECT q.* FROM (SELECT * FROM pg_locks) q, (SELECT ssn FROM cust) r WHERE q.pid = 1 AND r.ssn = '1'",
    ],
)
def test_what_holds_values_or_texts_of_others_is_not_listed(text: str) -> None:
    assert not is_planned(text)


def test_a_mask_that_means_a_column_of_postgres_own_keeps_its_star_unproven() -> None:
    masks = [Mask("m/S", Method.REDACT, ("*.*.setting",))]
    assert isinstance(plan_masks(masks, tree("SELECT * FROM pg_settings")), Unplanned)
    assert isinstance(plan_masks(masks, tree("SELECT setting FROM pg_settings")), Unplanned)
    masks = [Mask("m/S", Method.REDACT, ("pg_catalog.pg_settings.*",))]
    assert isinstance(plan_masks(masks, tree("SELECT * FROM pg_settings")), Unplanned)


@pytest.mark.parametrize(
    ("text", "proven"),
    [
        ("SELECT u FROM orders o, unnest(coalesce(o.items, '{}')) u", True),
        ("WITH t AS (SELECT items FROM orders) SELECT u FROM t, unnest(t.items) u", True),
        ("SELECT u FROM (SELECT items AS i FROM orders) t, unnest(i) u", True),
        ("SELECT u FROM orders o, unnest(ARRAY[o.total, o.id]) u", True),
        ("SELECT u FROM orders o, unnest(ARRAY[o.total::text, 'x']) u", True),
        ("SELECT u FROM orders o, unnest(coalesce(o.lines, '{}')) u", False),
        ("SELECT u FROM orders o, unnest(coalesce('{}', NULL)) u", False),
        ("WITH t AS (SELECT lines AS items FROM orders) SELECT u FROM t, unnest(t.items) u", False),
        ("WITH t AS (SELECT array_agg(o) AS items FROM orders o) SELECT u FROM t, unnest(t.items) u", False),
        ("SELECT u FROM orders o, unnest(ARRAY[o]) u", False),
        ("SELECT u FROM orders o, unnest(ARRAY[row(1, 2)]) u", False),
        ("SELECT u FROM cust c, unnest(ARRAY[c.ssn, c]) u", False),
        ("SELECT u FROM orders o, unnest(ARRAY['x'::line]) u", False),
    ],
)
def test_unnest_gives_one_column_where_no_element_can_be_a_row(text: str, proven: bool) -> None:
    sql = tree(text).sql
    assert sql is not None
    assert sql.outputs_proven is proven


def test_an_array_of_masked_values_that_is_unnested_is_guarded_still() -> None:
    assert not is_planned("SELECT u FROM cust c, unnest(ARRAY[c.ssn, c.city]) u")


@pytest.mark.parametrize("text", ["SELECT (information_schema._pg_expandarray(i.indkey)).n FROM pg_index i"])
def test_functions_of_information_schema_are_known(text: str) -> None:
    command = tree(text)
    assert command.complete
    assert {operation.effect.value for operation in command.operations} == {"read"}


@pytest.mark.parametrize("text", ["SELECT information_schema.evil(1)", "SELECT _pg_expandarray('{1}'::int[])"])
def test_no_other_function_is_taken_for_one_of_these(text: str) -> None:
    assert not tree(text).complete
