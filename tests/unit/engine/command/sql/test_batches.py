"""Where a statement of SQL Server begins: each hidden one is seen, and no word of one statement is taken for another."""

from __future__ import annotations

import pytest
import sqlglot

from engine.command.sql.batches import hidden_starts


def starts(text: str) -> list[str]:
    return list(hidden_starts(list(sqlglot.Dialect.get_or_raise("tsql").tokenize(text))))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SELECT 1 SHUTDOWN", ["SHUTDOWN"]),
        ("SELECT a FROM t EXEC xp_cmdshell 'dir'", ["EXEC"]),
        ("SELECT [a'] FROM t EXEC('xp_cmdshell [whoami]') --'", ["EXEC"]),
        ("SELECT 1 SETUSER", ["SETUSER"]),
        ("SELECT 1 CHECKPOINT", ["CHECKPOINT"]),
        ("SELECT (1) DELETE FROM t", ["DELETE"]),
        ("SELECT (1) UPDATE t SET a = 1", ["UPDATE"]),
        ("SELECT (SELECT 1) DELETE FROM t", ["DELETE"]),
        ("WITH x AS (SELECT 1 a) SELECT (a) DELETE FROM x", ["DELETE"]),
        ("SELECT 1 DISABLE TRIGGER ALL ON DATABASE", ["DISABLE"]),
        ("SELECT 1 AS rows FETCH NEXT FROM c", ["FETCH"]),
        ("SELECT * FROM (DELETE FROM t OUTPUT deleted.*) d", ["DELETE"]),
        ("CREATE VIEW v AS SELECT 1 a DELETE FROM t", ["DELETE"]),
        ("SELECT 1; SELECT 2 KILL", ["KILL"]),
        ("COMMIT SHUTDOWN", ["SHUTDOWN"]),
        ("SELECT 1. EXEC", ["EXEC"]),
        ("SELECT 1 SET ROWCOUNT 5", ["SET"]),
    ],
)
def test_a_word_that_begins_a_statement_is_seen(text: str, words: list[str]) -> None:
    assert starts(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "SELECT t.[open], 1 AS [update], 'exec' FROM t",
        "SELECT t.open FROM t",
        "SELECT a FROM t ORDER BY a OFFSET @o ROWS FETCH NEXT 5 ROWS ONLY",
        "SELECT a FROM t ORDER BY a OFFSET 1 ROW FETCH FIRST (5) ROWS ONLY",
        "SELECT CASE WHEN a = 1 THEN 2 ELSE (SELECT MAX(b) FROM u) END FROM t",
        "WITH x AS (SELECT 1 a) DELETE FROM t WHERE a IN (SELECT a FROM x)",
        "WITH x AS (SELECT 1 a), y AS (SELECT a FROM x) UPDATE y SET a = 1",
        "INSERT INTO t (a) SELECT a FROM u UNION ALL SELECT 1",
        "MERGE INTO t USING u ON t.i = u.i WHEN MATCHED THEN UPDATE SET a = 1 WHEN NOT MATCHED THEN INSERT (a) VALUES (1)",
        "SELECT * FROM a INNER MERGE JOIN b ON a.i = b.i OPTION (MERGE JOIN)",
        "CREATE TABLE t (a INT, FOREIGN KEY (a) REFERENCES u (b) ON DELETE SET NULL)",
        "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (b) ON DELETE CASCADE ON UPDATE SET NULL",
        "CREATE OR ALTER VIEW v AS WITH c AS (SELECT 1 a) SELECT a FROM c",
        "DROP TABLE IF EXISTS t",
        "ALTER TABLE t DROP COLUMN c",
        "SELECT enable, copy, [get] FROM t",
    ],
)
def test_a_word_that_belongs_to_its_statement_is_none(text: str) -> None:
    assert starts(text) == []
