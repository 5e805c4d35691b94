"""The tables of a statement by scope: a CTE hides only what it hides, and what is changed is named as changed."""

from __future__ import annotations

import pytest
import sqlglot

from engine.command.sql.dialect_tables import is_locking, named_first, touched
from engine.command.tree import Effect

EFFECTS = {"insert": Effect.WRITE, "update": Effect.WRITE, "merge": Effect.WRITE, "delete": Effect.DELETE}
OTHERS = {"drop": Effect.DELETE, "truncatetable": Effect.DELETE, "create": Effect.CREATE, "alter": Effect.CREATE}


def tables(dialect: str, text: str) -> set[str]:
    tree = sqlglot.parse_one(text, read=dialect)
    effect = (EFFECTS | OTHERS).get(tree.key, Effect.WRITE if tree.args.get("into") else Effect.READ)
    return {f"{target.name} {target.access.value}" for target in touched(dialect, tree, effect).targets}


@pytest.mark.parametrize(
    ("dialect", "text", "expected"),
    [
        ("mysql", "WITH salaries AS (SELECT * FROM salaries) SELECT * FROM salaries", {"?.salaries read"}),
        ("snowflake", "WITH salaries AS (SELECT * FROM salaries) SELECT * FROM salaries", {"?.salaries read"}),
        ("tsql", "WITH salaries AS (SELECT * FROM salaries) SELECT * FROM salaries", {"?.salaries read"}),
        (
            "bigquery",
            "SELECT * FROM salaries WHERE 1 IN (WITH salaries AS (SELECT 1 a) SELECT a FROM salaries)",
            {"?.salaries read"},
        ),
        ("mysql", "WITH a AS (SELECT 1 x), b AS (SELECT x FROM a) SELECT * FROM b", set()),
        ("mysql", "WITH b AS (SELECT x FROM a), a AS (SELECT 1 x) SELECT * FROM b", {"?.a read"}),
        ("mysql", "WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r) SELECT * FROM r", set()),
        ("mysql", "WITH RECURSIVE r AS (SELECT n FROM r UNION ALL SELECT n + 1 FROM r) SELECT * FROM r", {"?.r read"}),
        ("mysql", "WITH r AS (SELECT 1 n UNION ALL SELECT n FROM r) SELECT * FROM r", {"?.r read"}),
        ("tsql", "WITH r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r) SELECT * FROM r", set()),
        ("tsql", "WITH x AS (SELECT 1 a) SELECT * FROM dbo.x", {"dbo.x read"}),
        ("tsql", "WITH x AS (SELECT 1 a) SELECT * FROM #x", {"?.#x read"}),
        ("snowflake", "WITH x AS (SELECT 1 a) SELECT * FROM X", set()),
        ("snowflake", 'WITH x AS (SELECT 1 a) SELECT * FROM "x"', {"?.x read"}),
        ("bigquery", "WITH x AS (SELECT 1 a) SELECT * FROM X", set()),
        ("mysql", "INSERT INTO s WITH s AS (SELECT 1) SELECT * FROM s", {"?.s write"}),
    ],
)
def test_a_cte_hides_a_table_only_where_it_is_in_sight(dialect: str, text: str, expected: set[str]) -> None:
    assert tables(dialect, text) == expected


@pytest.mark.parametrize(
    ("dialect", "text", "expected"),
    [
        ("mysql", "UPDATE pub p JOIN secret s ON p.i = s.i SET s.a = 1", {"?.pub read", "?.secret write"}),
        ("mysql", "UPDATE pub p JOIN secret s ON p.i = s.i SET a = 1", {"?.pub write", "?.secret write"}),
        ("mysql", "UPDATE pub SET a = 1", {"?.pub write"}),
        ("mysql", "UPDATE pub p, secret s SET p.a = s.a", {"?.pub write", "?.secret read"}),
        ("mysql", "DELETE x FROM a x JOIN b ON x.i = b.i", {"?.a delete", "?.b read"}),
        ("mysql", "DELETE a, b FROM a JOIN b JOIN c", {"?.a delete", "?.b delete", "?.c read"}),
        ("mysql", "DELETE FROM a, b USING a JOIN b JOIN c", {"?.a delete", "?.b delete", "?.c read"}),
        ("mysql", "DELETE z FROM a JOIN b", {"?.z delete", "?.a delete", "?.b delete"}),
        ("tsql", "UPDATE s SET a = 1 FROM secret s", {"?.secret write"}),
        ("tsql", "UPDATE s SET a = 1 FROM secret S", {"?.s write", "?.secret write"}),
        ("tsql", "UPDATE t SET a = 1 FROM dbo.t JOIN u ON u.i = t.i", {"?.t write", "dbo.t write", "?.u read"}),
        ("tsql", "UPDATE d SET a = 1 FROM (SELECT * FROM secret) d", {"?.secret write"}),
        ("tsql", "WITH d AS (SELECT * FROM salaries) DELETE FROM d", {"?.salaries delete"}),
        ("tsql", "WITH d AS (SELECT * FROM s), e AS (SELECT * FROM d) DELETE x FROM e x", {"?.s delete"}),
        ("tsql", "WITH d AS (SELECT * FROM salaries) INSERT INTO d (a) VALUES (1)", {"?.salaries write"}),
        ("tsql", "WITH d AS (SELECT i FROM v) DELETE FROM t WHERE i IN (SELECT i FROM d)", {"?.v read", "?.t delete"}),
        ("tsql", "INSERT INTO a OUTPUT inserted.* INTO b SELECT * FROM c", {"?.a write", "?.b write", "?.c read"}),
        ("tsql", "UPDATE t SET a = 1 OUTPUT inserted.a INTO b WHERE i = 1", {"?.t write", "?.b write"}),
        ("tsql", "INSERT INTO t (a) OUTPUT inserted.a VALUES (1)", {"?.t write"}),
        ("tsql", "SELECT * INTO #x FROM t", {"?.#x write", "?.t read"}),
        ("snowflake", "DELETE FROM t USING u WHERE t.i = u.i", {"?.t delete", "?.u read"}),
        ("snowflake", "MERGE INTO t USING (SELECT * FROM u) s ON t.i = s.i WHEN MATCHED THEN DELETE", {"?.t write", "?.u read"}),
        ("snowflake", "DROP SCHEMA a.s", {"a.s delete"}),
        ("snowflake", "DROP TABLE a", {"?.a delete"}),
        ("snowflake", "TRUNCATE TABLE a", {"?.a delete"}),
        ("mysql", "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u (b)", {"?.t create", "?.u read"}),
        ("tsql", "CREATE INDEX i ON t (a)", {"?.t create"}),
        ("snowflake", "SELECT * FROM TABLE('db.s.secret')", {"db.s.secret read"}),
    ],
)  # fmt: skip
def test_what_is_changed_is_named_as_changed(dialect: str, text: str, expected: set[str]) -> None:
    assert tables(dialect, text) == expected


@pytest.mark.parametrize(
    ("text", "computed"),
    [
        ("SELECT * FROM TABLE($v)", True),
        ("SELECT * FROM TABLE(IDENTIFIER('x'))", True),
        ("SELECT * FROM IDENTIFIER('x')", True),
        ("SELECT * FROM @stage", True),
        ("SELECT * FROM TABLE('s.t')", False),
        ("SELECT * FROM TABLE(FLATTEN(input => a))", False),
        ("SELECT * FROM t", False),
    ],
)
def test_a_table_that_is_computed_is_told(text: str, computed: bool) -> None:
    assert touched("snowflake", sqlglot.parse_one(text, read="snowflake"), Effect.READ).computed is computed


@pytest.mark.parametrize(
    ("text", "locks"),
    [
        ("SELECT * FROM t WITH (TABLOCKX, HOLDLOCK)", True),
        ("SELECT * FROM (SELECT * FROM t (UPDLOCK)) x", True),
        ("SELECT * FROM t WITH (NOLOCK)", False),
        ("SELECT * FROM t", False),
    ],
)
def test_hints_that_lock_are_locks(text: str, locks: bool) -> None:
    assert is_locking(sqlglot.parse_one(text, read="tsql")) is locks


def test_a_change_inside_names_its_table() -> None:
    assert [target.name for target in named_first(sqlglot.parse_one("DELETE FROM a"))] == ["?.a"]
