"""sqlglot's words against the servers': quotes and comments end where both say, and nothing of the text is lost."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot.tokens import Tokenizer

from engine.command.sql.dialect_text import doubts, lost


def codes(dialect: str, text: str) -> set[str]:
    return {code for code, _ in doubts(dialect, text, list(sqlglot.Dialect.get_or_raise(dialect).tokenize(text)))}


def missing(dialect: str, text: str) -> list[str]:
    tokens = list(sqlglot.Dialect.get_or_raise(dialect).tokenize(text))
    trees = [item for item in sqlglot.parse(text, read=dialect) if item is not None]
    return [message for _, message in lost(dialect, tokens, trees)]


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        ("mysql", "SELECT `a'`, 'it''s', 1 # it's\n + 2 -- don't"),
        ("mysql", "SELECT /* it's */ 1, `a\\`, `\"` FROM t --"),
        ("mysql", "SELECT 0x41, b'01', X'4D', 1e5, .5, 1.5e-3, 1. FROM t"),
        ("tsql", "SELECT [a'], [b]]c], 'it''s', N'x', \"it's\" -- it's"),
        ("tsql", "SELECT /* it's */ 1, $5, @a, #t.a, $action FROM #t"),
        ("bigquery", "SELECT 'it\\'s', \"it's\", '''it's''', r'a\\b', b'x', \"\"\"a \"b\" c\"\"\" # it's"),
        ("bigquery", "SELECT * FROM `p.d.t` -- it's"),
        ("snowflake", "SELECT 'it\\'s', 'it''s', $$it's$$, \"it's\" // it's"),
        ("snowflake", "SELECT $1:a, naïve, größe FROM t"),
    ],
)
def test_harmless_texts_are_read_alike(dialect: str, text: str) -> None:
    assert codes(dialect, text) == set()


@pytest.mark.parametrize(
    ("dialect", "text", "code"),
    [
        ("mysql", "SELECT 1 /*!50000 , 2 */", "hidden_text"),
        ("mysql", "SELECT /*+ SET_VAR(foreign_key_checks=OFF) */ 1", "hidden_text"),
        ("mysql", "SELECT 1--1", "hidden_text"),
        ("mysql", 'SELECT "a"', "lexer_setting"),
        ("mysql", "SELECT 'a\\'b'", "lexer_setting"),
        ("mysql", "SELECT\u00a01", "lexer"),
        ("mysql", "SELECT 1.e(a) FROM t", "lexer"),
        ("mysql", "SELECT 1 /* /* */ + 1", "hidden_text"),
        ("tsql", "SELECT 1 /*/* */ ' */SHUTDOWN --'", "hidden_text"),
        ("tsql", "SELECT 1 --\rSHUTDOWN", "hidden_text"),
        ("tsql", "SELECT 0xSHUTDOWN", "lexer"),
        ("tsql", "SELECT 0x41EXEC", "lexer"),
        ("tsql", "SELECT $1EXEC", "lexer"),
        ("tsql", "SELECT \u00a31SHUTDOWN", "lexer"),
        ("tsql", "SELECT 1SHUTDOWN", "lexer"),
        ("tsql", "SELECT 1\u0001SHUTDOWN", "lexer"),
        ("tsql", "SELECT 1 AS \uff25\uff38\uff25\uff23", "lexer"),
        ("tsql", "SELECT 1 AS \u017felect", "lexer"),
        ("bigquery", "SELECT 1 -- \rFROM t", "hidden_text"),
        ("bigquery", "SELECT 1\u2028", "lexer"),
        ("snowflake", "SELECT 1 // \u2028 FROM t", "hidden_text"),
    ],
)
def test_what_may_be_read_otherwise_is_a_doubt(dialect: str, text: str, code: str) -> None:
    assert code in codes(dialect, text)


def test_a_quote_that_ends_elsewhere_is_a_doubt() -> None:
    text = "SELECT [a'] FROM t EXEC('x') --'"
    of_no_server = list(Tokenizer().tokenize(text))
    assert "lexer" in {code for code, _ in doubts("tsql", text, of_no_server)}


def test_names_and_queries_that_are_in_no_tree_are_told() -> None:
    assert missing("snowflake", 'SELECT "FLATTEN"(1)') == ["`flatten` is in no tree"]
    assert missing("tsql", "SELECT DATENAME((SELECT p FROM s), a) FROM t")[0] == "a query of the text is in no tree"
    for dialect, text in (
        ("tsql", "SELECT DATENAME(month, a), COUNT(*) OVER (ORDER BY [b]) FROM dbo.t WITH (NOLOCK) OPTION (RECOMPILE)"),
        ("mysql", "SELECT DATE_FORMAT(a, '%Y') FROM t WHERE MATCH(b) AGAINST ('c' IN BOOLEAN MODE) LIMIT 5"),
        ("snowflake", "SELECT SEQ4() FROM TABLE(GENERATOR(ROWCOUNT => 5))"),
        ("bigquery", "SELECT arr[SAFE_OFFSET(0)] FROM `p.d.t`"),
    ):
        assert missing(dialect, text) == [], text
