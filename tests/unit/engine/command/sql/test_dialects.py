"""SQL of other servers: known statements by their name, everything else unknown, and doubt where readings may differ."""

from __future__ import annotations

import random
from functools import partial

import pytest

from engine.command.parse import parse_command
from engine.command.sql.dialects import DIALECTS, MAX_BYTES, parse_dialect
from engine.command.sql.kinds import KIND_NAMES
from engine.command.tree import Command
from tests.time_bounds import within


def seen(protocol: str, text: str | bytes) -> Command:
    command = parse_dialect(protocol, text).command
    assert {item.kind for item in command.operations} <= KIND_NAMES
    return command


@pytest.mark.parametrize(
    ("protocol", "text", "operations"),
    [
        ("mysql", "SELECT a FROM t WHERE b = 1", ["select read"]),
        ("mysql", "SELECT 1; DROP TABLE x", ["select read", "drop_table delete"]),
        ("mysql", "SELECT a FROM t FOR UPDATE", ["select_for_update write"]),
        ("mysql", "INSERT INTO t SELECT * FROM u ON DUPLICATE KEY UPDATE a = 1", ["insert write"]),
        ("mysql", "DELETE a FROM a JOIN b", ["delete delete"]),
        ("mysql", "TRUNCATE t", ["truncate delete"]),
        ("mysql", "SHOW TABLES", ["show session"]),
        ("mysql", "START TRANSACTION READ ONLY", ["begin session"]),
        ("mysql", "ROLLBACK TO SAVEPOINT x", ["rollback session"]),
        ("mysql", " -- nothing\n", ["empty read"]),
        ("sqlserver", "SELECT TOP 5 * FROM [dbo].[t] WITH (NOLOCK)", ["select read"]),
        ("sqlserver", "SELECT * INTO x FROM t", ["select_into write"]),
        ("sqlserver", "INSERT INTO t SELECT * FROM u", ["insert write"]),
        ("sqlserver", "MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN DELETE;", ["merge delete"]),
        ("sqlserver", "BEGIN TRAN", ["begin session"]),
        ("bigquery", "SELECT a FROM `p.d.t` WHERE x > 1", ["select read"]),
        ("bigquery", "CREATE VIEW d.v AS SELECT 1 AS a", ["create_view create"]),
        ("snowflake", "SELECT a:b::string FROM t, LATERAL FLATTEN(input => t.x) f", ["select read"]),
        ("snowflake", "INSERT OVERWRITE INTO t SELECT 1", ["insert delete"]),
        ("snowflake", "SELECT seq.nextval", ["select read", "call_function write"]),
        ("mysql", "SELECT `a'`, NOW(), LAST_INSERT_ID(), UNIX_TIMESTAMP() FROM t # it's", ["select read"]),
        ("mysql", "SELECT JSON_ARRAYAGG(a), CONNECTION_ID() FROM t", ["select read"]),
        ("mysql", "EXPLAIN SELECT a FROM t WHERE b = 1", ["explain read"]),
        ("mysql", "EXPLAIN ANALYZE SELECT a FROM t", ["explain_analyze read"]),
        ("mysql", "SELECT 1; -- done", ["select read"]),
        ("mysql", "ALTER TABLE t ADD COLUMN a INT NOT NULL DEFAULT 0 AFTER b", ["alter_table create"]),
        ("mysql", "DROP INDEX i ON t", ["drop_index delete"]),
        ("mysql", "SELECT a FROM t WHERE MATCH(b) AGAINST ('c' IN BOOLEAN MODE)", ["select read"]),
        ("sqlserver", "SELECT t.[open], 1 AS [update] FROM t -- it's", ["select read"]),
        ("sqlserver", "SELECT a FROM t ORDER BY a OFFSET 5 ROWS FETCH NEXT 5 ROWS ONLY", ["select read"]),
        ("sqlserver", "SELECT value, GETUTCDATE(), SCOPE_IDENTITY() FROM STRING_SPLIT('a', ',')", ["select read"]),
        ("sqlserver", "SELECT * FROM OPENJSON(@j) WITH (a INT '$.a')", ["select read"]),
        ("sqlserver", "SELECT * FROM t WITH (TABLOCKX, HOLDLOCK)", ["select_for_update write"]),
        ("sqlserver", "SELECT * FROM a CROSS APPLY (SELECT TOP 1 * FROM b WHERE b.i = a.i) x", ["select read"]),
        ("sqlserver", "SELECT a FROM t FOR XML PATH('row'), ROOT('rows')", ["select read"]),
        ("sqlserver", "INSERT INTO t (a) OUTPUT inserted.a VALUES (1)", ["insert write"]),
        ("sqlserver", "CREATE UNIQUE NONCLUSTERED INDEX i ON t (a)", ["create_index create"]),
        ("sqlserver", "CREATE OR ALTER VIEW v AS SELECT 1 AS a", ["create_view create"]),
        ("bigquery", "SELECT 'it\\'s', STRUCT(1 AS a), arr[SAFE_OFFSET(1)] FROM d.t", ["select read"]),
        ("bigquery", "DROP SCHEMA d CASCADE", ["drop_schema delete"]),
        ("snowflake", "SELECT 'it\\'s', $$it's$$, OBJECT_CONSTRUCT('a', 1)", ["select read"]),
        ("snowflake", "SELECT SEQ4() FROM TABLE(GENERATOR(ROWCOUNT => 10))", ["select read"]),
    ],
)
def test_what_is_understood_has_its_kind_and_effect(protocol: str, text: str, operations: list[str]) -> None:
    command = seen(protocol, text)
    assert command.complete, command.problems
    assert [f"{item.kind} {item.effect}" for item in command.operations] == operations


@pytest.mark.parametrize(
    ("protocol", "text"),
    [
        ("mysql", "CALL p()"),
        ("mysql", "LOAD DATA INFILE '/etc/passwd' INTO TABLE t"),
        ("mysql", "SELECT * FROM t INTO OUTFILE '/tmp/x'"),
        ("mysql", "PREPARE s FROM 'DROP TABLE x'"),
        ("mysql", "GRANT ALL ON *.* TO x"),
        ("mysql", "KILL 5"),
        ("mysql", "START SLAVE"),
        ("mysql", "EXPLAIN ANALYZE DELETE FROM t"),
        ("mysql", "SELEC 1"),
        ("sqlserver", "IF 1=1 DROP TABLE x"),
        ("sqlserver", "xp_cmdshell 'dir'"),
        ("sqlserver", "BULK INSERT t FROM 'x'"),
        ("sqlserver", "SELECT 1 DROP TABLE x"),
        ("bigquery", "EXPORT DATA OPTIONS(uri='gs://x') AS SELECT 1"),
        ("bigquery", "EXECUTE IMMEDIATE 'DROP TABLE x'"),
        ("bigquery", "CREATE MODEL m AS SELECT 1"),
        ("snowflake", "COPY INTO @s FROM t"),
        ("snowflake", "PUT file:///x @s"),
        ("snowflake", "UNDROP TABLE x"),
        ("snowflake", "ALTER SESSION SET x = 1"),
    ],
)
def test_what_is_not_structured_is_unknown(protocol: str, text: str) -> None:
    command = seen(protocol, text)
    assert not command.complete
    assert any(item.kind == "unknown" for item in command.operations)


@pytest.mark.parametrize(
    ("protocol", "text"),
    [
        ("mysql", "SELECT 1 /*!50000 UNION SELECT 2 */"),
        ("mysql", "SELECT 1 /*M!100100 UNION SELECT 2 */"),
        ("mysql", "SELECT 1--1"),
        ("mysql", "SELECT 'a\\'; DROP TABLE x; -- '"),
        ("mysql", 'SELECT "a" FROM t'),
        ("mysql", "SELECT LOAD_FILE('/etc/passwd')"),
        ("mysql", "SELECT SLEEP(5)"),
        ("mysql", "SELECT @a := 1"),
        ("mysql", "SET GLOBAL general_log = 'ON'"),
        ("sqlserver", "SELECT * FROM t SHUTDOWN"),
        ("sqlserver", "EXEC xp_cmdshell 'dir'"),
        ("sqlserver", "exec('drop table x')"),
        ("sqlserver", "SELECT * FROM OPENROWSET('a', 'b', 'c')"),
        ("bigquery", "SELECT * FROM EXTERNAL_QUERY('c', 'select 1')"),
        ("bigquery", "CREATE FUNCTION d.f(x INT64) RETURNS INT64 LANGUAGE js AS 'return 1'"),
        ("mysql", "SELECT READ_CSV('x')"),
        ("mysql", "SELECT 1.e(a) FROM t"),
        ("mysql", "CREATE TABLE t (a INT) ENGINE=FEDERATED CONNECTION='mysql://h/d/t'"),
        ("sqlserver", "SELECT [a'] FROM t EXEC('xp_cmdshell [whoami]') --'"),
        ("sqlserver", "SELECT 1 AS [a'], 2 SHUTDOWN --'"),
        ("sqlserver", "SELECT (1) DELETE FROM t"),
        ("sqlserver", "SELECT 1 SETUSER"),
        ("sqlserver", "SELECT 0xSHUTDOWN"),
        ("sqlserver", "INSERT INTO OPENROWSET('a', 'b', 'c') SELECT 1"),
        ("snowflake", "SELECT * FROM TABLE($v)"),
        ("snowflake", "SELECT * FROM TABLE(IDENTIFIER('x'))"),
        ("snowflake", "SELECT IDENTIFIER('f')(1)"),
        ("snowflake", 'SELECT "FLATTEN"(1)'),
        ("snowflake", "SELECT AI_CLASSIFY(a, ['x']) FROM t"),
        ("snowflake", "SELECT $1 FROM @stage"),
        ("snowflake", "SELECT SYSTEM$WAIT(5)"),
        ("snowflake", "USE ROLE accountadmin"),
    ],
)
def test_what_the_server_may_read_otherwise_or_nobody_knows_is_not_complete(protocol: str, text: str) -> None:
    assert not seen(protocol, text).complete


def test_tables_are_targets_and_what_a_cte_names_is_none() -> None:
    command = seen("sqlserver", "WITH x AS (SELECT 1 AS a FROM dbo.u) DELETE FROM t WHERE id IN (SELECT a FROM x)")
    assert {(target.name, target.access.value) for item in command.operations for target in item.targets} == {
        ("?.t", "delete"),
        ("dbo.u", "read"),
    }
    assert command.sql is not None
    assert command.sql.relations == ("?.t", "dbo.u")


@pytest.mark.parametrize(
    ("condition", "counts"),
    [("id = 1", True), ("1 = 1", False), ("id = id", False), ("id = 1 OR 1 = 1", False), ("(true) AND id > 2", True)],
)
def test_a_condition_counts_only_where_it_can_leave_rows_out(condition: str, counts: bool) -> None:
    for protocol in DIALECTS:
        command = seen(protocol, f"DELETE FROM t WHERE {condition}")
        assert command.operations[0].has_where is counts, (protocol, condition)
        assert command.sql is not None
        assert command.sql.has_where is counts


@pytest.mark.parametrize(
    "text",
    [
        b"\xff", "a\0b", "x" * (MAX_BYTES + 1), "SELECT " + "(" * 500 + "1" + ")" * 500, "SELECT " + "1+" * 3000 + "1",
        "SELECT " + "CASE " * 300, "(" * 5000, "SELECT 'x", "/*", "SELECT " + "NOT " * 3000 + "1", "\ud800",
        "SELECT " + "/* " * 40_000 + "*/ */ x'", "SELECT " + ", ".join(f"f{number}()" for number in range(2000)),
        "SELECT " + "- " * 4000 + "1", "SELECT 1" + " UNION SELECT 1" * 2000,
    ],
)  # fmt: skip
def test_hostile_texts_are_answered_soon(text: str | bytes) -> None:
    for protocol in DIALECTS:
        assert not within(2.0, partial(seen, protocol, text)).complete


def test_a_change_of_many_tables_is_answered_soon() -> None:
    names = ", ".join(f"t{number}" for number in range(1900))
    for text in (f"DELETE {names} FROM {names}", f"UPDATE {names} SET " + ", ".join(f"t{n}.a = 1" for n in range(500))):
        command = within(8.0, partial(seen, "mysql", text))
        assert any(target.name == "?.t0" for item in command.operations for target in item.targets)


def test_garbage_of_words_raises_nothing() -> None:
    chance = random.Random(7)
    words = [
        "SELECT",
        "FROM",
        "WHERE",
        "(",
        ")",
        ",",
        ";",
        "*",
        "a",
        "b",
        "1",
        "'x'",
        "INSERT",
        "INTO",
        "VALUES",
        "UPDATE",
        "SET",
        "=",
        "DROP",
        "TABLE",
        "CASE",
        "END",
        "@",
        "$",
        "[",
        "]",
        "{",
        "}",
        ":",
        ":=",
        "--",
        "/*",
        "*/",
        "`",
    ]
    for number in range(400):
        text = " ".join(chance.choice(words) for _ in range(chance.randint(1, 25)))
        seen(sorted(DIALECTS)[number % len(DIALECTS)], text)


def test_the_one_door_knows_the_dialects() -> None:
    assert parse_command("mysql", "SELECT 1").command.operations[0].kind == "select"
