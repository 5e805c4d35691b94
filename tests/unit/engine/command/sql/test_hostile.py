"""Texts made to hang, crash or fill the memory: each ends in a tree within its budget, in a process that stays small."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from engine.command.sql.parse import parse_sql
from tests.sql_commands import tree
from tests.time_bounds import within

MIB = 1 << 20
HOSTILE: dict[str, tuple[bytes, str | None]] = {
    "10 MB": (b"SELECT " + b"1," * (5 * MIB) + b"1", "too_long"),
    "a chain of 10,000 terms": (b"SELECT 1" + b"+1" * 10_000, "too_deep"),
    "a chain of 10,000 joins": (b"SELECT * FROM t" + b" JOIN t ON true" * 10_000, "too_deep"),
    "a chain of 5,000 unions": (b"SELECT 1" + b" UNION SELECT 1" * 5_000, "too_deep"),
    "brackets to the end": (b"SELECT " + b"(" * (MIB - 10), "too_large"),
    "9,000 pairs of brackets": (b"SELECT " + b"(" * 9_000 + b"1" + b")" * 9_000, "too_deep"),
    "NOT NOT": (b"SELECT " + b"NOT " * 100_000 + b"true", "too_large"),
    "5,000 NOT": (b"SELECT " + b"NOT " * 5_000 + b"true", "too_deep"),
    "- - -": (b"SELECT " + b"- " * 20_000 + b"1", "too_deep"),
    "pluses without a gap": (b"SELECT 1 " + b"+" * 500_000 + b" 1", "too_large"),
    "comments in comments": (b"SELECT 1 " + b"/*" * 500_000, "too_large"),
    "casts": (b"SELECT 1" + b"::int" * 10_000, "too_deep"),
    "cases in cases": (b"SELECT " + b"CASE WHEN true THEN " * 4_000 + b"1" + b" END" * 4_000, "too_deep"),
    "subqueries in subqueries": (b"SELECT * FROM " + b"(SELECT * FROM " * 2_000 + b"t" + b") x" * 2_000, "too_deep"),
    "subscripts": (b"SELECT a" + b"[1]" * 300_000, "too_large"),
    "stars times stars": (
        b"WITH a0 AS (SELECT * FROM cust)"
        + b"".join(b", a%d AS (SELECT *, * FROM a%d)" % (n + 1, n) for n in range(40))
        + b" SELECT * FROM a40",
        "too_complex",
    ),
    "recursion in recursion": (
        b"WITH RECURSIVE r AS (SELECT 1 UNION ALL " * 30 + b"SELECT 1" + b") SELECT * FROM r" * 30,
        None,
    ),
    "an open quote": (b"SELECT '" + b"a" * (MIB - 20), "syntax_error"),
    "an open dollar quote": (b"SELECT $a$" + b"$b$" * 300_000, "syntax_error"),
    "a very long name": (b"SELECT " + b"a" * (MIB - 20), None),
    "many commas": (b"SELECT " + b"," * 900_000, "syntax_error"),
    "many statements": (b"SELECT 1;" * 10_500, "too_many_operations"),
    "semicolons": (b";" * (MIB - 1), "too_large"),
    "a NUL byte": (b"SELECT 1\0DROP TABLE cust", "nul_byte"),
    "names in lists": (b"SELECT 1 FROM cust WHERE id IN (" + b",".join(b"c%d" % n for n in range(20_000)) + b")", None),
    "tables times names": (
        b"SELECT " + b",".join([b"x"] * 5_000) + b" FROM " + b",".join([b"a"] * 5_000),
        "too_complex",
    ),
    "joins by name": (b"SELECT * FROM t" + b" JOIN t USING (id)" * 600, None),
}
BUDGET_SECONDS = 2.0


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_ends_in_a_tree_in_time(name: str) -> None:
    text, code = HOSTILE[name]
    command = within(BUDGET_SECONDS, lambda: tree(text))
    assert command.operations
    if code is not None:
        assert code in [problem.code for problem in command.problems], command.problems
        assert not command.complete


@pytest.mark.parametrize("terms", [10, 100, 400, 900, 1_900])
def test_depth_that_is_allowed_is_understood(terms: int) -> None:
    for text in (
        "SELECT 1" + "+1" * terms,
        "SELECT " + "NOT " * terms + "true",
        "SELECT " + "- " * terms + "1",
        "SELECT " + "(" * terms + "1" + ")" * terms,
        "SELECT 'a'" + "||'b'" * terms,
    ):
        assert tree(text).complete, (terms, text[:40])


@pytest.mark.parametrize("kilobytes", [256, 1024, 4096])
def test_nested_texts_are_understood_on_a_thread_with_a_small_stack(kilobytes: int) -> None:
    found: list[bool] = []
    texts = [
        "SELECT 1" + "+1" * 1_900,
        "SELECT " + "NOT " * 390 + "true",
        "SELECT " + "ARRAY[" * 190 + "]" * 190,
        "SELECT * FROM " + "(SELECT * FROM " * 70 + "cust" + ") x" * 70,
        "SELECT query_to_xml('SELECT " + "NOT " * 390 + "true', true, true, '')",
    ]

    def work() -> None:
        found.extend(tree(text).complete for text in texts)

    before = threading.stack_size(kilobytes * 1024)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert found == [True] * len(texts)


def test_deep_texts_from_many_threads_do_not_use_up_what_threads_share() -> None:
    # The C library takes one of the process's thread-local keys for every thread that parses.
    def work() -> None:
        assert tree("SELECT 1" + "+1" * 600).complete

    for _ in range(40):
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def test_the_process_stays_small() -> None:
    script = (
        "import re\n"
        "from engine.command.sql.parse import parse_sql\n"
        "from tests.unit.engine.command.sql.test_hostile import HOSTILE\n"
        "for text, _ in HOSTILE.values():\n"
        "    parse_sql(text)\n"
        # WHY not getrusage: its peak is inherited from the process that started this one.
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) // 1024)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 300


def test_parsing_writes_nothing_to_standard_error() -> None:
    script = (
        "from engine.command.sql.parse import parse_sql\n"
        "for text in ('SELECT 1', 'SELEC', r\"SELECT 'a\\\\b'\", r\"SELECT E'\\\\z'\", 'SELECT U&\"\\\\zz\"', 'CREATE GLOBAL TEMP TABLE t(a int)'):\n"
        "    parse_sql(text)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_texts_are_parsed_in_parallel_without_a_word_lost() -> None:
    texts = [f"SELECT {number}, ssn FROM cust WHERE id = {number}" for number in range(200)]
    wanted = [parse_sql(text).encoded for text in texts]
    failed: list[str] = []

    def work() -> None:
        failed.extend(text for text, encoded in zip(texts, wanted, strict=True) if parse_sql(text).encoded != encoded)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
